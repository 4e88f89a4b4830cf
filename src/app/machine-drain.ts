/**
 * Wires machine drain: Machines of the management cluster carry the requests, and Temporary Maintenance Mode drains in the workload
 * clusters.
 */

import { DrainMeter } from '../capi/drain/metrics.ts';
import type { Outlook } from '../capi/drain/observed.ts';
import { type Drains, makeDrainReconcile } from '../capi/drain/reconcile.ts';
import type { DrainSettings } from '../capi/drain/settings.ts';
import { setupDrainWatches } from '../capi/drain/watches.ts';
import { nodeIndexKey } from '../capi/indexes.ts';
import type { ClusterKey } from '../core/clusters.ts';
import { MACHINE_TAINT } from '../core/machine-keys.ts';
import { MACHINE } from '../core/machine-objects.ts';
import { NODE } from '../core/objects.ts';
import { isKubeError, isNotAdmitted } from '../kube/http/errors.ts';
import type { ClusterSet } from '../kube/workload/clusters.ts';
import { makeApply } from '../kube/write/apply.ts';
import { Controller } from '../runtime/controller.ts';
import type { Runnable } from '../runtime/manager.ts';
import { aborted, nextTurn } from '../runtime/sleep.ts';
import { inSteps } from '../runtime/steps.ts';
import { makeReconcile } from '../tmm/reconcile.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import { recordEvents } from './caches.ts';
import { DrainedCluster } from './drained-cluster.ts';
import type { SettingsByName } from './features.ts';
import { CLUSTER_WORKERS, NODE_LANES } from './lanes.ts';
import type { Parts } from './parts.ts';
import { tmmMeterOf } from './tmm-cluster.ts';

/** @throws Error without the Cluster API bridge, which a check of the configuration prevents. */
export function wire(parts: Parts, settings: DrainSettings, all: Pick<SettingsByName, 'tmm' | 'capi'>): void {
  const { manager, client, observers, registry, log, dryRun, identity, offers } = parts;
  const { workload, workloadListeners } = offers;
  if (workload === undefined || workloadListeners === undefined) throw new Error('The Cluster API bridge comes first');
  const { machines, clusters } = parts.clusterApi();
  const readers = { machines: machines.source, clusters: clusters.source };
  const tmm = settingsInWorkload(all.tmm);
  const tmmMeter = tmmMeterOf(parts);

  const open = (key: ClusterKey): DrainedCluster =>
    new DrainedCluster({
      key,
      client: workload.access(key),
      settings: tmm,
      meter: {
        record: (nodeName, decision, sinceMs) => tmmMeter.record(nodeIndexKey(key, nodeName), decision, sinceMs),
        forget: (nodeName) => tmmMeter.forget(nodeIndexKey(key, nodeName)),
      },
      observers,
      identity,
      log: log.child({ Cluster: key }),
      dryRun,
      enqueue: (nodeName) => ofNodes.enqueue(nodeIndexKey(key, nodeName)),
      onNodeChange: (nodeName) => controller.enqueue(nodeIndexKey(key, nodeName)),
      onFilled: () => {
        for (const nodeKey of drains.wantedIn(key)) controller.enqueue(nodeKey);
      },
    });
  const drains = new DrainedClusters(workload, open, (key) => tmmMeter.forgetAll(nodeIndexKey(key, '')));

  const reconcileNode = makeReconcile({
    isRefusal: isNotAdmitted,
    clock: Date,
    inSteps,
    settings: tmm,
  });
  const ofNodes: Controller = new Controller({
    name: 'machine-drain-nodes',
    kind: NODE.kind,
    reconcile: async (key, context) => {
      const slash = key.lastIndexOf('/');
      const cluster = drains.filled(key.slice(0, slash));
      return cluster === undefined ? {} : reconcileNode(cluster.tmm, key.slice(slash + 1), context);
    },
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict'),
    workers: CLUSTER_WORKERS,
    queue: { lanes: NODE_LANES },
    nextTurn,
  });

  const meter = new DrainMeter();
  registry.beforeExposition(() => meter.collect(registry));
  const controller: Controller = new Controller({
    name: 'machine-drain',
    kind: NODE.kind,
    reconcile: makeDrainReconcile({
      readers,
      clusters: workload,
      drains,
      apply: makeApply({
        client,
        recorder: recordEvents(parts, 'machine-drain'),
        clock: Date,
        dryRun,
        pausesRepeats: true,
        served: (resource) => (resource === MACHINE ? machines.resource() : resource),
      }),
      clock: Date,
      settings,
      limits: {
        ...settings,
        maxConcurrentNodes: tmm.maxConcurrentNodes,
        nodesOf: (cluster) => workload.nodes(cluster).length,
      },
      meter,
      requireNodeLabel: all.capi.requireNodeLabel,
    }),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: CLUSTER_WORKERS,
    queue: { lanes: NODE_LANES },
  });
  const listener = setupDrainWatches(
    machines.source,
    (nodeKey) => controller.enqueue(nodeKey),
    (cluster) => workload.nodes(cluster),
  );
  clusters.source.addHandler({
    onAdd: ({ metadata }) => listener.onStateChange(`${metadata.namespace}/${metadata.name}`),
    onUpdate: (old, now) => {
      if (old.spec.paused !== now.spec.paused) listener.onStateChange(`${now.metadata.namespace}/${now.metadata.name}`);
    },
    onDelete: () => undefined,
  });
  workloadListeners.push({
    onNodeChange: (cluster, nodeName) => listener.onNodeChange(cluster, nodeName),
    onStateChange: (cluster) => {
      drains.connectionChanged(cluster);
      listener.onStateChange(cluster);
      for (const nodeKey of drains.wantedIn(cluster)) controller.enqueue(nodeKey);
    },
  });
  manager.add(drains);
  manager.add(ofNodes);
  manager.add(controller);
}

/**
 * A user's taint on a workload Node is a request there too, and its rules take precedence. Pods without a controller are not stored: we
 * have no namespace in that cluster.
 */
function settingsInWorkload(settings: TmmSettings): TmmSettings {
  return { ...settings, taints: [...settings.taints, MACHINE_TAINT], unmanagedPods: 'reject' };
}

/** The workload clusters with drains: each is opened with its first Node, and closed after the last. */
class DrainedClusters implements Drains, Runnable {
  readonly name = 'drained-clusters';
  readonly phase = 'services';
  readonly needsLeadership = true;
  readonly #workload: ClusterSet;
  readonly #open: (cluster: ClusterKey) => DrainedCluster;
  readonly #onClosed: (cluster: ClusterKey) => void;
  readonly #wanted = new Map<ClusterKey, Set<string>>();
  readonly #clusters = new Map<ClusterKey, DrainedCluster>();
  readonly #running = new Set<Promise<void>>();
  readonly #failed = Promise.withResolvers<never>();
  #isStarted = false;

  constructor(
    workload: ClusterSet,
    open: (cluster: ClusterKey) => DrainedCluster,
    onClosed: (cluster: ClusterKey) => void,
  ) {
    this.#workload = workload;
    this.#open = open;
    this.#onClosed = onClosed;
  }

  async start(stop: AbortSignal): Promise<void> {
    this.#isStarted = true;
    for (const cluster of this.#wanted.keys()) this.connectionChanged(cluster);
    await Promise.race([aborted(stop), this.#failed.promise]);
    this.#isStarted = false;
    for (const cluster of [...this.#clusters.keys()]) this.#close(cluster);
    await Promise.all(this.#running);
  }

  want(cluster: ClusterKey, nodeKey: string, isWanted: boolean): void {
    const nodes = this.#wanted.get(cluster) ?? new Set();
    if (isWanted === nodes.has(nodeKey)) return;
    if (isWanted) nodes.add(nodeKey);
    else nodes.delete(nodeKey);
    if (nodes.size > 0) this.#wanted.set(cluster, nodes);
    else this.#wanted.delete(cluster);
    if (nodes.size === 0) this.#close(cluster);
    else this.connectionChanged(cluster);
  }

  wantedIn(cluster: ClusterKey): readonly string[] {
    return [...(this.#wanted.get(cluster) ?? [])];
  }

  /** Opened once the cluster is connected; the caches recover from later outages by themselves. */
  connectionChanged(cluster: ClusterKey): void {
    const isConnected = this.#workload.status(cluster)?.state === 'Connected';
    if (!this.#isStarted || !isConnected || !this.#wanted.has(cluster) || this.#clusters.has(cluster)) return;
    const opened = this.#open(cluster);
    this.#clusters.set(cluster, opened);
    const running = opened
      .run()
      .catch(this.#failed.reject)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  filled(cluster: ClusterKey): DrainedCluster | undefined {
    const opened = this.#clusters.get(cluster);
    return opened?.isFilled === true ? opened : undefined;
  }

  nodeIn(cluster: ClusterKey, nodeName: string): ReturnType<Drains['nodeIn']> {
    return this.#clusters.get(cluster)?.nodeIn(nodeName);
  }

  blindnessOf(cluster: ClusterKey): string | undefined {
    const status = this.#workload.status(cluster);
    if (status !== undefined && status.state !== 'Connected' && status.state !== 'Connecting') {
      return `cluster ${cluster} is ${status.state}${status.detail === undefined ? '' : `: ${status.detail}`}`;
    }
    return this.#clusters.get(cluster)?.blindness;
  }

  revisionOf(cluster: ClusterKey): number {
    return this.#clusters.get(cluster)?.revision ?? 0;
  }

  async outlook(cluster: ClusterKey, nodeName: string): Promise<Outlook | undefined> {
    return this.filled(cluster)?.outlook(nodeName);
  }

  #close(cluster: ClusterKey): void {
    this.#clusters.get(cluster)?.close();
    if (this.#clusters.delete(cluster)) this.#onClosed(cluster);
  }
}
