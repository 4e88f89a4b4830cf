/**
 * Leader election on a shared record, after client-go's `tools/leaderelection`.
 *
 * - A candidate judges a record by the time at which *it* last saw the record change, on its own monotonic clock. The timestamps in the
 *   record are for people: wrong clocks, on whichever side, have no effect.
 * - A leader counts from the moment at which it *sent* its last successful renewal (client-go counts from the answer), so a slow answer
 *   shortens its term and never extends it. It stops at `renewDeadline`, and candidates wait for `leaseDuration`: as long as no clock runs
 *   half as fast again as another, there are never two leaders.
 * - Every write names the resourceVersion that was read, so of two candidates one wins.
 *
 * It cannot prevent two cases: somebody who deletes or edits the Lease by hand makes room for a second leader until the first renews, and a
 * request that was sent in time can arrive late.
 */
import type { Log } from '../core/ports.ts';
import { rfc3339Micro } from '../core/timestamps.ts';
import { LeadershipLost } from './drain-signal.ts';

/** The fields of `coordination.k8s.io/v1` LeaseSpec that are used. Others may have written it: any may be missing. */
export interface LeaseRecord {
  /** Empty when created. */
  readonly resourceVersion: string;
  /** Empty if it has no holder. */
  readonly holderIdentity: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** The storage of the record. Each call throws its failure, and must end soon after `signal` aborts. */
export interface LeaseStore {
  /** @returns undefined if there is no record. */
  get(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /** @returns the stored record; undefined if another client was faster. */
  create(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /** @returns the stored record; undefined if the record is not at `record.resourceVersion` any more. */
  update(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | undefined>;
}

export interface ElectorTime {
  /** Milliseconds from any fixed point; never set back. */
  monotonicMs(): number;
  /** Milliseconds since the epoch; only written into the record, never compared. */
  wallMs(): number;
  /** Resolves after `ms` milliseconds, or when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface LeaderElectorOptions {
  readonly store: LeaseStore;
  /** Unique to this process, even across restarts of the same Pod. */
  readonly identity: string;
  readonly log: Log;
  readonly time: ElectorTime;
  /** How long candidates wait for a silent leader; whole seconds. @default 15_000 */
  readonly leaseDurationMs?: number;
  /** How long a leader that cannot renew continues. @default 10_000 */
  readonly renewDeadlineMs?: number;
  /** The longest pause between two requests; up to a quarter is taken off at random. @default 2_000 */
  readonly retryPeriodMs?: number;
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
}

export interface ElectionCallbacks {
  /** Called once, when leading begins; `leading` aborts when it ends. Must not throw. */
  readonly onStarted: (leading: AbortSignal) => void;
  /** Called once after `onStarted`, when leading has ended for whatever reason. */
  readonly onStopped: () => void;
}

/** The result of one attempt to acquire or renew. `Taken`: another process holds a valid record. */
type Attempt = 'Held' | 'Taken' | 'Failed' | 'Late';

const JITTER = 0.25;
const RELEASE_TIMEOUT_MS = 1500;

export class LeaderElector {
  readonly #store: LeaseStore;
  readonly #identity: string;
  readonly #log: Log;
  readonly #time: ElectorTime;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #random: () => number;
  #observed: { readonly record: LeaseRecord; readonly atMs: number } | undefined;
  /** When the last successful write was sent; undefined while we do not lead. */
  #renewedAtMs: number | undefined;

  /** @throws RangeError if the durations do not fit together. */
  constructor(options: LeaderElectorOptions) {
    this.#store = options.store;
    this.#identity = options.identity;
    this.#log = options.log;
    this.#time = options.time;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2000;
    this.#random = options.random ?? Math.random;
    if (!(this.#leaseDurationMs > this.#renewDeadlineMs && this.#renewDeadlineMs > this.#retryPeriodMs)) {
      throw new RangeError(
        `Lease durations must fall from lease to renewal to retry: current values are ${this.#leaseDurationMs}, ${this.#renewDeadlineMs} and ${this.#retryPeriodMs} ms`,
      );
    }
  }

  /** Whether this process leads at this moment; false as soon as the renewal is overdue, even if nothing else has noticed yet. */
  isLeader(): boolean {
    return this.#renewedAtMs !== undefined && this.#remainingMs() > 0;
  }

  /**
   * Waits for leadership, calls `onStarted`, and renews until `stop` aborts; then it releases the Lease and resolves. Before stopping it,
   * the caller must have ended all work that needs leadership. Runs once.
   *
   * @throws LeadershipLost when the Lease could not be renewed in time or belongs to another: the process must exit.
   */
  async run(callbacks: ElectionCallbacks, stop: AbortSignal): Promise<void> {
    await this.#acquire(stop);
    if (stop.aborted) {
      await this.#release();
      return;
    }
    this.#log.info('Leading', { identity: this.#identity });
    const leading = new AbortController();
    callbacks.onStarted(leading.signal);
    const end = await this.#keep(stop);
    if (end === 'stopped') {
      leading.abort();
      await this.#release();
      callbacks.onStopped();
      return;
    }
    this.#renewedAtMs = undefined;
    const lost = new LeadershipLost(
      end === 'Taken' ? 'The Lease belongs to another process now' : 'The Lease could not be renewed in time',
    );
    leading.abort(lost);
    callbacks.onStopped();
    throw lost;
  }

  /** Tries until the Lease is ours or `stop` aborts. */
  async #acquire(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      // Bounded like a renewal: an answer that arrives later may not start a term.
      if ((await this.#attemptWithin(this.#renewDeadlineMs)) === 'Held') return;
      await this.#time.sleep(this.#pauseMs(), stop);
    }
  }

  /** Renews until `stop` aborts, the deadline passes, or another process is seen to hold the Lease. */
  async #keep(stop: AbortSignal): Promise<'stopped' | 'Taken' | 'Late'> {
    for (;;) {
      await this.#time.sleep(Math.min(this.#pauseMs(), this.#remainingMs()), stop);
      if (stop.aborted) return 'stopped';
      const attempt = await this.#attemptWithin(this.#remainingMs());
      if (attempt === 'Taken') return 'Taken';
      if (this.#remainingMs() <= 0) return 'Late';
    }
  }

  #pauseMs(): number {
    return this.#retryPeriodMs * (1 - JITTER * this.#random());
  }

  /** The time until a leader has to stop unless it renews. */
  #remainingMs(): number {
    return (this.#renewedAtMs ?? Number.NEGATIVE_INFINITY) + this.#renewDeadlineMs - this.#time.monotonicMs();
  }

  async #attemptWithin(ms: number): Promise<Attempt> {
    if (ms <= 0) return 'Late';
    const cut = new AbortController();
    try {
      const late = this.#time.sleep(ms, cut.signal).then((): Attempt => 'Late');
      return await Promise.race([this.#attempt(cut.signal), late]);
    } finally {
      cut.abort();
    }
  }

  async #attempt(cut: AbortSignal): Promise<Attempt> {
    try {
      // client-go's fast path: a leader that knows the record need not read it again.
      if (this.isLeader() && this.#observed !== undefined && (await this.#write(this.#observed.record, cut)))
        return 'Held';
      const record = await this.#store.get(cut);
      if (cut.aborted) return 'Late';
      if (record !== undefined) this.#observe(record);
      if (record !== undefined && this.#isTaken(record)) return 'Taken';
      return (await this.#write(record, cut)) ? 'Held' : 'Failed';
    } catch (error) {
      if (!cut.aborted) this.#log.warn('Requesting the Lease failed', { err: error });
      return 'Failed';
    }
  }

  /** Acquires or renews the Lease. @returns false if another client wrote first, or the answer came too late. */
  async #write(current: LeaseRecord | undefined, cut: AbortSignal): Promise<boolean> {
    const sentAtMs = this.#time.monotonicMs();
    const record = this.#ours(current);
    const stored = await (current === undefined ? this.#store.create(record, cut) : this.#store.update(record, cut));
    if (stored === undefined || cut.aborted) return false;
    this.#observe(stored);
    this.#renewedAtMs = sentAtMs;
    return this.isLeader();
  }

  #ours(current: LeaseRecord | undefined): LeaseRecord {
    const now = rfc3339Micro(this.#time.wallMs());
    const isRenewal = current?.holderIdentity === this.#identity;
    const transitions = current?.leaseTransitions ?? 0;
    return {
      resourceVersion: current?.resourceVersion ?? '',
      holderIdentity: this.#identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      acquireTime: isRenewal ? (current.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: current === undefined || isRenewal ? transitions : transitions + 1,
    };
  }

  #observe(record: LeaseRecord): void {
    const before = this.#observed?.record;
    if (before !== undefined && saysTheSame(before, record)) {
      this.#observed = { record, atMs: this.#observed?.atMs ?? 0 };
      return;
    }
    this.#observed = { record, atMs: this.#time.monotonicMs() };
    const { holderIdentity } = record;
    // A released Lease has an empty holder.
    if (holderIdentity && holderIdentity !== before?.holderIdentity && holderIdentity !== this.#identity) {
      this.#log.info('Observed a leader', { identity: holderIdentity });
    }
  }

  /** Whether another process holds the record and may still be alive. */
  #isTaken({ holderIdentity, leaseDurationSeconds = 0 }: LeaseRecord): boolean {
    if (holderIdentity === '' || holderIdentity === this.#identity) return false;
    const durationMs = leaseDurationSeconds > 0 ? leaseDurationSeconds * 1000 : this.#leaseDurationMs;
    return this.#time.monotonicMs() < (this.#observed?.atMs ?? 0) + durationMs;
  }

  /** Releases the Lease if it is ours; a failure only means that others wait until it has expired. */
  async #release(): Promise<void> {
    this.#renewedAtMs = undefined;
    const cut = new AbortController();
    const done = new AbortController();
    void this.#time.sleep(RELEASE_TIMEOUT_MS, done.signal).then(() => cut.abort());
    try {
      // The last answer may have been lost, so a record that is out of date is read once more.
      if (!(await this.#writeFree(this.#observed?.record, cut.signal))) {
        await this.#writeFree(await this.#store.get(cut.signal), cut.signal);
      }
    } catch (error) {
      this.#log.warn('Giving back the Lease failed', { err: error });
    } finally {
      done.abort();
    }
  }

  /** @returns false if the record has changed since. */
  async #writeFree(record: LeaseRecord | undefined, cut: AbortSignal): Promise<boolean> {
    if (record?.holderIdentity !== this.#identity) return false;
    const now = rfc3339Micro(this.#time.wallMs());
    const free = { ...record, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    return (await this.#store.update(free, cut)) !== undefined;
  }
}

function saysTheSame(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.holderIdentity === b.holderIdentity &&
    a.renewTime === b.renewTime &&
    a.acquireTime === b.acquireTime &&
    a.leaseDurationSeconds === b.leaseDurationSeconds &&
    a.leaseTransitions === b.leaseTransitions
  );
}
