/** Wires Temporary Maintenance Mode for the management cluster. */
import { DRAIN_LABEL } from '../core/machine-keys.ts';
import { labelOf } from '../core/meta.ts';
import { NODE } from '../core/objects.ts';
import { SECRET, STORED_POD_SELECTOR } from '../core/stored-pods.ts';
import { isKubeError, isNotAdmitted } from '../kube/http/errors.ts';
import { PodKeeper } from '../kube/write/pod-store.ts';
import { Controller } from '../runtime/controller.ts';
import { nextTurn } from '../runtime/sleep.ts';
import { inSteps } from '../runtime/steps.ts';
import { makeReconcile } from '../tmm/reconcile.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import { addCaches } from '../tmm/watches.ts';
import { recordEvents, unseen, watch, watchMetadata } from './caches.ts';
import type { Parts } from './parts.ts';
import { makeTmmCluster, tmmMeterOf } from './tmm-cluster.ts';

/** A pass is short, but a webhook may hold its write for half a minute: that many Nodes are held before another one has to wait. */
const WORKERS = 32;

export function wire(parts: Parts, settings: TmmSettings): void {
  const { manager, client, observers, log, env, dryRun, namespace } = parts;
  const recorder = recordEvents(parts, 'tmm');
  const firstWatch = parts.watches.length;
  const sources = {
    ...addCaches((resource) => watch(parts, resource), settings),
    ...(settings.unmanagedPods === 'recreate' && {
      stored: watchMetadata(parts, SECRET, namespace, STORED_POD_SELECTOR),
    }),
  };
  const watches = parts.watches.slice(firstWatch);
  const keeper = new PodKeeper({
    client,
    namespace,
    recorder,
    clock: Date,
    onFailure: (nodeName) => controller.enqueue(nodeName),
  });
  const ownPod = env.POD_NAME && env.POD_NAMESPACE ? `${env.POD_NAMESPACE}/${env.POD_NAME}` : undefined;
  const { cluster, runnables } = makeTmmCluster({
    client,
    sources,
    // Such Nodes are handled by machine drain, of this process or of one in the management cluster of this cluster.
    isOurs: (node) => labelOf(node, DRAIN_LABEL) === undefined,
    recorder,
    settings,
    meter: tmmMeterOf(parts),
    log,
    dryRun,
    onEviction: observers.eviction,
    unseen: () => unseen(watches),
    enqueue: (nodeName) => controller.enqueue(nodeName),
    keeper,
  });
  const reconcile = makeReconcile({
    isRefusal: isNotAdmitted,
    clock: Date,
    inSteps,
    settings,
    storesIn: namespace,
    ...(ownPod !== undefined && { ownPod }),
  });
  const controller = new Controller({
    name: 'tmm',
    kind: NODE.kind,
    reconcile: (nodeName, context) => reconcile(cluster, nodeName, context),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict'),
    workers: WORKERS,
    nextTurn,
  });
  for (const runnable of runnables) manager.add(runnable);
  manager.add(controller);
}
