/** The loop around `list-watch.ts`: sends the requests, hands objects to a sink, waits, and reports its condition. */
import type { Clock, Log } from '../../core/ports.ts';
import type { Resource } from '../../core/resources.ts';
import { outsidePasses } from '../../runtime/pass-signal.ts';
import { sleep } from '../../runtime/sleep.ts';
import { type ApiClient, pathOf, type StreamRequest } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { trimOf } from '../objects/trim.ts';
import { Freshness } from './freshness.ts';
import {
  type Input,
  type Listing,
  type Pause,
  type RestartReason,
  START,
  type State,
  step,
  type WatchFault,
  type Watching,
} from './list-watch.ts';
import { Outages, type Watcher } from './outages.ts';
import { type ChangeType, faultOf, readEvent, readPage } from './watch-event.ts';

/** Receives the content of a collection. An error is a bug, and ends the reflector. */
export interface Sink<T> {
  /** The whole content of the collection, after the last page of a list. */
  replace(objects: readonly T[]): void;
  apply(type: ChangeType, object: T): void;
}

export interface ReflectorOptions<T> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  /** All namespaces if absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
  /**
   * Turns the server's object into the one that is kept. If it returns undefined, the object is left out, with a warning. Must not throw.
   *
   * @default the registered trim of the resource
   */
  readonly transform?: (raw: unknown) => T | undefined;
  /** @default 500 */
  readonly pageSize?: number;
  /**
   * A watch without a byte for this long is reopened. For a kind without changes the first bookmark comes after two minutes (observed with
   * kube-apiserver 1.36), and then one each minute.
   *
   * @default 150_000
   */
  readonly idleMs?: number;
  /** Full jitter below `baseMs` × 2ⁿ, at most `maxMs`; retries without end. @default { baseMs: 800, maxMs: 30_000 } */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
  readonly clock: Clock;
  /** Resolves after the time, or as soon as the signal aborts; never rejects. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Shared by watches over one connection, so that not each of them logs its faults. @default a separate one */
  readonly outages?: Outages;
  /** Called whenever a watch is open: from then on no change is missed. */
  readonly onWatching?: () => void;
  /** Called whenever a list or a watch has to begin again; `Closed` is the regular end of a watch. @param message see `WatchFault`. */
  readonly onRestart?: (reason: RestartReason, message: string) => void;
  /**
   * Called after each page, before the list is complete: a returned text is the reason to give the list up as `TooLarge`.
   *
   * @default no bound
   */
  readonly excessOf?: (listed: { readonly pages: number; readonly objects: readonly T[] }) => string | undefined;
}

/** Reasons that only the answer to opening a watch can have: an open watch ends them. */
const REFUSALS: ReadonlySet<RestartReason> = new Set(['Unauthorized', 'Forbidden', 'NotServed']);

/** The reflector's condition, for `/readyz` and metrics. `message` is the last failure, as the server or the network described it. */
export type ReflectorCondition =
  | { readonly is: 'syncing' | 'synced' }
  | { readonly is: 'retrying' | 'notServed' | 'forbidden'; readonly message: string };

type Query = NonNullable<StreamRequest['query']>;

const LIST_TIMEOUT_MS = 60_000;
/** client-go's `minWatchTimeout`, spread up to its double so that watches do not end together. */
const WATCH_TIMEOUT_S = 300;

/**
 * Mirrors one collection of an API server into a sink by list and watch.
 *
 * Guarantees: `replace` comes before any `apply`, and again after every gap; between two `replace` calls no change is left out and none
 * comes twice; nothing that the server or the network does ends it. It cannot know how old the server's own view is: content may be old,
 * see `isStale`.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #transform: (raw: unknown) => T | undefined;
  readonly #idleMs: number;
  readonly #outages: Outages;
  readonly #watcher: Watcher;
  readonly #sight: Freshness;
  #listed: T[] = [];
  #pages = 0;
  #running = false;
  #synced = false;
  #trouble: WatchFault | undefined;

  /** @throws RangeError if the resource has neither a transform nor a registered trim. */
  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#transform = options.transform ?? trimOf(options.resource);
    this.#idleMs = options.idleMs ?? 150_000;
    this.#outages = options.outages ?? new Outages(options);
    this.#watcher = { resource: options.resource.plural };
    this.#sight = new Freshness(this.#idleMs);
  }

  /**
   * Lists and watches until the signal aborts, then resolves. May be called again after that; it then lists again.
   *
   * @throws any error of the sink or the transform; never a `KubeError`.
   */
  run(sink: Sink<T>, signal: AbortSignal): Promise<void> {
    // The watch outlives the pass that may have started it.
    return outsidePasses(() => this.#run(sink, signal));
  }

  async #run(sink: Sink<T>, signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error(`The reflector of ${this.#options.resource.plural} is running already`);
    this.#running = true;
    try {
      let state: State = START;
      this.#sight.lost(this.#options.clock.now());
      while (!signal.aborted) state = await this.#proceed(state, sink, signal);
    } finally {
      this.#running = false;
      this.#listed = [];
      this.#outages.forget(this.#watcher);
    }
  }

  /** Whether the sink has received a complete list; stays true from then on. */
  hasSynced(): boolean {
    return this.#synced;
  }

  /** When the last page, event or bookmark came, by the injected clock. */
  lastContactMs(): number | undefined {
    return this.#sight.lastContactMs();
  }

  /** Whether nothing came for two idle periods, in which a healthy watch has at least one bookmark; also true before the first contact. */
  isStale(nowMs: number): boolean {
    return this.#sight.isStale(nowMs);
  }

  /**
   * How long no watch has been open (see `Freshness`), so that changes may have been missed until the next list or watch delivers them. A
   * connection that died silently counts as open until `idleMs` is over.
   */
  disconnectedMs(nowMs: number): number {
    return this.#sight.disconnectedMs(nowMs);
  }

  /** A failure is kept until a page, an event or a bookmark comes, or a watch ends regularly. */
  condition(): ReflectorCondition {
    if (this.#trouble === undefined) return { is: this.#synced ? 'synced' : 'syncing' };
    const { reason, message } = this.#trouble;
    if (reason === 'NotServed') return { is: 'notServed', message };
    return { is: reason === 'Forbidden' ? 'forbidden' : 'retrying', message };
  }

  /** The condition for people: one line, or none if everything is well. */
  faults(): readonly string[] {
    const condition = this.condition();
    return 'message' in condition ? [`watching fails: ${condition.message}`] : [];
  }

  #proceed(state: State, sink: Sink<T>, signal: AbortSignal): Promise<State> {
    switch (state.at) {
      case 'listing':
        return this.#list(state, sink, signal);
      case 'watching':
        return this.#watch(state, sink, signal);
      case 'waiting':
        return this.#rest(state, signal);
    }
  }

  async #list(state: Listing, sink: Sink<T>, signal: AbortSignal): Promise<State> {
    const { continueToken } = state;
    if (continueToken === undefined) {
      this.#listed = [];
      this.#pages = 0;
    }
    const { pageSize = 500, client, metadataOnly = false } = this.#options;
    const kept: T[] = [];
    const onItem = (raw: unknown): void => {
      const object = this.#kept(raw);
      if (object !== undefined) kept.push(object);
    };
    let body: unknown;
    try {
      body = await client.request({
        method: 'GET',
        ...this.#target({ limit: pageSize, continue: continueToken }),
        metadataOnly,
        timeoutMs: LIST_TIMEOUT_MS,
        signal,
        // Only our own backoff applies: a second one below it would hide the failures from `condition`.
        retry: 'never',
        onItem,
      });
    } catch (error) {
      return this.#afterError(state, error, 0, signal);
    }
    const page = readPage(body);
    if ('reason' in page) return this.#advance(state, { is: 'fault', fault: page, livedMs: 0 });
    this.#heard();
    for (const raw of page.items) onItem(raw);
    for (const object of kept) this.#listed.push(object);
    this.#pages += 1;
    const message = this.#options.excessOf?.({ pages: this.#pages, objects: this.#listed });
    if (message !== undefined) {
      this.#listed = [];
      return this.#advance(state, { is: 'fault', fault: { reason: 'TooLarge', message }, livedMs: 0 });
    }
    if (page.continueToken === undefined) {
      const objects = this.#listed;
      this.#listed = [];
      sink.replace(objects);
      this.#synced = true;
    }
    return this.#advance(state, { is: 'page', ...page });
  }

  async #watch(opened: Watching, sink: Sink<T>, signal: AbortSignal): Promise<State> {
    const { client, clock, random = Math.random, metadataOnly = false } = this.#options;
    const openedMs = clock.now();
    const request: StreamRequest = {
      ...this.#target({
        watch: true,
        resourceVersion: opened.resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.floor(WATCH_TIMEOUT_S * (1 + random())),
      }),
      metadataOnly,
      signal,
      idleMs: this.#idleMs,
      onOpen: () => {
        this.#sight.opened(clock.now());
        if (this.#trouble !== undefined && REFUSALS.has(this.#trouble.reason)) this.#heard();
        this.#options.onWatching?.();
      },
    };
    let state: State = opened;
    try {
      for await (const line of client.lines(request)) {
        const event = readEvent(line);
        if (event.type === 'ERROR') {
          return this.#advance(state, { is: 'fault', fault: event.fault, livedMs: clock.now() - openedMs });
        }
        this.#heard();
        if (event.type !== 'BOOKMARK') {
          const object = this.#kept(event.object);
          if (object !== undefined) sink.apply(event.type, object);
        }
        state = this.#advance(state, { is: 'event', resourceVersion: event.resourceVersion });
      }
    } catch (error) {
      return this.#afterError(state, error, clock.now() - openedMs, signal);
    }
    return this.#advance(state, { is: 'closed', livedMs: clock.now() - openedMs });
  }

  async #rest(state: Pause, signal: AbortSignal): Promise<State> {
    const { backoff: { baseMs, maxMs } = { baseMs: 800, maxMs: 30_000 }, random = Math.random } = this.#options;
    const { sleep: rest = sleep } = this.#options;
    // Added to the server's delay, so that not all rejected clients come back at once.
    const waitMs = state.atLeastMs + random() * Math.min(maxMs, baseMs * 2 ** (state.failures - 1));
    await rest(waitMs, signal);
    return this.#advance(state, { is: 'rested' });
  }

  #afterError(state: State, error: unknown, livedMs: number, signal: AbortSignal): State {
    if (!isKubeError(error)) throw error;
    if (signal.aborted) return state;
    return this.#advance(state, { is: 'fault', fault: faultOf(error), livedMs });
  }

  #advance(state: State, input: Input): State {
    const { state: next, restart } = step(state, input);
    if (restart !== undefined) this.#restarted(restart, next);
    return next;
  }

  #restarted(fault: WatchFault, next: State): void {
    const { log, resource, onRestart } = this.#options;
    const { reason, message } = fault;
    onRestart?.(reason, message);
    if (next.at === 'waiting') {
      this.#trouble = fault;
      this.#outages.failed(this.#watcher, fault, next.failures);
    } else {
      log.debug('Watch begins again', { resource: resource.plural, reason, attempt: next.failures, detail: message });
      this.#recovered();
    }
    // After the log line above, which reports when the watch was opened.
    this.#sight.lost(this.#options.clock.now());
  }

  #heard(): void {
    this.#sight.heard(this.#options.clock.now());
    this.#recovered();
  }

  #recovered(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#outages.recovered(this.#watcher, this.#sight.openedMs() ?? this.#options.clock.now());
  }

  #kept(raw: unknown): T | undefined {
    const object = this.#transform(raw);
    if (object === undefined) {
      const { log, resource } = this.#options;
      log.warn('Dropping an object without name, uid or resourceVersion', { resource: resource.plural });
    }
    return object;
  }

  #target(query: Query): { readonly path: string; readonly query: Query } {
    const { resource, namespace, labelSelector, fieldSelector } = this.#options;
    return { path: pathOf(resource, { namespace }), query: { labelSelector, fieldSelector, ...query } };
  }
}
