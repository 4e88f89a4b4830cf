/**
 * The workload clusters that are needed, each with a connection of its own: credentials, sockets, probe and backoff are
 * shared by none, so one that is slow or gone delays no other.
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
   * A Node came, went, or changed in its labels or its UID. Not told: the Nodes that are there when a cluster becomes
   * `Connected`, since that concerns them all.
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
 * Connects from `start` until its `stop`; only a leader needs to. Clusters that are wanted earlier are `Connecting` until
 * then. It stops before the caches of the management cluster and after the controllers, whose last writes it carries.
 *
 * It has no `readyz`: a process with one workload cluster down is as ready as another would be. See `statuses` instead.
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

  /** @throws what a connection or a callback throws, which is a bug. */
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

  /**
   * For watches and requests over time: whatever session serves the cluster at the moment carries them. Without one they fail as
   * `Unreachable`.
   */
  access(cluster: ClusterKey): ApiClient {
    const current = (): ApiClient => {
      const client = this.client(cluster);
      if (client === undefined) throw notConnected(cluster, this.status(cluster));
      return client;
    };
    return {
      request: async (request) => current().request(request),
      // A generator: what fails, fails where it is iterated.
      lines: async function* (request) {
        yield* current().lines(request);
      },
    };
  }

  /** The cluster may be another one from now on than this process has known. */
  trustAnew(cluster: ClusterKey): void {
    this.#entries.get(cluster)?.connection.trustAnew();
  }

  status(cluster: ClusterKey): ConnectionStatus | undefined {
    return this.#entries.get(cluster)?.connection.status;
  }

  /** Each cluster that is not connected, with its state and why; then how many are. */
  details(): readonly string[] {
    const states = [...this.#entries].map(([cluster, { connection }]) => ({ cluster, ...connection.status }));
    const others = states.filter(({ state }) => state !== 'Connected').sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
    return [
      ...others.map(({ cluster, state, detail }) => `${cluster} ${state}${detail === undefined ? '' : `: ${detail}`}`),
      `${states.length - others.length} of ${states.length} connected`,
    ];
  }

  /** The state of each wanted cluster, in no particular order: for gauges, which name no cluster. */
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
