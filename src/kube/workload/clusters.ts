/**
 * The workload clusters that are needed, each with a separate connection: they share no credentials, sockets, probe or backoff, so one
 * that is slow or gone delays no other.
 */
import type { Action } from '../../core/action.ts';
import type { ClusterKey, ConnectionStatus, WorkloadClusters } from '../../core/clusters.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Log, Seen } from '../../core/ports.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { aborted } from '../../runtime/sleep.ts';
import type { ApiClient } from '../http/api.ts';
import { ClusterConnection, type ConnectionOptions, DEFAULT_TIMINGS, notConnected } from './connection.ts';

export interface ClusterSetOptions
  extends Omit<ConnectionOptions, 'onNodeChange' | 'onStateChange' | 'timings' | 'random' | 'knownNodes'> {
  /** @default DEFAULT_TIMINGS */
  readonly timings?: ConnectionOptions['timings'];
  /** @default Math.random */
  readonly random?: () => number;
  /**
   * Called when a Node came, went, or changed in its labels or its UID. Not called for the Nodes that exist when a cluster becomes
   * `Connected`, since that change of state concerns them all.
   */
  readonly onNodeChange: (cluster: ClusterKey, name: string) => void;
  readonly onStateChange: (cluster: ClusterKey, status: ConnectionStatus) => void;
  /** See `ConnectionOptions`. */
  readonly knownNodes?: (cluster: ClusterKey) => readonly string[];
}

interface Entry {
  readonly connection: ClusterConnection;
  readonly stop: AbortController;
}

/**
 * Connects from `start` until its `stop`; only a leader needs to. Until then, clusters that are wanted are `Connecting`. It stops before
 * the caches of the management cluster and after the controllers, whose last writes it carries.
 *
 * It has no `readyz`: while a workload cluster is down, another process would be no more ready than this one. See `statuses` instead.
 */
export class ClusterSet implements WorkloadClusters, Runnable {
  readonly name = 'workload-clusters';
  readonly phase = 'services';
  readonly needsLeadership = true;
  readonly #options: ClusterSetOptions;
  readonly #entries = new Map<ClusterKey, Entry>();
  readonly #running = new Set<Promise<void>>();
  readonly #failed = Promise.withResolvers<never>();
  #isStarted = false;

  constructor(options: ClusterSetOptions) {
    this.#options = options;
  }

  /** @throws any error of a connection or a callback, which is a bug. */
  async start(stop: AbortSignal): Promise<void> {
    this.#isStarted = true;
    for (const entry of this.#entries.values()) this.#run(entry);
    await Promise.race([aborted(stop), this.#failed.promise]);
    this.#isStarted = false;
    this.want(new Set());
    await Promise.all(this.#running);
  }

  want(clusters: ReadonlySet<ClusterKey>): void {
    for (const [cluster, { stop }] of this.#entries) {
      if (clusters.has(cluster)) continue;
      this.#entries.delete(cluster);
      stop.abort();
    }
    for (const cluster of clusters) {
      if (this.#entries.has(cluster)) continue;
      const entry = { connection: this.#connect(cluster), stop: new AbortController() };
      this.#entries.set(cluster, entry);
      if (this.#isStarted) this.#run(entry);
    }
  }

  node(cluster: ClusterKey, name: string): Seen<KubeObject> {
    return this.#entries.get(cluster)?.connection.node(name) ?? { is: 'unknown' };
  }

  nodes(cluster: ClusterKey): readonly KubeObject[] {
    return this.#entries.get(cluster)?.connection.nodes() ?? [];
  }

  async confirmNode(cluster: ClusterKey, name: string): Promise<Seen<KubeObject>> {
    return (await this.#entries.get(cluster)?.connection.confirmNode(name)) ?? { is: 'unknown' };
  }

  async apply(cluster: ClusterKey, actions: readonly Action[], log: Log): Promise<void> {
    const entry = this.#entries.get(cluster);
    if (entry === undefined) throw notConnected(cluster, undefined);
    await entry.connection.apply(actions, log);
  }

  /** For single requests to a cluster; undefined while there is no connection. */
  client(cluster: ClusterKey): ApiClient | undefined {
    return this.#entries.get(cluster)?.connection.client;
  }

  /** For watches and long requests: they use whichever session serves the cluster at the moment, and fail as `Unreachable` without one. */
  access(cluster: ClusterKey): ApiClient {
    const current = (): ApiClient => {
      const client = this.client(cluster);
      if (client === undefined) throw notConnected(cluster, this.status(cluster));
      return client;
    };
    return {
      request: async (request) => current().request(request),
      // As a generator, it fails only when it is iterated.
      lines: async function* (request) {
        yield* current().lines(request);
      },
    };
  }

  /** Accepts that the cluster may from now on be another one than this process has known. */
  trustAnew(cluster: ClusterKey): void {
    this.#entries.get(cluster)?.connection.trustAnew();
  }

  status(cluster: ClusterKey): ConnectionStatus | undefined {
    return this.#entries.get(cluster)?.connection.status;
  }

  /** One line for each cluster that is not connected, with its state and reason; then the number of connected ones. */
  details(): readonly string[] {
    const states = [...this.#entries].map(([cluster, { connection }]) => ({ cluster, ...connection.status }));
    const others = states.filter(({ state }) => state !== 'Connected').sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
    return [
      ...others.map(({ cluster, state, detail }) => `${cluster} ${state}${detail === undefined ? '' : `: ${detail}`}`),
      `${states.length - others.length} of ${states.length} connected`,
    ];
  }

  /** The state of each wanted cluster, in no particular order: for gauges, which do not name clusters. */
  statuses(): readonly ConnectionStatus[] {
    return [...this.#entries.values()].map(({ connection }) => connection.status);
  }

  #connect(cluster: ClusterKey): ClusterConnection {
    const { knownNodes = () => [], ...options } = this.#options;
    const { timings = DEFAULT_TIMINGS, random = Math.random, onNodeChange, onStateChange } = options;
    return new ClusterConnection(cluster, {
      ...options,
      timings,
      random,
      onNodeChange: (name) => onNodeChange(cluster, name),
      knownNodes: () => knownNodes(cluster),
      onStateChange: (status) => onStateChange(cluster, status),
    });
  }

  #run({ connection, stop }: Entry): void {
    const running = connection
      .run(stop.signal)
      .catch(this.#failed.reject)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
