/** What passes over works remember from one another; losing it costs only time. */
import { type Backoff, backoffMs } from '../core/backoff.ts';
import { RepeatedWrites } from '../core/repeated-writes.ts';

interface Memory {
  uid: string;
  generation: number;
  /** By object: its fingerprint after this generation was applied to it. */
  readonly applied: Map<string, string>;
  failures: number;
  /** Versions of the work that our own writes have replaced. */
  readonly replaced: Set<string>;
}

const RETRY: Backoff = { baseMs: 50, maxMs: 30_000 };

export class WorkMemory {
  readonly #works = new Map<string, Memory>();
  readonly #restored = new RepeatedWrites();
  /** Writes to works on the hub. */
  readonly writes = new RepeatedWrites();

  /** Forgets the results of another work of that name, or of another generation. */
  enter(key: string, uid: string, generation: number): void {
    const known = this.#works.get(key);
    if (known?.uid === uid && known.generation === generation) return;
    const failures = known?.uid === uid ? known.failures : 0;
    const replaced = known?.uid === uid ? known.replaced : new Set<string>();
    this.#works.set(key, { uid, generation, applied: new Map(), failures, replaced });
  }

  /** A write of ours has turned one version into another. */
  wrote(key: string, before: string, now: string): void {
    if (before !== now) this.#works.get(key)?.replaced.add(before);
  }

  /**
   * Whether the cache does not have our own last write yet: a pass over its content would repeat that write in vain. The watch delivers the
   * change, and triggers the next pass.
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

  /** How long to wait before the object is restored once more, since somebody changes it again and again; 0 if it may be restored now. */
  pauseMs(key: string, object: string, nowMs: number): number {
    return this.#restored.pauseMs(`${key} ${object}`, this.#versionOf(key), nowMs);
  }

  /** An object that somebody had changed was applied again. */
  restored(key: string, object: string, nowMs: number): void {
    this.#restored.wrote(`${key} ${object}`, this.#versionOf(key), nowMs);
  }

  #versionOf(key: string): string {
    const { uid, generation } = this.#works.get(key) ?? {};
    return `${uid}/${generation}`;
  }

  /** The cluster may be another one, or may have been restored: everything is applied again. */
  forgetApplied(key: string): void {
    this.#works.get(key)?.applied.clear();
  }

  /** @returns the delay before the next attempt. */
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
