/** A cache as a part of the process: a reflector and the store that it fills. */
import type { KubeObject } from '../../core/objects.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { aborted } from '../../runtime/sleep.ts';
import { Informer, type InformerOptions } from './informer.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

export type CachedKindOptions<T extends KubeObject> = ReflectorOptions<T> & Pick<InformerOptions, 'onHandlerError'>;

/** Mirrors one kind of a cluster from the start of the process to its end. A standby does so too, so that it can take over at once. */
export class CachedKind<T extends KubeObject> implements Runnable {
  readonly name: string;
  readonly phase = 'caches';
  readonly needsLeadership = false;
  readonly informer: Informer<T>;
  readonly #reflector: Reflector<T>;

  constructor(options: CachedKindOptions<T>) {
    this.name = `watch/${options.resource.plural}`;
    this.informer = new Informer(options);
    this.#reflector = new Reflector(options);
  }

  start(stop: AbortSignal): Promise<void> {
    return this.#reflector.run(this.informer, stop);
  }

  async whenReady(stop: AbortSignal): Promise<void> {
    await Promise.race([this.informer.whenSynced(), aborted(stop)]);
  }

  /** Unready only before the first sync: afterwards the content is at worst old, see `isStale`. */
  readyz(): string | undefined {
    if (this.informer.hasSynced()) return undefined;
    const condition = this.#reflector.condition();
    return 'message' in condition ? `not synced: ${condition.message}` : 'not synced yet';
  }

  /** Faults after the first sync, which do not make the process unready. */
  details(): readonly string[] {
    return this.informer.hasSynced() ? this.#reflector.faults() : [];
  }

  isStale(nowMs: number): boolean {
    return this.#reflector.isStale(nowMs);
  }

  /** See `Reflector.disconnectedMs`. */
  disconnectedMs(nowMs: number): number {
    return this.#reflector.disconnectedMs(nowMs);
  }

  /** Milliseconds since the last data; 0 before the first contact. */
  silentMs(nowMs: number): number {
    const lastMs = this.#reflector.lastContactMs();
    return lastMs === undefined ? 0 : Math.max(0, nowMs - lastMs);
  }
}
