/** Puts the Cluster API bridge together: Machines of the management cluster, Nodes of the workload clusters. */

import { ClusterReferences } from '../capi/cluster-references.ts';
import { reconcileClusters } from '../capi/known-clusters.ts';
import { CapiMeter } from '../capi/metrics.ts';
import { reconcileNodes } from '../capi/node-sweep.ts';
import { makeReconcile, type WriteAnswer } from '../capi/reconcile.ts';
import { type CapiSettings, labelsRead } from '../capi/settings.ts';
import { type ClusterListener, setupWatches } from '../capi/watches.ts';
import type { RecordEvent } from '../core/action.ts';
import { CLUSTER, MACHINE } from '../core/machine-objects.ts';
import { NODE } from '../core/objects.ts';
import { clip } from '../core/text.ts';
import { isKubeError, type KubeErrorReason } from '../kube/http/errors.ts';
import { ClusterSet } from '../kube/workload/clusters.ts';
import { makeApply } from '../kube/write/apply.ts';
import { makeEventSink } from '../kube/write/events.ts';
import { Controller } from '../runtime/controller.ts';
import { recordEvents } from './caches.ts';
import { CLUSTER_WORKERS, machineLanes, NODE_LANES } from './lanes.ts';
import type { Parts } from './parts.ts';

/** Offers the connections of the workload clusters, each of which is open while one of its Machines takes part. */
export function wire(parts: Parts, settings: CapiSettings): void {
  const { machines, clusters } = parts.clusterApi();
  const { manager, client, mayWrite, observers, registry, log, env, dryRun } = parts;
  const sources = { machines: machines.source, clusters: clusters.source };
  const apply = makeApply({
    client,
    recorder: recordEvents(parts, 'capi'),
    clock: Date,
    dryRun,
    pausesRepeats: true,
    served: (resource) =>
      resource === MACHINE ? machines.resource() : resource === CLUSTER ? clusters.resource() : resource,
  });

  const others: ClusterListener[] = [];
  const workload = new ClusterSet({
    management: client,
    mayWrite,
    env,
    rules: settings,
    readLabels: new Set([...labelsRead(settings), ...parts.workloadLabels]),
    dryRun,
    clock: Date,
    log,
    onRequest: observers.request,
    onWatchRestart: (reason) => observers.watchRestart('workload-nodes', reason),
    onNodeChange: (cluster, nodeName) => {
      for (const each of [listener, ...others]) each.onNodeChange(cluster, nodeName);
    },
    onStateChange: (cluster, status) => {
      for (const each of [listener, ...others]) each.onStateChange(cluster, status);
    },
    knownNodes: (cluster) => {
      const seen = clusters.source.get(cluster);
      return seen.is === 'present' ? (seen.object.knownNodes ?? []) : [];
    },
  });
  const references = new ClusterReferences(
    workload,
    (cluster) => clusters.source.get(cluster).is === 'present',
    (cluster) => ofClusters.enqueue(cluster),
  );
  const meter = new CapiMeter(registry);
  registry.beforeExposition(() => meter.collect(Date.now(), workload.statuses()));
  const controller = new Controller({
    name: 'capi',
    kind: MACHINE.kind,
    reconcile: makeReconcile({
      readers: sources,
      clusters: workload,
      apply,
      references,
      clock: Date,
      meter,
      settings,
      guardsScaleDown: parts.machinesAreSwitchedOff,
      answerOf: writeAnswerOf,
      tellOnce: (event) => tellOnce(parts, event),
    }),
    log,
    metrics: observers.controllers,
    // A missing object counts as a conflict: it has changed, and the cache will show this in a moment.
    isConflict: (error) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: CLUSTER_WORKERS,
    queue: { lanes: machineLanes(machines.source) },
  });
  const ofNodes = new Controller({
    name: 'capi-nodes',
    kind: NODE.kind,
    reconcile: reconcileNodes({ readers: sources, clusters: workload }),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: CLUSTER_WORKERS,
    queue: { lanes: NODE_LANES },
  });
  const ofClusters: Controller = new Controller({
    name: 'capi-clusters',
    kind: CLUSTER.kind,
    reconcile: reconcileClusters({ readers: sources, clusters: workload, references, apply, answerOf: writeAnswerOf }),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: CLUSTER_WORKERS,
  });
  const listener: ClusterListener = setupWatches(sources, {
    references,
    enqueue: (key) => controller.enqueue(key),
    enqueueNode: (key) => ofNodes.enqueue(key),
    // Nodes come and go by the hundred, so the Cluster is enqueued after a pause.
    enqueueCluster: (cluster) => ofClusters.enqueueAfter(cluster, CLUSTER_PAUSE_MS),
    trustAnew: (cluster) => workload.trustAnew(cluster),
    nodesOf: (cluster) => workload.nodes(cluster),
    // Recording an Event neither waits nor fails.
    tell: (events) => void apply(events, log),
  });
  manager.add(workload);
  manager.add(controller);
  manager.add(ofNodes);
  manager.add(ofClusters);
  parts.offers.workload = workload;
  parts.offers.workloadListeners = others;
}

const CLUSTER_PAUSE_MS = 200;

/** In a dry run no hook was removed, so there is no release to report. */
async function tellOnce({ unfenced, identity, dryRun, log }: Parts, event: RecordEvent): Promise<boolean> {
  if (dryRun) return false;
  const sink = makeEventSink({ client: unfenced, controller: 'capi', instance: identity });
  try {
    return (await sink.send({ event, atMs: Date.now(), id: event.onceAs ?? '' })) === 'created';
  } catch (error) {
    if (sink.isTransient(error)) throw error;
    log.warn('Recording an Event failed', { reason: event.reason, err: error });
    return true;
  }
}

const MAX_REFUSAL_BYTES = 512;
const NO_REFUSALS: ReadonlySet<KubeErrorReason> = new Set(['Conflict', 'NotFound', 'Unauthorized']);

/** A conflict or a Node that has just gone is not a refusal, and a request without an answer is reported on the cluster. */
export function writeAnswerOf(error: unknown): WriteAnswer {
  if (!isKubeError(error)) return { is: 'none' };
  const { code, reason, message } = error;
  const isRefusal = code >= 400 && !NO_REFUSALS.has(reason);
  return isRefusal ? { is: 'refused', words: clip(message, MAX_REFUSAL_BYTES) } : { is: 'lost' };
}
