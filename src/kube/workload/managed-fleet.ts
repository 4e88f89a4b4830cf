/**
 * The managed clusters of one hub, each served by one bridge at a time.
 *
 * - A Lease in the cluster's namespace on the hub records which installation serves it: two that pull for one namespace, or one that pushes
 *   and one that pulls, would undo each other's changes. Replicas of one installation share their name, so that the next leader takes over
 *   at once.
 * - The Lease also records which cluster that was, by the UID of its kube-system: a kubeconfig that leads to another one is refused, also
 *   after a restart.
 */
import { messageOf } from '../../core/error-message.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { LeaderElector } from '../../runtime/leader.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { aborted, sleep } from '../../runtime/sleep.ts';
import { inDetail } from '../cache/in-detail.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { fields, textMap } from '../http/json.ts';
import { LEASE, makeLeaseStore } from '../write/leases.ts';
import { findKlusterlet, KLUSTERLET_AT_WORK } from './klusterlet.ts';
import type { ManagedCluster } from './managed-cluster.ts';

/** In milliseconds. Each cluster costs the hub one write per `retryPeriodMs`. */
const TERMS = { leaseDurationMs: 40_000, renewDeadlineMs: 30_000, retryPeriodMs: 10_000 };
const RETRY_MS = 2000;

export interface FleetOptions {
  readonly hub: ApiClient;
  /** Name of the Lease in each cluster's namespace. */
  readonly leaseName: string;
  /** Annotation of that Lease: the UID of the cluster's kube-system. */
  readonly idAnnotation: string;
  /** Annotation of that Lease: the identity of the installation that serves the cluster, kept after the Lease was released. */
  readonly servedByAnnotation: string;
  /** Our identity, the same for all replicas of this installation; undefined while it is not known. */
  readonly identity: () => string | undefined;
  /** Whether writing is disabled altogether, including Leases. */
  readonly dryRun: boolean;
  /** Resolves when the objects that a cluster should have are known. */
  readonly whenReady: (cluster: string, stop: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export class ManagedFleet implements Runnable {
  readonly name = 'managed-clusters';
  readonly phase = 'services';
  readonly needsLeadership = true;
  readonly #options: FleetOptions;
  readonly #clusters = new Map<string, ManagedCluster>();
  readonly #electors = new Map<string, LeaderElector>();
  /** By cluster: the UID that was accepted last. */
  readonly #ids = new Map<string, string>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  add(cluster: ManagedCluster): void {
    this.#clusters.set(cluster.name, cluster);
  }

  get(name: string): ManagedCluster | undefined {
    return this.#clusters.get(name);
  }

  clusters(): readonly ManagedCluster[] {
    return [...this.#clusters.values()];
  }

  /** Whether this process serves the cluster at this moment. */
  serves(name: string): boolean {
    return this.#options.dryRun || (this.#electors.get(name)?.isLeader() ?? false);
  }

  /** For `ManagedCluster`: whether this is the intended cluster. */
  async admit(name: string, id: string, client: ApiClient): Promise<string | undefined> {
    for (const [other, known] of this.#ids) {
      if (other !== name && known === id) return `it is the same cluster as ${other} (kube-system has UID ${id})`;
    }
    if ((await findKlusterlet(client)) === 'works') return KLUSTERLET_AT_WORK;
    const pinned = await this.#pin(name, id);
    if (pinned === id) {
      this.#ids.set(name, id);
      return undefined;
    }
    const { leaseName, idAnnotation } = this.#options;
    if (pinned === undefined) return 'the hub did not take the note of which cluster this is';
    return `the kubeconfig leads to another cluster than before (kube-system has UID ${id}, not ${pinned}); where that is meant: kubectl annotate lease -n ${name} ${leaseName} ${idAnnotation}-`;
  }

  async start(stop: AbortSignal): Promise<void> {
    await Promise.all(this.clusters().map((cluster) => this.#serve(cluster, stop)));
  }

  /** One line for each cluster that is not connected, with the reason; then the number of connected ones. */
  details(): readonly string[] {
    const all = this.clusters().map((cluster) => ({ name: cluster.name, condition: cluster.condition() }));
    const others = all.filter(({ condition }) => condition.is !== 'connected');
    return [
      ...others.map(
        ({ name, condition }) => `${name} ${condition.is}${condition.is === 'lost' ? `: ${condition.detail}` : ''}`,
      ),
      `${all.length - others.length} of ${all.length} connected`,
    ];
  }

  async #serve(cluster: ManagedCluster, stop: AbortSignal): Promise<void> {
    await this.#options.whenReady(cluster.name, stop);
    if (this.#options.dryRun) return stop.aborted ? undefined : cluster.run(stop);
    while (!stop.aborted) {
      await this.#serveForATerm(cluster, stop);
      if (!stop.aborted) await sleep(RETRY_MS, stop);
    }
  }

  async #serveForATerm(cluster: ManagedCluster, stop: AbortSignal): Promise<void> {
    const { hub, leaseName, log, clock } = this.#options;
    const identity = this.#options.identity();
    if (identity === undefined) return;
    const { name } = cluster;
    const elector = new LeaderElector({
      ...TERMS,
      store: makeLeaseStore({ client: hub, namespace: name, name: leaseName }),
      identity,
      log: inDetail(log.child({ cluster: name })),
      time: { monotonicMs: () => performance.now(), wallMs: () => clock.now(), sleep },
    });
    this.#electors.set(name, elector);
    let running: Promise<void> = Promise.resolve();
    const giveBack = new AbortController();
    const onStarted = (leading: AbortSignal): void => {
      running = cluster.run(AbortSignal.any([leading, stop]));
    };
    // The Lease is released when the last request over the connection has ended.
    void aborted(stop).then(async () => {
      await running;
      giveBack.abort();
    });
    try {
      await elector.run({ onStarted, onStopped: () => undefined }, giveBack.signal);
    } catch (error) {
      log.warn('A cluster is not served by us any more', { cluster: name, detail: messageOf(error) });
    }
    await running;
    this.#electors.delete(name);
  }

  /**
   * Which bridge serves the cluster of a namespace that is not among ours: only this one ever did, another one does or did last, or it is unknown.
   */
  async servedBy(namespace: string): Promise<'us' | 'others' | 'unknown'> {
    const { hub, leaseName, servedByAnnotation } = this.#options;
    const identity = this.#options.identity();
    if (identity === undefined) return 'unknown';
    try {
      const lease = fields(
        await hub.request<unknown>({ method: 'GET', path: pathOf(LEASE, { namespace, name: leaseName }) }),
      );
      const last = textMap(fields(lease?.metadata)?.annotations)?.[servedByAnnotation];
      return last === identity ? 'us' : 'others';
    } catch (error) {
      // An installation that serves a cluster has created its Lease before.
      if (isKubeError(error, 'NotFound')) return 'us';
      if (isKubeError(error)) return 'unknown';
      throw error;
    }
  }

  /** Reads the UID from the Lease, after writing ours if it records none, and reads who serves the cluster now. */
  async #pin(name: string, id: string): Promise<string | undefined> {
    const { hub, leaseName, idAnnotation, servedByAnnotation, identity, dryRun } = this.#options;
    const path = pathOf(LEASE, { namespace: name, name: leaseName });
    try {
      const lease = fields(await hub.request<unknown>({ method: 'GET', path }));
      const known = textMap(fields(lease?.metadata)?.annotations) ?? {};
      const pinned = known[idAnnotation] ?? id;
      if (dryRun || pinned !== id) return pinned;
      const wanted = { [idAnnotation]: id, [servedByAnnotation]: identity() ?? null };
      if (Object.entries(wanted).every(([key, value]) => known[key] === value)) return id;
      const body = { metadata: { annotations: wanted } };
      await hub.request({ method: 'PATCH', path, patchType: 'merge', body });
      return id;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return dryRun ? id : undefined;
    }
  }
}
