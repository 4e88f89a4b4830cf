/**
 * A queue of keys that need attention, not of events: however often a key is added before its turn, it is handed out once.
 *
 * - A key is never handed out a second time before `done` was called for the first; if it was added meanwhile, it follows later.
 * - Keys come in the order in which they were first added, but keys of a full lane wait for a place in it, and others overtake them: slow
 *   keys of one lane delay no other lane.
 * - No key that was added is lost before the shutdown. From then on none is handed out: all state is in the cluster, so the next start
 *   finds the remaining work.
 *
 * The model is client-go's `util/workqueue`, whose shutdown hands out the queued keys; ours drops them, so that a stop takes only as long
 * as the passes in flight.
 */
import { type Backoff, backoffMs } from '../core/backoff.ts';
import { DelayedKeys } from './delayed-keys.ts';

const DEFAULT_BACKOFF: Backoff = { baseMs: 50, maxMs: 60_000, jitter: 0.2 };
/** Below this, the space of handed-out keys is not worth reclaiming. */
const MIN_COMPACTION = 1024;

export interface WorkQueueOptions {
  /** For `addRateLimited`, per key. @default 50 ms doubling to 60 s, reduced at random by up to a fifth */
  readonly backoff?: Backoff;
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
  /**
   * How many keys of one lane may be processed at once, and which lane a key is in at the moment; undefined for none.
   *
   * @default no limit
   */
  readonly lanes?: { readonly laneOf: (key: string) => string | undefined; readonly limit: number };
  /** Called with `length` whenever it may have changed. */
  readonly onDepth?: (length: number) => void;
}

export class WorkQueue {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #onDepth: (length: number) => void;
  /** Ready keys; those before `#head` have been handed out. */
  readonly #order: string[] = [];
  #head = 0;
  readonly #ready = new Set<string>();
  /** With the lane in which a key was handed out: its lane may be another one when it is done. */
  readonly #processing = new Map<string, string | undefined>();
  readonly #lanes: WorkQueueOptions['lanes'];
  readonly #inLane = new Map<string, number>();
  /** Ready keys that wait for a place in their lane, in their order. */
  readonly #parked = new Map<string, string[]>();
  /** Keys that were added while they were being processed. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new DelayedKeys((key) => this.add(key));
  readonly #waiters = new Set<(key: string | undefined) => void>();
  #isShutDown = false;
  readonly #drained: (() => void)[] = [];

  constructor(options: WorkQueueOptions = {}) {
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#random = options.random ?? Math.random;
    this.#onDepth = options.onDepth ?? (() => undefined);
    this.#lanes = options.lanes;
  }

  /** How many keys are ready, without those that are being processed or wait for their time. */
  get length(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#isShutDown) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.add(key);
    this.#order.push(key);
    this.#serveWaiter();
    this.#onDepth(this.length);
  }

  /** Adds `key` in `ms` milliseconds; an earlier time that is already set for it stays. */
  addAfter(key: string, ms: number): void {
    if (this.#isShutDown) return;
    if (ms <= 0) this.add(key);
    else this.#delayed.add(key, ms);
  }

  /** Adds `key` after a delay that grows with each call until `forget`. */
  addRateLimited(key: string, backoff: Backoff = this.#backoff): void {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.addAfter(key, backoffMs(backoff, failures, this.#random()));
  }

  /** How many times in a row `addRateLimited` was called for `key`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Ends the series of failures of `key`. It stays queued if it is. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /**
   * Waits for the next key; the caller must call `done` with it.
   *
   * @returns undefined once the queue is shut down or `signal` has aborted.
   */
  get(signal: AbortSignal): Promise<string | undefined> {
    if (this.#isShutDown || signal.aborted) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined) {
      this.#onDepth(this.length);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => {
      const give = (given: string | undefined): void => {
        signal.removeEventListener('abort', leave);
        this.#waiters.delete(give);
        resolve(given);
      };
      const leave = (): void => give(undefined);
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.add(give);
    });
  }

  done(key: string): void {
    const lane = this.#processing.get(key);
    this.#processing.delete(key);
    if (lane !== undefined) this.#leave(lane);
    if (this.#again.delete(key)) this.add(key);
    if (this.#isShutDown && this.#processing.size === 0) this.#endDrain();
  }

  /** Hands out no more keys and resolves when `done` was called for every key that is out. */
  shutDownWithDrain(): Promise<void> {
    this.#isShutDown = true;
    this.#delayed.clear();
    this.#ready.clear();
    this.#order.length = 0;
    this.#parked.clear();
    this.#again.clear();
    this.#failures.clear();
    for (const give of this.#waiters) give(undefined);
    this.#onDepth(0);
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      if (this.#processing.size === 0) this.#endDrain();
    });
  }

  #endDrain(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #serveWaiter(): void {
    const [give] = this.#waiters;
    if (give === undefined) return;
    const key = this.#take();
    if (key !== undefined) give(key);
  }

  #take(): string | undefined {
    for (let key = this.#next(); key !== undefined; key = this.#next()) {
      const lane = this.#lanes?.laneOf(key);
      if (lane === undefined || this.#enter(lane, key)) {
        this.#ready.delete(key);
        this.#processing.set(key, lane);
        return key;
      }
    }
    return undefined;
  }

  #next(): string | undefined {
    const key = this.#order[this.#head];
    if (key === undefined) return undefined;
    this.#head += 1;
    if (this.#head >= MIN_COMPACTION && this.#head * 2 >= this.#order.length) {
      this.#order.splice(0, this.#head);
      this.#head = 0;
    }
    return key;
  }

  /** @returns whether there was a place; otherwise the key is parked. */
  #enter(lane: string, key: string): boolean {
    const taken = this.#inLane.get(lane) ?? 0;
    if (taken < (this.#lanes?.limit ?? Number.POSITIVE_INFINITY)) {
      this.#inLane.set(lane, taken + 1);
      return true;
    }
    const parked = this.#parked.get(lane);
    if (parked === undefined) this.#parked.set(lane, [key]);
    else parked.push(key);
    return false;
  }

  /** Frees a place. The next key of the lane queues up behind those of others, which makes the turns fair. */
  #leave(lane: string): void {
    const taken = this.#inLane.get(lane) ?? 0;
    if (taken <= 1) this.#inLane.delete(lane);
    else this.#inLane.set(lane, taken - 1);
    const parked = this.#parked.get(lane);
    if (parked === undefined) return;
    // All of them if the lane is empty: a key that has changed its lane would not come back to call the next one.
    const called = parked.splice(0, taken <= 1 ? parked.length : 1);
    if (parked.length === 0) this.#parked.delete(lane);
    for (const key of called) {
      this.#order.push(key);
      this.#serveWaiter();
    }
  }
}
