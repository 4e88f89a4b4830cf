/** The loop around `connection-state.ts`: reads the Secret, opens and closes sessions, probes, waits, and shows its status. */
import { type Backoff, backoffMs } from '../../core/backoff.ts';
import type { ConnectionStatus } from '../../core/clusters.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { outsidePasses } from '../../runtime/pass-signal.ts';
import { sleep } from '../../runtime/sleep.ts';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import { type Input, type Pause, START, type State, serves, step } from './connection-state.ts';
import type { SecretRead } from './kubeconfig-secret.ts';
import type { Opened, Probed } from './session.ts';

/** One set of credentials in use. */
export interface Session {
  probe(stop: AbortSignal): Promise<Probed>;
  close(): void;
}

export interface KeeperOptions<S extends Session> {
  readonly timings: {
    readonly probeIntervalMs: number;
    /** The interval between two reads of the Secret while connected without a watch on it. A 401 and every new attempt read it at once. */
    readonly checkIntervalMs: number;
    readonly backoff: Backoff;
    /** The backoff while the Secret does not exist. @default MISSING_BACKOFF */
    readonly missingBackoff?: Backoff;
  };
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  /** Whether `recheck()` is called when the Secret changes. @default never */
  readonly isToldOfChanges?: () => boolean;
  /** Reads the Secret. */
  readonly read: (stop: AbortSignal) => Promise<SecretRead>;
  /** @param onTrouble asks for a probe before the next one is due. */
  readonly open: (
    access: ClusterAccess,
    hooks: { readonly onTrouble: (session: S) => void },
    stop: AbortSignal,
  ) => Promise<Opened<S>>;
  /** Called after `status` has changed in its state or, if that is `Refused`, in its reason. */
  readonly onStateChange: (status: ConnectionStatus) => void;
  /** Called after another session has replaced one that served. */
  readonly onReplaced?: (before: S, now: S) => void;
}

/** A Cluster that is being created gets its Secret within minutes; one that never gets it costs next to nothing. */
const MISSING_BACKOFF: Backoff = { baseMs: 15_000, maxMs: 120_000, jitter: 0.5 };

/** Keeps one cluster connected for as long as `run` runs. Runs once. */
export class SessionKeeper<S extends Session> {
  readonly #options: KeeperOptions<S>;
  #status: ConnectionStatus;
  /** The session that serves; undefined in every state but `Connected`. */
  #session: S | undefined;
  /** A session that was opened, until the next state takes it over. */
  #opened: S | undefined;
  #fingerprint: string | undefined;
  #checkAtMs = 0;
  /** Whether the session has asked for a probe before the next one is due. */
  #hasTrouble = false;
  /** Whether the Secret has changed since it was read. */
  #hasChanged = false;
  #rest = new AbortController();

  constructor(options: KeeperOptions<S>) {
    this.#options = options;
    this.#status = { state: 'Connecting', sinceMs: options.clock.now() };
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Resolves soon after `stop` aborts; requests in flight may end later, within their timeout. */
  run(stop: AbortSignal): Promise<void> {
    // The connection outlives the pass that may have asked for the cluster.
    return outsidePasses(() => this.#run(stop));
  }

  async #run(stop: AbortSignal): Promise<void> {
    const wake = (): void => this.#rest.abort();
    stop.addEventListener('abort', wake, { once: true });
    let state: State = START;
    while (!stop.aborted) {
      const input = await this.#perform(state, stop);
      if (stop.aborted) break;
      state = step(state, input);
      this.#enter(state);
    }
    this.#opened?.close();
    this.#session?.close();
    this.#session = undefined;
  }

  /** Notifies the keeper that the Secret has changed: it is read at once. */
  recheck(): void {
    this.#hasChanged = true;
    this.#rest.abort();
  }

  /** The session that serves at present. */
  get session(): S | undefined {
    return this.#session;
  }

  #perform(state: State, stop: AbortSignal): Promise<Input> {
    switch (state.at) {
      case 'reading':
        this.#hasChanged = false;
        return this.#options.read(stop);
      case 'opening':
      case 'replacing':
        return this.#open(state.kubeconfig.access, state.kubeconfig.fingerprint, stop);
      case 'serving':
        return this.#lookAfter(stop);
      case 'checking':
        return this.#check(stop);
      case 'waiting':
        return this.#wait(state, stop);
    }
  }

  async #check(stop: AbortSignal): Promise<Input> {
    const found = await this.#options.read(stop);
    return found.is === 'read' && found.kubeconfig.fingerprint === this.#fingerprint ? { is: 'unchanged' } : found;
  }

  async #open(access: ClusterAccess, fingerprint: string, stop: AbortSignal): Promise<Input> {
    const onTrouble = (session: S): void => {
      if (session !== this.#session) return;
      this.#hasTrouble = true;
      this.#rest.abort();
    };
    const result = await this.#options.open(access, { onTrouble }, stop);
    if (result.is === 'failed') return result;
    this.#opened = result.session;
    this.#fingerprint = fingerprint;
    return { is: 'opened' };
  }

  async #lookAfter(stop: AbortSignal): Promise<Input> {
    const { clock, timings, random } = this.#options;
    // Spread out, so that hundreds of clusters are not all probed at the same moment.
    if (!this.#hasTrouble && !this.#hasChanged) await this.#sleep(timings.probeIntervalMs * (1 - 0.2 * random()), stop);
    if (this.#session === undefined) throw new Error('Serving without a session');
    const isDue = clock.now() >= this.#checkAtMs && this.#options.isToldOfChanges?.() !== true;
    if (!this.#hasTrouble && (this.#hasChanged || isDue)) {
      this.#hasChanged = false;
      this.#checkLater();
      return { is: 'checkDue' };
    }
    this.#hasTrouble = false;
    return this.#session.probe(stop);
  }

  async #wait({ failures, isMissing }: Pause, stop: AbortSignal): Promise<Input> {
    const { timings, random } = this.#options;
    const backoff = isMissing === true ? (timings.missingBackoff ?? MISSING_BACKOFF) : timings.backoff;
    await this.#sleep(backoffMs(backoff, failures - 1, random()), stop);
    return { is: 'rested' };
  }

  async #sleep(ms: number, stop: AbortSignal): Promise<void> {
    this.#rest = new AbortController();
    if (!stop.aborted) await sleep(ms, this.#rest.signal);
  }

  #checkLater(): void {
    const { clock, timings, random } = this.#options;
    this.#checkAtMs = clock.now() + timings.checkIntervalMs * (1 - 0.2 * random());
  }

  #enter(state: State): void {
    const before = this.#session;
    if (this.#opened !== undefined) {
      this.#session = this.#opened;
      this.#opened = undefined;
      this.#hasTrouble = false;
      this.#checkLater();
    } else if (!serves(state)) this.#session = undefined;
    if (before !== this.#session) before?.close();
    this.#show(state);
    if (before !== undefined && this.#session !== undefined && before !== this.#session) {
      this.#options.onReplaced?.(before, this.#session);
    }
  }

  #show(state: State): void {
    const { clock, log, onStateChange } = this.#options;
    const shown = shownBy(state);
    const { state: before, detail: detailBefore, sinceMs } = this.#status;
    const isNews = shown.state !== before || (shown.state === 'Refused' && shown.detail !== detailBefore);
    this.#status = { ...shown, sinceMs: shown.state === before ? sinceMs : clock.now() };
    if (!isNews) return;
    const fields = { state: shown.state, reason: shown.detail };
    if (shown.state === 'Connected') log.info('Workload cluster connected', fields);
    else log.warn('Workload cluster not connected', fields);
    onStateChange(this.#status);
  }
}

/** An attempt after a failure shows that failure until the attempt has a result. */
function shownBy(state: State): Pick<ConnectionStatus, 'state' | 'detail'> {
  if (serves(state)) return { state: 'Connected' };
  return state.fault ?? { state: 'Connecting' };
}
