/** A cache of a kind defined by a CRD: it waits quietly while the kind is not served, and follows changes of its served version. */
import { type Backoff, backoffMs } from '../../core/backoff.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { aborted, sleep } from '../../runtime/sleep.ts';
import { isKubeError } from '../http/errors.ts';
import { trimOf } from '../objects/trim.ts';
import type { CachedKindOptions } from './cached-kind.ts';
import { type Discovered, discover } from './discovery.ts';
import { Informer } from './informer.ts';
import { Reflector } from './reflector.ts';

export interface OptionalKindOptions<T extends KubeObject> extends CachedKindOptions<T> {
  /** Its version is only a default; the cached objects are the same in all of `versions`. */
  readonly resource: Resource<T>;
  /** In order of preference. */
  readonly versions: readonly string[];
  /** Whether the kind counts as empty if its group is served without it. @default false */
  readonly emptyWithoutKind?: boolean;
}

/** Checking whether a CRD has appeared is one small request; a watch of CRDs would need the right to read all of them. */
const LOOK: Backoff = { baseMs: 500, maxMs: 10_000, jitter: 0.3 };

/**
 * Mirrors one kind of a cluster while the server serves it. A kind that is not served is not a fault: readers get `unknown`, and nobody
 * waits. When the version in use is withdrawn (404), the versions are looked up again; the cached content stays.
 */
export class OptionalKind<T extends KubeObject> implements Runnable {
  readonly name: string;
  readonly phase = 'caches';
  readonly needsLeadership = false;
  readonly informer: Informer<T>;
  readonly #options: OptionalKindOptions<T>;
  readonly #firstAnswer = Promise.withResolvers<void>();
  #version: string | undefined;
  #reflector: Reflector<T> | undefined;
  /** When the server stopped serving a kind that was mirrored. */
  #lostAtMs: number | undefined;
  #trouble: string | undefined;

  constructor(options: OptionalKindOptions<T>) {
    const { resource, namespace } = options;
    this.name = `watch/${resource.plural}${namespace === undefined ? '' : `/${namespace}`}`;
    this.informer = new Informer(options);
    this.#options = options;
  }

  /** The resource in the version that was served last, or else in its default version. */
  get resource(): Resource<T> {
    const { resource } = this.#options;
    return this.#version === undefined ? resource : { ...resource, version: this.#version };
  }

  async start(stop: AbortSignal): Promise<void> {
    const { log, resource, random = Math.random } = this.#options;
    for (let looks = 0; !stop.aborted; looks += 1) {
      const found = await this.#look(stop);
      if (stop.aborted) return;
      if (found?.is === 'served') {
        log.debug('Kind is served', { resource: resource.plural, version: found.version });
        await this.#mirror(found.version, stop);
        looks = 0;
      } else if (found?.is === 'notServed' && looks === 0) {
        log.info('Waiting for the kind to be served', { resource: resource.plural });
      }
      await sleep(backoffMs(LOOK, looks, random()), stop);
    }
  }

  async whenReady(stop: AbortSignal): Promise<void> {
    await Promise.race([this.#firstAnswer.promise, aborted(stop)]);
  }

  readyz(): string | undefined {
    if (this.#trouble !== undefined) return `not discovered: ${this.#trouble}`;
    if (this.#reflector === undefined || this.informer.hasSynced()) return undefined;
    const condition = this.#reflector.condition();
    return 'message' in condition ? `not synced: ${condition.message}` : 'not synced yet';
  }

  /** See `CachedKind.details`. */
  details(): readonly string[] {
    return this.informer.hasSynced() ? (this.#reflector?.faults() ?? []) : [];
  }

  /** Whether the kind is served, as far as is known; otherwise nothing can be stale. */
  isWatching(): boolean {
    return this.#reflector !== undefined;
  }

  isStale(nowMs: number): boolean {
    return this.#reflector?.isStale(nowMs) ?? false;
  }

  /** See `Reflector.disconnectedMs`. 0 until the kind is first served; after withdrawal, the time since then. */
  disconnectedMs(nowMs: number): number {
    if (this.#lostAtMs !== undefined) return nowMs < this.#lostAtMs ? Number.POSITIVE_INFINITY : nowMs - this.#lostAtMs;
    return this.#reflector?.disconnectedMs(nowMs) ?? 0;
  }

  /** Milliseconds since the last data; 0 while the kind is not served. */
  silentMs(nowMs: number): number {
    const lastMs = this.#reflector?.lastContactMs();
    return lastMs === undefined ? 0 : Math.max(0, nowMs - lastMs);
  }

  /** @returns undefined if the server gave no answer. */
  async #look(stop: AbortSignal): Promise<Discovered | undefined> {
    const { client, resource, versions, emptyWithoutKind = false } = this.#options;
    try {
      const found = await discover(client, resource, versions, stop);
      this.#trouble = undefined;
      if (found.is === 'notServed') {
        if (found.hasGroup && emptyWithoutKind && !this.informer.hasSynced()) this.informer.replace([]);
        this.#firstAnswer.resolve();
      }
      return found;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      this.#trouble = error.message;
      return undefined;
    }
  }

  /** Returns when the version is not served any more, or when the process stops. */
  async #mirror(version: string, stop: AbortSignal): Promise<void> {
    const round = new AbortController();
    const end = (): void => round.abort();
    stop.addEventListener('abort', end, { once: true });
    this.#version = version;
    this.#reflector = new Reflector<T>({
      ...this.#options,
      resource: this.resource,
      transform: this.#options.transform ?? trimOf(this.#options.resource),
      onWatching: () => {
        this.#lostAtMs = undefined;
        this.#options.onWatching?.();
      },
      onRestart: (reason, message) => {
        this.#options.onRestart?.(reason, message);
        if (reason === 'NotServed') end();
      },
    });
    void this.informer.whenSynced().then(() => this.#firstAnswer.resolve());
    await this.#reflector.run(this.informer, round.signal);
    stop.removeEventListener('abort', end);
    this.#reflector = undefined;
    this.#lostAtMs ??= this.#options.clock.now();
  }
}
