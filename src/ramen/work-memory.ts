/** What passes over works remember of one another; nothing is lost with it but time. */
import { type Backoff, backoffMs } from '../core/backoff.ts';

interface Memory {
  uid: string;
  generation: number;
  /** By object: its fingerprint after this generation was applied to it. */
  readonly applied: Map<string, string>;
  failures: number;
  /** Versions of the work that our own writes have replaced since. */
  readonly replaced: Set<string>;
}

const RETRY: Backoff = { baseMs: 50, maxMs: 30_000 };

export class WorkMemory {
  readonly #works = new Map<string, Memory>();

  /** Forgets what another work of that name, or another generation, came to. */
  enter(key: string, uid: string, generation: number): void {
    const known = this.#works.get(key);
    if (known?.uid === uid && known.generation === generation) return;
    const failures = known?.uid === uid ? known.failures : 0;
    const replaced = known?.uid === uid ? known.replaced : new Set<string>();
    this.#works.set(key, { uid, generation, applied: new Map(), failures, replaced });
  }

  /** A write of ours has made one version another. */
  wrote(key: string, before: string, now: string): void {
    if (before !== now) this.#works.get(key)?.replaced.add(before);
  }

  /**
   * Whether the cache has not heard of our own last write yet: a pass over what it has would write that anew, in vain. The change
   * comes by the watch, and with it the next pass.
   */
  isReplaced(key: string, resourceVersion: string): boolean {
    const replaced = this.#works.get(key)?.replaced;
    if (replaced?.has(resourceVersion) === true) return true;
    replaced?.clear();
    return false;
  }

  forget(key: string): void {
    this.#works.delete(key);
  }

  applied(key: string, object: string): string | undefined {
    return this.#works.get(key)?.applied.get(object);
  }

  remember(key: string, object: string, fingerprint: string | undefined): void {
    const memory = this.#works.get(key);
    if (fingerprint === undefined) memory?.applied.delete(object);
    else memory?.applied.set(object, fingerprint);
  }

  /** The cluster may be another one, or may have been restored: everything is applied anew. */
  forgetApplied(key: string): void {
    this.#works.get(key)?.applied.clear();
  }

  /** @returns how long to wait before the next try. */
  failed(key: string): number {
    const memory = this.#works.get(key);
    if (memory === undefined) return RETRY.baseMs;
    const waitMs = backoffMs(RETRY, memory.failures);
    memory.failures += 1;
    return waitMs;
  }

  succeeded(key: string): void {
    const memory = this.#works.get(key);
    if (memory !== undefined) memory.failures = 0;
  }
}
