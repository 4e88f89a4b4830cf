/** The connection to one workload cluster of Cluster API: the sessions that serve it, and the access to its Nodes. */
import type { Action } from '../../core/action.ts';
import type { ClusterKey, ConnectionStatus } from '../../core/clusters.ts';
import { anotherCluster, isAnotherCluster } from '../../core/known-nodes.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Log, Seen } from '../../core/ports.ts';
import type { KubeconfigRules } from '../auth/inline-kubeconfig.ts';
import type { ApiClient } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { kubeconfigOf, readKubeconfigSecret } from './kubeconfig-secret.ts';
import { changedNodes } from './node-metadata.ts';
import { type ClusterSession, type Opened, openSession, type SessionOptions, type SessionTimings } from './session.ts';
import { type KeeperOptions, SessionKeeper } from './session-keeper.ts';

/** In milliseconds. The values for the probe are ClusterCache's. */
export type ConnectionTimings = SessionTimings & KeeperOptions<ClusterSession>['timings'];

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
  /** The management cluster, which holds the Secret. */
  readonly management: ApiClient;
  /** What the kubeconfig is permitted to do. @default STRICT */
  readonly rules?: KubeconfigRules;
  /** UIDs of Nodes by which the cluster is recognised; empty if it is not known yet. @default none */
  readonly knownNodes?: () => readonly string[];
  /** In [0, 1). */
  readonly random: () => number;
  readonly onNodeChange: (name: string) => void;
  /** Called after `status` has changed in its state or, if that is `Refused`, in its reason. */
  readonly onStateChange: (status: ConnectionStatus) => void;
}

const UNKNOWN = { is: 'unknown' } as const;

/** Keeps one workload cluster connected for as long as `run` runs. Runs once. */
export class ClusterConnection {
  readonly #cluster: ClusterKey;
  readonly #keeper: SessionKeeper<ClusterSession>;
  readonly #knownNodes: () => readonly string[];
  /** The session that served last, even if it no longer does: the cluster is recognised by its Nodes. */
  #last: ClusterSession | undefined;

  constructor(cluster: ClusterKey, options: ConnectionOptions) {
    const { management, timings, rules, onNodeChange } = options;
    const log = options.log.child({ Cluster: cluster });
    const isServing = (session: ClusterSession): boolean => session === this.#keeper.session;
    this.#cluster = cluster;
    this.#knownNodes = options.knownNodes ?? (() => []);
    this.#keeper = new SessionKeeper({
      ...options,
      log,
      read: (signal) =>
        readKubeconfigSecret(management, kubeconfigOf(cluster), { timeoutMs: timings.requestTimeoutMs, signal, rules }),
      open: async (access, { onTrouble }, stop) => {
        const onChange = (session: ClusterSession, name: string): void => {
          if (isServing(session)) onNodeChange(name);
        };
        const opened = await openSession(access, { ...options, log, onTrouble, onNodeChange: onChange }, stop);
        return opened.is === 'opened' ? this.#recognise(opened.session) : opened;
      },
      // Each session has its own view, and changes that the new one saw first have not been reported.
      onReplaced: (before, now) => {
        for (const name of changedNodes(before.nodes(), now.nodes())) onNodeChange(name);
      },
    });
  }

  /**
   * A kubeconfig may lead to another cluster than before, by mistake or on purpose. There every Node is missing, which must not be taken
   * for the end of ours: a cluster that shares no Node with the one that this process or an earlier one knew is refused.
   */
  #recognise(session: ClusterSession): Opened<ClusterSession> {
    const seen = (this.#last?.nodes() ?? []).map(({ metadata }) => metadata.uid);
    const known = new Set([...seen, ...this.#knownNodes()]);
    const present = session.nodes().map(({ metadata }) => metadata.uid);
    if (!isAnotherCluster(known, present)) {
      this.#last = session;
      return { is: 'opened', session };
    }
    session.close();
    return { is: 'failed', fault: { state: 'Refused', detail: anotherCluster(this.#cluster, known.size) } };
  }

  /** Forgets the Nodes by which this process has recognised the cluster. */
  trustAnew(): void {
    this.#last = undefined;
  }

  get status(): ConnectionStatus {
    return this.#keeper.status;
  }

  /** Resolves soon after `stop` aborts; requests in flight may end later, within their timeout. */
  run(stop: AbortSignal): Promise<void> {
    return this.#keeper.run(stop);
  }

  node(name: string): Seen<KubeObject> {
    return this.#keeper.session?.node(name) ?? UNKNOWN;
  }

  nodes(): readonly KubeObject[] {
    return this.#keeper.session?.nodes() ?? [];
  }

  async confirmNode(name: string): Promise<Seen<KubeObject>> {
    return (await this.#keeper.session?.confirmNode(name)) ?? UNKNOWN;
  }

  /** For single requests; undefined while there is no connection. */
  get client(): ApiClient | undefined {
    return this.#keeper.session?.client;
  }

  /** @throws KubeError */
  async apply(actions: readonly Action[], log: Log): Promise<void> {
    const { session, status } = this.#keeper;
    if (session === undefined) throw notConnected(this.#cluster, status);
    await session.apply(actions, log);
  }
}

export function notConnected(cluster: ClusterKey, status: ConnectionStatus | undefined): KubeError {
  const why = status === undefined ? 'not wanted' : [status.state, status.detail].filter(Boolean).join(', ');
  return new KubeError({ reason: 'Unreachable', code: 0, message: `No connection to Cluster ${cluster}: ${why}` });
}
