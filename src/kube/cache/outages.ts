/** Logs failing watches so that one fault of the connection is one line, however many watches share it. */
import type { Clock, Log } from '../../core/ports.ts';
import type { RestartReason, WatchFault } from './list-watch.ts';

/** Reasons that concern the network, the server, or our credentials; every other one concerns a single kind. */
const SHARED: ReadonlySet<RestartReason> = new Set([
  'ClosedEarly',
  'TimedOut',
  'Unreachable',
  'Throttled',
  'ServerError',
  'Unauthorized',
]);

/** A watch, identified by the object itself; several may be of one kind. */
export interface Watcher {
  readonly resource: string;
}

interface Trouble {
  readonly reason: RestartReason;
  readonly sinceMs: number;
}

/** A fault of the connection, from the first watch that fails to the last that recovers. */
interface Outage extends Trouble {
  /** The kind whose watch failed first. */
  readonly resource: string;
  /** The reasons that have been logged as a warning. */
  readonly reasons: Set<RestartReason>;
  /** When the latest of the recovered watches was healthy again. */
  endMs: number;
}

/**
 * The faults of the watches over one connection.
 *
 * When several watches fail for one shared reason, only the first logs a warning; the rest log at debug. The recovery of all is logged
 * once, under the name of the first. For any other reason each watch logs its own warning and its own recovery. Repetitions are logged at
 * debug.
 */
export class Outages {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #troubles = new Map<Watcher, Trouble>();
  #outage: Outage | undefined;

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A watch has failed and waits for its next attempt. */
  failed(watcher: Watcher, { reason, message }: WatchFault, attempt: number): void {
    const { resource } = watcher;
    const before = this.#troubles.get(watcher);
    const trouble = { reason, sinceMs: before?.sinceMs ?? this.#clock.now() };
    this.#troubles.set(watcher, trouble);
    const isNews = SHARED.has(reason) ? this.#isNewInOutage(resource, trouble) : before?.reason !== reason;
    const fields = { resource, reason, attempt, detail: message };
    if (isNews) this.#log.warn('Watch failed, trying again', fields);
    else this.#log.debug('Watch begins again', fields);
    if (!SHARED.has(reason)) this.#tellEnd();
  }

  /**
   * @param sinceMs when the watch was opened, or another time since which it is known to be healthy. Does nothing for a watch that had not
   * failed.
   */
  recovered(watcher: Watcher, sinceMs: number): void {
    const trouble = this.#troubles.get(watcher);
    if (trouble === undefined) return;
    this.#troubles.delete(watcher);
    const { reason } = trouble;
    if (!SHARED.has(reason)) {
      this.#log.info('Watch recovered', { resource: watcher.resource, reason, durationMs: sinceMs - trouble.sinceMs });
    } else if (this.#outage !== undefined) {
      this.#outage.endMs = Math.max(this.#outage.endMs, sinceMs);
    }
    this.#tellEnd();
  }

  /** A watch is given up, which is not a recovery. */
  forget(watcher: Watcher): void {
    this.#troubles.delete(watcher);
    if (!this.#isUnderWay()) this.#outage = undefined;
  }

  #isNewInOutage(resource: string, { reason, sinceMs }: Trouble): boolean {
    this.#outage ??= { resource, reason, sinceMs, reasons: new Set(), endMs: sinceMs };
    const { reasons } = this.#outage;
    const isNew = !reasons.has(reason);
    reasons.add(reason);
    return isNew;
  }

  #tellEnd(): void {
    if (this.#outage === undefined || this.#isUnderWay()) return;
    const { resource, reason, sinceMs, endMs } = this.#outage;
    this.#outage = undefined;
    this.#log.info('Watch recovered', { resource, reason, durationMs: endMs - sinceMs });
  }

  #isUnderWay(): boolean {
    return [...this.#troubles.values()].some(({ reason }) => SHARED.has(reason));
  }
}
