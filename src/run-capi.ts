/** Puts the Cluster API bridge together: Machines of the management cluster, Nodes of the workload clusters. */
import { CapiMeter } from './capi/metrics.ts';
import { makeReconcile } from './capi/reconcile.ts';
import { Roster } from './capi/roster.ts';
import { type ClusterListener, wire } from './capi/wiring.ts';
import type { RunOptions } from './config-schema.ts';
import { MACHINE } from './core/machine-objects.ts';
import { makeApply } from './kube/apply.ts';
import { ClusterSet } from './kube/clusters.ts';
import { isKubeError } from './kube/errors.ts';
import { type ClusterApiKinds, type Parts, recordEvents } from './run-parts.ts';
import { Controller } from './runtime/controller.ts';

/** A pass mostly waits for one or two answers; this many keep an API server busy when thousands of Machines change at once. */
const WORKERS = 32;

/** @returns the workload clusters, which are connected while one of their Machines takes part. */
export function addCapi(
  parts: Parts,
  { capi: { settings } }: Pick<RunOptions, 'capi'>,
  { machines, clusters }: ClusterApiKinds,
): ClusterSet {
  const { manager, client, mayWrite, observers, registry, log, env, dryRun } = parts;
  const sources = { machines: machines.source, clusters: clusters.source };
  const apply = makeApply({
    client,
    recorder: recordEvents(parts, 'capi'),
    clock: Date,
    dryRun,
    served: (resource) => (resource === MACHINE ? machines.resource() : resource),
  });

  const workload = new ClusterSet({
    management: client,
    mayWrite,
    env,
    dryRun,
    clock: Date,
    log,
    onRequest: observers.request,
    onWatchRestart: (reason) => observers.watchRestart('workload-nodes', reason),
    onNodeChange: (cluster, nodeName) => listener.onNodeChange(cluster, nodeName),
    onStateChange: (cluster, status) => listener.onStateChange(cluster, status),
  });
  const roster = new Roster(workload);
  const meter = new CapiMeter(registry);
  registry.beforeExposition(() => meter.collect(Date.now(), workload.statuses()));
  const controller = new Controller({
    name: 'capi',
    kind: MACHINE.kind,
    reconcile: makeReconcile({ readers: sources, clusters: workload, apply, roster, clock: Date, meter, settings }),
    log,
    metrics: observers.controllers,
    // An object that has gone changed as much as one can: the cache will know in a moment.
    isConflict: (error) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: WORKERS,
  });
  const listener: ClusterListener = wire(sources, {
    roster,
    enqueue: (key) => controller.enqueue(key),
    // Recording an Event neither waits nor fails.
    tell: (events) => void apply(events, log),
  });
  manager.add(workload);
  manager.add(controller);
  return workload;
}
