/** The loop around `cluster-state.ts`: reads the Secret, opens and closes sessions, probes, waits, and shows its status. */
import type { Action } from '../core/action.ts';
import { type Backoff, backoffMs } from '../core/backoff.ts';
import type { ClusterKey, ConnectionStatus } from '../core/clusters.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Log, Seen } from '../core/ports.ts';
import { sleep } from '../runtime/sleep.ts';
import type { ApiClient } from './api.ts';
import { type ClusterSession, openSession, type SessionOptions, type SessionTimings } from './cluster-session.ts';
import { type Input, START, type State, serves, step } from './cluster-state.ts';
import { KubeError } from './errors.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { readKubeconfigSecret } from './kubeconfig-secret.ts';
import { changedNodes } from './node-metadata.ts';

/** In milliseconds. Those of the probe are ClusterCache's. */
export interface ConnectionTimings extends SessionTimings {
  /** From one look at the Secret to the next, while connected. A 401 and every new attempt look at once. */
  readonly checkIntervalMs: number;
  readonly backoff: Backoff;
}

export const DEFAULT_TIMINGS: ConnectionTimings = {
  probeIntervalMs: 10_000,
  probeTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  stallMs: 2000,
  syncTimeoutMs: 60_000,
  checkIntervalMs: 300_000,
  backoff: { baseMs: 5000, maxMs: 60_000, jitter: 0.5 },
};

export interface ConnectionOptions extends Omit<SessionOptions, 'onNodeChange' | 'onTrouble' | 'timings'> {
  readonly timings: ConnectionTimings;
  /** The management cluster, where the Secret is. */
  readonly management: ApiClient;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onNodeChange: (name: string) => void;
  /** After `status` has changed in its state or, where that is `Refused`, in its reason. */
  readonly onStateChange: (status: ConnectionStatus) => void;
}

const UNKNOWN = { is: 'unknown' } as const;

/** Keeps one workload cluster connected for as long as `run` runs. Runs once. */
export class ClusterConnection {
  readonly #cluster: ClusterKey;
  readonly #options: ConnectionOptions;
  #status: ConnectionStatus;
  /** What serves; undefined in every state but `Connected`. */
  #session: ClusterSession | undefined;
  /** What was opened, until the next state takes it over. */
  #opened: ClusterSession | undefined;
  #fingerprint: string | undefined;
  #checkAtMs = 0;
  /** Whether the session has asked for a probe before the next one is due. */
  #hasTrouble = false;
  #rest = new AbortController();

  constructor(cluster: ClusterKey, options: ConnectionOptions) {
    this.#cluster = cluster;
    this.#options = { ...options, log: options.log.child({ Cluster: cluster }) };
    this.#status = { state: 'Connecting', sinceMs: options.clock.now() };
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Resolves soon after `stop` aborts; requests in flight may end later, within their time. */
  async run(stop: AbortSignal): Promise<void> {
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

  node(name: string): Seen<KubeObject> {
    return this.#session?.node(name) ?? UNKNOWN;
  }

  async confirmNode(name: string): Promise<Seen<KubeObject>> {
    return (await this.#session?.confirmNode(name)) ?? UNKNOWN;
  }

  /** For single requests; undefined while there is no connection. */
  get client(): ApiClient | undefined {
    return this.#session?.client;
  }

  /** @throws KubeError */
  async apply(actions: readonly Action[], log: Log): Promise<void> {
    if (this.#session === undefined) throw notConnected(this.#cluster, this.#status);
    await this.#session.apply(actions, log);
  }

  #perform(state: State, stop: AbortSignal): Promise<Input> {
    switch (state.at) {
      case 'reading':
        return this.#read(stop);
      case 'opening':
      case 'replacing':
        return this.#open(state.kubeconfig.access, state.kubeconfig.fingerprint, stop);
      case 'serving':
        return this.#lookAfter(stop);
      case 'checking':
        return this.#check(stop);
      case 'waiting':
        return this.#wait(state.failures, stop);
    }
  }

  #read(stop: AbortSignal): ReturnType<typeof readKubeconfigSecret> {
    const { management, timings } = this.#options;
    return readKubeconfigSecret(management, this.#cluster, { timeoutMs: timings.requestTimeoutMs, signal: stop });
  }

  async #check(stop: AbortSignal): Promise<Input> {
    const found = await this.#read(stop);
    return found.is === 'read' && found.kubeconfig.fingerprint === this.#fingerprint ? { is: 'unchanged' } : found;
  }

  async #open(access: ClusterAccess, fingerprint: string, stop: AbortSignal): Promise<Input> {
    const result = await openSession(
      access,
      {
        ...this.#options,
        onNodeChange: (session, name) => {
          if (session === this.#session) this.#options.onNodeChange(name);
        },
        onTrouble: (session) => {
          if (session !== this.#session) return;
          this.#hasTrouble = true;
          this.#rest.abort();
        },
      },
      stop,
    );
    if (result.is === 'failed') return result;
    this.#opened = result.session;
    this.#fingerprint = fingerprint;
    return { is: 'opened' };
  }

  async #lookAfter(stop: AbortSignal): Promise<Input> {
    const { clock, timings, random } = this.#options;
    // Spread out, so that hundreds of clusters are not all probed in the same moment.
    if (!this.#hasTrouble) await this.#sleep(timings.probeIntervalMs * (1 - 0.2 * random()), stop);
    if (this.#session === undefined) throw new Error('Serving without a session');
    if (!this.#hasTrouble && clock.now() >= this.#checkAtMs) {
      this.#checkLater();
      return { is: 'checkDue' };
    }
    this.#hasTrouble = false;
    return this.#session.probe(stop);
  }

  async #wait(failures: number, stop: AbortSignal): Promise<Input> {
    const { timings, random } = this.#options;
    await this.#sleep(backoffMs(timings.backoff, failures - 1, random()), stop);
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
      // Each has its own view, and what the new one saw first was told to nobody.
      for (const name of changedNodes(before.nodes(), this.#session.nodes())) this.#options.onNodeChange(name);
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

/** An attempt after a failure shows the failure until it has come to something. */
function shownBy(state: State): Pick<ConnectionStatus, 'state' | 'detail'> {
  if (serves(state)) return { state: 'Connected' };
  return state.fault ?? { state: 'Connecting' };
}

export function notConnected(cluster: ClusterKey, status: ConnectionStatus | undefined): KubeError {
  const why = status === undefined ? 'not wanted' : [status.state, status.detail].filter(Boolean).join(', ');
  return new KubeError({ reason: 'Unreachable', code: 0, message: `No connection to Cluster ${cluster}: ${why}` });
}
