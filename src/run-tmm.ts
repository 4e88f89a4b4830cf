/** Puts Temporary Maintenance Mode together, for one cluster. */
import type { RunOptions } from './config-schema.ts';
import {
  CSI_NODE,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  STATEFUL_SET,
  STORAGE_CLASS,
} from './core/objects.ts';
import { SECRET, STORED_POD_SELECTOR } from './core/stored-pods.ts';
import { makeApply } from './kube/apply.ts';
import { podsBoundTo } from './kube/bound-pods.ts';
import { isKubeError, isRefusal } from './kube/errors.ts';
import { PodEvictor } from './kube/evictor.ts';
import { PodKeeper } from './kube/keeper.ts';
import { type Parts, recordEvents, unseen, watch, watchMetadata } from './run-parts.ts';
import { Controller } from './runtime/controller.ts';
import { nextTurn } from './runtime/sleep.ts';
import { TmmMeter } from './tmm/metrics.ts';
import { makeReconcile } from './tmm/reconcile.ts';
import { askingTaint } from './tmm/taints.ts';
import { needsNamespaces, wire } from './tmm/wiring.ts';

/** Nodes are few and passes short; more workers than this would only compete for the same API server. */
const WORKERS = 4;

export function addTmm(parts: Parts, { tmm: { settings } }: Pick<RunOptions, 'tmm'>): void {
  const { manager, client, observers, registry, log, env, dryRun, namespace } = parts;
  const recorder = recordEvents(parts, 'tmm');
  const firstWatch = parts.watches.length;
  const sources = {
    nodes: watch(parts, NODE),
    pods: watch(parts, POD),
    budgets: watch(parts, POD_DISRUPTION_BUDGET),
    statefulSets: watch(parts, STATEFUL_SET),
    claims: watch(parts, PERSISTENT_VOLUME_CLAIM),
    volumes: watch(parts, PERSISTENT_VOLUME),
    storageClasses: watch(parts, STORAGE_CLASS),
    csiNodes: watch(parts, CSI_NODE),
    ...(needsNamespaces(settings) && { namespaces: watch(parts, NAMESPACE) }),
    ...(settings.unmanagedPods === 'recreate' && {
      stored: watchMetadata(parts, SECRET, namespace, STORED_POD_SELECTOR),
    }),
  };
  const watches = parts.watches.slice(firstWatch);
  const isAsked = (nodeName: string): boolean => {
    const seen = sources.nodes.get(nodeName);
    return seen.is === 'present' && askingTaint(seen.object, settings.taints) !== undefined;
  };
  const evictor = new PodEvictor({
    client,
    clock: Date,
    log,
    dryRun,
    maxParallel: settings.maxParallelEvictions,
    isStillWanted: (nodeName) => isAsked(nodeName) && unseen(watches).length === 0,
    onWithheld: (nodeName) => controller.enqueue(nodeName),
    onResult: (nodeName) => controller.enqueue(nodeName),
    onOutcome: observers.eviction,
  });
  const keeper = new PodKeeper({
    client,
    namespace,
    recorder,
    clock: Date,
    onFailure: (nodeName) => controller.enqueue(nodeName),
  });
  const ownPod = env.POD_NAME && env.POD_NAMESPACE ? `${env.POD_NAMESPACE}/${env.POD_NAME}` : undefined;
  const meter = new TmmMeter(registry);
  registry.beforeExposition(() => meter.collect(Date.now()));
  const controller = new Controller({
    name: 'tmm',
    kind: NODE.kind,
    reconcile: makeReconcile({
      readers: sources,
      unseen: () => unseen(watches),
      podsBoundTo: (nodeName) => podsBoundTo(client, nodeName),
      slotChanged: () => enqueueQueued(),
      apply: makeApply({ client, recorder, clock: Date, dryRun, keeper }),
      isRefusal,
      evictor,
      keeper,
      clock: Date,
      meter,
      settings,
      ...(ownPod !== undefined && { ownPod }),
    }),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict'),
    workers: WORKERS,
    nextTurn,
  });
  const enqueueQueued = wire(sources, settings, (nodeName) => controller.enqueue(nodeName));
  manager.add(evictor);
  manager.add(controller);
}
