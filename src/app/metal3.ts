/** Wires the Metal3 integration: Machines and BareMetalHosts of the management cluster. */
import { BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS, CLUSTER, MACHINE } from '../core/machine-objects.ts';
import { isKubeError } from '../kube/http/errors.ts';
import { makeNodeReadings } from '../kube/workload/node-readings.ts';
import { makeApply } from '../kube/write/apply.ts';
import { Metal3Meter } from '../metal3/metrics.ts';
import { type Metal3Ports, reconcileHosts, reconcileMachines } from '../metal3/reconcile.ts';
import type { Metal3Settings } from '../metal3/settings.ts';
import { setupWatches } from '../metal3/watches.ts';
import { Controller } from '../runtime/controller.ts';
import { recordEvents, unseen, watchOptional } from './caches.ts';
import { CLUSTER_WORKERS, machineLanes } from './lanes.ts';
import type { Parts } from './parts.ts';

/** How many hosts are handled at once. Only the management cluster is involved; maintenance is rare, and a pass is one or two requests. */
const HOST_WORKERS = 4;

export function wire(parts: Parts, settings: Metal3Settings): void {
  const { manager, client, observers, registry, log, dryRun, namespaces } = parts;
  const { machines, clusters } = parts.clusterApi();
  // Without the Cluster API bridge there are no connections, and then no gate of the settings is open.
  const { workload } = parts.offers;
  const hosts = watchOptional(parts, BARE_METAL_HOST, { versions: BARE_METAL_HOST_VERSIONS, namespaces });
  const sources = { machines: machines.source, clusters: clusters.source, hosts: hosts.source };
  const meter = new Metal3Meter(registry);
  registry.beforeExposition(() => meter.collect(Date.now()));
  const kinds: readonly string[] = [MACHINE.plural, CLUSTER.plural, BARE_METAL_HOST.plural];
  const watches = parts.watches.filter(({ resource }) => kinds.includes(resource));
  const orphans = new Set<string>();
  const ports: Metal3Ports = {
    readers: sources,
    orphans,
    unseen: () => unseen(watches),
    apply: makeApply({
      client,
      recorder: recordEvents(parts, 'metal3'),
      clock: Date,
      dryRun,
      pausesRepeats: true,
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
    // A missing object counts as a conflict: it has changed, and the cache will show this in a moment.
    isConflict: (error: unknown) => isKubeError(error, 'Conflict', 'NotFound'),
  };
  const ofMachines = new Controller({
    ...shared,
    name: 'metal3',
    kind: MACHINE.kind,
    reconcile: reconcileMachines(ports),
    workers: CLUSTER_WORKERS,
    queue: { lanes: machineLanes(machines.source) },
  });
  const ofHosts = new Controller({
    ...shared,
    name: 'metal3-hosts',
    kind: BARE_METAL_HOST.kind,
    reconcile: reconcileHosts(ports),
    workers: HOST_WORKERS,
  });
  setupWatches(sources, {
    enqueueMachine: (key) => ofMachines.enqueue(key),
    enqueueHost: (key) => ofHosts.enqueue(key),
    orphans,
  });
  manager.add(ofMachines);
  manager.add(ofHosts);
}
