/**
 * Starts the parts of the process in order and stops them in reverse.
 *
 * Start: each phase is launched and awaited until it is ready; parts that need leadership follow once the Lease is ours, in the same order.
 * Stop: phase by phase from the last to the first, then the Lease is released. The order and the terms are controller-runtime's
 * (`pkg/manager`).
 */
import type { Log } from '../core/ports.ts';
import { LeadershipLost } from './drain-signal.ts';
import { aborted, sleep } from './sleep.ts';

/** In the order of the start: probes and metrics, caches, services that others rely on (the event recorder), controllers. */
const PHASES = ['servers', 'caches', 'services', 'controllers'] as const;
export type Phase = (typeof PHASES)[number];

/** A part of the process with its own lifecycle. */
export interface Runnable {
  readonly name: string;
  readonly phase: Phase;
  readonly needsLeadership: boolean;
  /**
   * Runs until `stop` aborts and resolves when all work has ended. A rejection stops the whole process. The reason of the abort is a
   * `LeadershipLost` if not even the work in flight may continue.
   */
  start(stop: AbortSignal): Promise<void>;
  /** Resolves when the next phase may start (a cache: it has synced), or when `stop` aborts. */
  whenReady?(stop: AbortSignal): Promise<void>;
  /** Why the process should be restarted; undefined while everything is well. */
  healthz?(): string | undefined;
  /** Why this part cannot be used at present; undefined while everything is well. */
  readyz?(): string | undefined;
  /** Further information line by line, even while everything is well; shown by `/readyz?verbose`. */
  details?(): readonly string[];
}

/** One line of `/healthz` or `/readyz`. */
export interface Check {
  readonly name: string;
  /** @returns the fault; undefined while everything is well. */
  check(): string | undefined;
  /** Further information, whether there is a fault or not. */
  details?(): readonly string[];
}

/** The interface of an elector; `LeaderElector` implements it. */
export interface Election {
  /** @throws LeadershipLost when leading ended other than by `stop`. */
  run(
    callbacks: { readonly onStarted: (leading: AbortSignal) => void; readonly onStopped: () => void },
    stop: AbortSignal,
  ): Promise<void>;
}

export interface ManagerOptions {
  readonly log: Log;
  /** If absent, parts that need leadership start at once. */
  readonly election?: Election;
  /** For the whole stop, the Lease included. The process promises to exit within 10 s. @default 9_000 */
  readonly graceMs?: number;
}

/** The part of the grace period that is reserved for releasing the Lease. */
const RELEASE_MS = 1500;
/** After a lost Lease: enough for aborted work to unwind, and well within the seconds before another process may lead. */
const LOST_GRACE_MS = 1000;

/** The runnables of one phase that are running. */
interface Group {
  readonly stop: AbortController;
  readonly running: Map<Runnable, Promise<void>>;
}

export class Manager {
  readonly #log: Log;
  readonly #election: Election | undefined;
  readonly #graceMs: number;
  readonly #runnables: Runnable[] = [];
  readonly #groups: Readonly<Record<Phase, Group>> = {
    servers: newGroup(),
    caches: newGroup(),
    services: newGroup(),
    controllers: newGroup(),
  };
  /** Aborts when the stop begins, for whatever reason. */
  readonly #over = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #hasStarted = false;

  constructor(options: ManagerOptions) {
    this.#log = options.log;
    this.#election = options.election;
    this.#graceMs = options.graceMs ?? 9000;
  }

  /** Adds a part, before `start`. Parts of one phase start in the order in which they were added. */
  add(runnable: Runnable): void {
    this.#runnables.push(runnable);
  }

  healthz(): readonly Check[] {
    return this.#runnables.map((runnable) => ({ name: runnable.name, check: () => runnable.healthz?.() }));
  }

  /** Fails until every part that needs no leadership is ready, and from the stop on; a standby is ready, too. */
  readyz(): readonly Check[] {
    const started = { name: 'started', check: () => this.#whyNotReady() };
    const own = this.#runnables.map((runnable) => ({
      name: runnable.name,
      check: () => runnable.readyz?.(),
      details: () => runnable.details?.() ?? [],
    }));
    return [started, ...own];
  }

  /**
   * Runs everything until `stop` aborts, then resolves when all has ended or the grace period is over. Runs once. The caller must then
   * exit: work that outlived the grace period continues until then.
   *
   * @throws the first error of a runnable, or LeadershipLost, after everything was stopped.
   */
  async start(stop: AbortSignal): Promise<void> {
    const onStop = (): void => this.#over.abort();
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });

    await this.#launchAll(false);
    this.#hasStarted = true;
    const giveBack = new AbortController();
    const leading = this.#lead(giveBack.signal);
    await aborted(this.#over.signal);
    await this.#stopAll(leading, giveBack);
    stop.removeEventListener('abort', onStop);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #whyNotReady(): string | undefined {
    if (this.#over.signal.aborted) return 'stopping';
    return this.#hasStarted ? undefined : 'waiting for caches';
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#over.abort(error);
  }

  async #lead(giveBack: AbortSignal): Promise<void> {
    if (this.#over.signal.aborted) return;
    if (this.#election === undefined) {
      await this.#launchAll(true);
      return;
    }
    const callbacks = { onStarted: () => void this.#launchAll(true), onStopped: () => undefined };
    try {
      await this.#election.run(callbacks, giveBack);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #launchAll(needsLeadership: boolean): Promise<void> {
    const over = this.#over.signal;
    for (const phase of PHASES) {
      const members = this.#runnables.filter((one) => one.phase === phase && one.needsLeadership === needsLeadership);
      if (over.aborted) return;
      for (const runnable of members) this.#launch(runnable);
      const ready = Promise.all(members.map((runnable) => runnable.whenReady?.(over)));
      await Promise.race([ready.catch((error: unknown) => this.#fail(error)), aborted(over)]);
    }
  }

  #launch(runnable: Runnable): void {
    const { stop, running } = this.#groups[runnable.phase];
    const life = async (): Promise<void> => {
      try {
        await runnable.start(stop.signal);
      } catch (error) {
        this.#fail(new Error(`Running ${runnable.name}`, { cause: error }));
      } finally {
        running.delete(runnable);
      }
    };
    this.#log.debug('Starting', { runnable: runnable.name });
    // The part starts only in a later turn of the event loop, so it cannot end before it is in the map.
    running.set(runnable, Promise.resolve().then(life));
  }

  async #stopAll(leading: Promise<void>, giveBack: AbortController): Promise<void> {
    const lost = this.#failure?.error instanceof LeadershipLost;
    const endMs = performance.now() + (lost ? LOST_GRACE_MS : this.#graceMs);
    const drainedByMs = lost ? endMs : endMs - RELEASE_MS;
    if (lost) for (const phase of PHASES) this.#groups[phase].stop.abort(this.#failure?.error);
    for (const phase of PHASES.toReversed()) {
      const { stop, running } = this.#groups[phase];
      stop.abort();
      await within(Promise.all(running.values()), drainedByMs);
    }
    const left = PHASES.flatMap((phase) => [...this.#groups[phase].running.keys()]);
    if (left.length > 0) this.#log.warn('Stopping took too long', { runnables: left.map(({ name }) => name) });
    // Work that needs the Lease and has not ended could still write: then the Lease is kept until the process has exited.
    if (lost || left.some(({ needsLeadership }) => needsLeadership)) return;
    giveBack.abort();
    await within(leading, endMs);
  }
}

function newGroup(): Group {
  return { stop: new AbortController(), running: new Map() };
}

/** Waits for `work`, until `endMs` on the monotonic clock at most. */
async function within(work: Promise<unknown>, endMs: number): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(Math.max(0, endMs - performance.now()), done.signal)]);
  done.abort();
}
