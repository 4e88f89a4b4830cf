/** Puts the Metal3 integration together: Machines and BareMetalHosts of the management cluster. */
import type { RunOptions } from './config-schema.ts';
import { BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS, CLUSTER, MACHINE } from './core/machine-objects.ts';
import { makeApply } from './kube/apply.ts';
import type { ClusterSet } from './kube/clusters.ts';
import { isKubeError } from './kube/errors.ts';
import { makeNodeReadings } from './kube/node-readings.ts';
import { Metal3Meter } from './metal3/metrics.ts';
import { type Metal3Ports, reconcileHosts, reconcileMachines } from './metal3/reconcile.ts';
import { wire } from './metal3/wiring.ts';
import { type ClusterApiKinds, type Parts, recordEvents, unseen, watchOptional } from './run-parts.ts';
import { Controller } from './runtime/controller.ts';

/** Maintenance is rare, and a pass is one or two requests. */
const WORKERS = 4;

/** @param workload absent without the Cluster API bridge; then no gate of the settings is open. */
export function addMetal3(
  parts: Parts,
  { metal3: { settings }, namespaces }: Pick<RunOptions, 'metal3' | 'namespaces'>,
  { machines, clusters }: ClusterApiKinds,
  workload: ClusterSet | undefined,
): void {
  const { manager, client, observers, registry, log, dryRun } = parts;
  const hosts = watchOptional(parts, BARE_METAL_HOST, { versions: BARE_METAL_HOST_VERSIONS, namespaces });
  const sources = { machines: machines.source, clusters: clusters.source, hosts: hosts.source };
  const meter = new Metal3Meter(registry);
  registry.beforeExposition(() => meter.collect(Date.now()));
  const kinds: readonly string[] = [MACHINE.plural, CLUSTER.plural, BARE_METAL_HOST.plural];
  const watches = parts.watches.filter(({ resource }) => kinds.includes(resource));
  const ports: Metal3Ports = {
    readers: sources,
    unseen: () => unseen(watches),
    apply: makeApply({
      client,
      recorder: recordEvents(parts, 'metal3'),
      clock: Date,
      dryRun,
      served: (resource) => (resource === MACHINE ? machines.resource() : resource),
    }),
    clock: Date,
    meter,
    settings,
    ...(workload !== undefined && { nodes: makeNodeReadings((cluster) => workload.client(cluster)) }),
  };
  const shared = {
    log,
    metrics: observers.controllers,
    // An object that has gone changed as much as one can: the cache will know in a moment.
    isConflict: (error: unknown) => isKubeError(error, 'Conflict', 'NotFound'),
    workers: WORKERS,
  };
  const ofMachines = new Controller({
    ...shared,
    name: 'metal3',
    kind: MACHINE.kind,
    reconcile: reconcileMachines(ports),
  });
  const ofHosts = new Controller({
    ...shared,
    name: 'metal3-hosts',
    kind: BARE_METAL_HOST.kind,
    reconcile: reconcileHosts(ports),
  });
  wire(sources, {
    enqueueMachine: (key) => ofMachines.enqueue(key),
    enqueueHost: (key) => ofHosts.enqueue(key),
  });
  manager.add(ofMachines);
  manager.add(ofHosts);
}
