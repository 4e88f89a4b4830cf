/** Takes keys from a queue and reconciles them, a key never twice at once; the vocabulary is controller-runtime's. */
import { randomUUID } from 'node:crypto';
import type { Backoff } from '../core/backoff.ts';
import { type Result, TerminalError } from '../core/decision.ts';
import type { Log } from '../core/ports.ts';
import { drainSignal } from './drain-signal.ts';
import type { Runnable } from './manager.ts';
import { inPass } from './pass-signal.ts';
import { WorkQueue, type WorkQueueOptions } from './queue.ts';

/** The outcome of a pass. A closed set, for metrics. */
export const PASS_OUTCOMES = ['Done', 'RequeueAfter', 'Conflict', 'Failed', 'Terminal', 'Aborted'] as const;
export type PassOutcome = (typeof PASS_OUTCOMES)[number];

export interface ReconcileContext {
  /** Carries `controller`, the key and the pass's `reconcileID`. */
  readonly log: Log;
  /** Aborts when the pass has taken too long, or when the process stops; the requests of the pass end with it automatically. */
  readonly signal: AbortSignal;
}

/** @throws `TerminalError` if only a change of the object can help; every other error is retried. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<Result>;

export interface ControllerMetrics {
  observe(pass: { readonly controller: string; readonly outcome: PassOutcome; readonly durationMs: number }): void;
  /** How many keys wait for a worker. */
  depth(controller: string, length: number): void;
}

export interface ControllerOptions {
  readonly name: string;
  /** Kind of the objects that the keys name; it is the log field of the key. */
  readonly kind: string;
  readonly reconcile: Reconcile;
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  /** Whether `error`, or one of its causes, shows that an object has changed since the decision read it. */
  readonly isConflict: (error: unknown) => boolean;
  /** @default 1 */
  readonly workers?: number;
  /** @default 120_000 */
  readonly timeoutMs?: number;
  /**
   * Awaited before each pass, if passes compute for long: several in a row would keep the Lease from being renewed.
   *
   * @default none
   */
  readonly nextTurn?: () => Promise<void>;
  /** How long passes in flight may go on after the stop. @default 5_000 */
  readonly drainMs?: number;
  /** @default true */
  readonly needsLeadership?: boolean;
  readonly queue?: Omit<WorkQueueOptions, 'onDepth'>;
}

/** The cache usually has the change within milliseconds; waiting longer than a second would not help. */
const CONFLICT_BACKOFF: Backoff = { baseMs: 50, maxMs: 1000, jitter: 0.2 };

export class Controller implements Runnable {
  readonly name: string;
  readonly needsLeadership: boolean;
  readonly phase = 'controllers';
  readonly #options: ControllerOptions;
  readonly #log: Log;
  readonly #queue: WorkQueue;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.needsLeadership = options.needsLeadership ?? true;
    this.#options = options;
    this.#log = options.log.child({ controller: options.name });
    this.#queue = new WorkQueue({
      ...options.queue,
      onDepth: (length) => options.metrics.depth(options.name, length),
    });
  }

  /** Requests a pass over `key`, soon. Keys that come before the start wait for it. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** Requests a pass over `key` within `ms` milliseconds. */
  enqueueAfter(key: string, ms: number): void {
    this.#queue.addAfter(key, ms);
  }

  /** Reconciles until `stop` aborts, then lets the passes in flight finish. Runs once: its queue ends with it. */
  async start(stop: AbortSignal): Promise<void> {
    const work = drainSignal(stop, this.#options.drainMs ?? 5000);
    const workers = Array.from({ length: this.#options.workers ?? 1 }, () => this.#work(stop, work));
    await Promise.all(workers);
    await this.#queue.shutDownWithDrain();
  }

  async #work(stop: AbortSignal, work: AbortSignal): Promise<void> {
    const { nextTurn } = this.#options;
    for (;;) {
      const key = await this.#queue.get(stop);
      if (key === undefined) return;
      try {
        if (nextTurn !== undefined) this.#lastTurn = this.#lastTurn.then(nextTurn);
        await this.#lastTurn;
        await this.#pass(key, work);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #pass(key: string, work: AbortSignal): Promise<void> {
    const { kind, metrics, timeoutMs = 120_000 } = this.#options;
    const log = this.#log.child({ [kind]: key, reconcileID: randomUUID() });
    const startedMs = performance.now();
    const pass = new AbortController();
    const stop = (): void => pass.abort(work.reason);
    const timer = setTimeout(() => pass.abort(new Error(`Pass took longer than ${timeoutMs} ms`)), timeoutMs);
    if (work.aborted) stop();
    else work.addEventListener('abort', stop, { once: true });
    let outcome: PassOutcome;
    try {
      const { signal } = pass;
      const result = await inPass(signal, () => this.#options.reconcile(key, { log, signal }));
      outcome = this.#finish(key, result);
    } catch (error) {
      outcome = work.aborted ? 'Aborted' : this.#fail(key, causeOf(error, pass.signal), log);
    } finally {
      clearTimeout(timer);
      work.removeEventListener('abort', stop);
    }
    metrics.observe({ controller: this.name, outcome, durationMs: performance.now() - startedMs });
  }

  #finish(key: string, { requeueAfterMs }: Result): PassOutcome {
    this.#queue.forget(key);
    if (requeueAfterMs === undefined) return 'Done';
    this.#queue.addAfter(key, requeueAfterMs);
    return 'RequeueAfter';
  }

  #fail(key: string, error: unknown, log: Log): PassOutcome {
    if (someCause(error, (cause) => cause instanceof TerminalError)) {
      this.#queue.forget(key);
      log.error('Reconciling failed for good', { err: error });
      return 'Terminal';
    }
    if (someCause(error, this.#options.isConflict)) {
      this.#queue.addRateLimited(key, CONFLICT_BACKOFF);
      log.debug('Reconciling met a conflict', { err: error });
      return 'Conflict';
    }
    this.#queue.addRateLimited(key);
    log.error('Reconciling failed', { err: error, attempt: this.#queue.failures(key) });
    return 'Failed';
  }
}

/** A pass that ran out of time usually fails with the abort of its request; an operator needs to read about the timeout instead. */
function causeOf(error: unknown, pass: AbortSignal): unknown {
  return pass.aborted ? new Error(String(pass.reason?.message ?? pass.reason), { cause: error }) : error;
}

/** Whether `matches` holds for `error` or for one of its causes. */
function someCause(error: unknown, matches: (cause: unknown) => boolean): boolean {
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    if (matches(cause)) return true;
  }
  return false;
}
