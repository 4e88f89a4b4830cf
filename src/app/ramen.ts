/** Wires the Ramen parts: the MaintenanceMode provider of this cluster, and the bridge between hub and clusters. */
import { createHash } from 'node:crypto';
import type { RecordEvent } from '../core/action.ts';
import { keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import { NamespaceWatches } from '../kube/cache/namespace-watches.ts';
import { trimMeta } from '../kube/objects/trim.ts';
import { metaOf } from '../kube/objects/trim-meta.ts';
import { readKubeconfigSecret } from '../kube/workload/kubeconfig-secret.ts';
import { MANAGED_TIMINGS, ManagedCluster } from '../kube/workload/managed-cluster.ts';
import { ManagedFleet } from '../kube/workload/managed-fleet.ts';
import { makeObjectAccess } from '../kube/write/object-access.ts';
import { canonicalJson } from '../ramen/canonical.ts';
import { reconcileClusters } from '../ramen/cluster-reconcile.ts';
import { Settling } from '../ramen/clusters.ts';
import { BridgeMeter, ModeMeter } from '../ramen/metrics.ts';
import { reconcileModes } from '../ramen/mode-reconcile.ts';
import { CLUSTER_ID, SERVED_BY } from '../ramen/names.ts';
import {
  DR_PLACEMENT_CONTROL,
  MAINTENANCE_MODE,
  MANAGED_CLUSTER,
  MANAGED_CLUSTER_VIEW,
  MANIFEST_WORK,
} from '../ramen/objects.ts';
import { CLUSTER_LEASE } from '../ramen/rbac.ts';
import type { BridgeSettings, MaintenanceModeSettings } from '../ramen/settings.ts';
import { trimMode, trimView, trimWork } from '../ramen/trim.ts';
import { reconcileViews, WrittenViews } from '../ramen/view-reconcile.ts';
import { setupBridgeWatches, setupModeWatches, WORKS_BY_CLAIM, WORKS_BY_CLUSTER } from '../ramen/watches.ts';
import { WorkMemory } from '../ramen/work-memory.ts';
import { reconcileWorks } from '../ramen/work-reconcile.ts';
import { Controller } from '../runtime/controller.ts';
import type { Runnable } from '../runtime/manager.ts';
import { aborted, sleep } from '../runtime/sleep.ts';
import { recordEvents } from './caches.ts';
import type { Parts } from './parts.ts';
import { localAccess, localHub, remoteHub, watchKind, watchKinds } from './ramen-hub.ts';

/** A pass mostly waits for a cluster's answers; one that hangs must not keep the others waiting. */
const WORKERS = 32;
/** Interval between two checks whether the hub is known. */
const LOOK_MS = 100;

/** Adds the MaintenanceMode provider. */
export function wireModes(parts: Parts, settings: MaintenanceModeSettings): void {
  const { manager, client, observers, registry, log, dryRun } = parts;
  const meter = new ModeMeter(registry);
  registry.beforeExposition(() => meter.collect());
  const hub = localHub(parts);
  const modes = watchKind(parts, hub, MAINTENANCE_MODE, (raw) => trimMode(raw, metaOf));
  const recorder = recordEvents(parts, 'ramen-modes');
  const surroundings = new NamespaceWatches({
    client,
    clock: Date,
    log,
    onChange: () => {
      const all = modes.informer.list();
      for (const mode of all.is === 'known' ? all.value : []) controller.enqueue(keyOf(mode));
    },
  });
  const controller: Controller = new Controller({
    name: 'ramen-modes',
    kind: MAINTENANCE_MODE.kind,
    reconcile: reconcileModes({
      objects: makeObjectAccess(client, { now: () => performance.now(), dryRun }),
      modes: modes.informer,
      record: (event) => recorder.record(event),
      settings,
      surroundings,
      meter,
      clock: Date,
    }),
    log,
    metrics: observers.controllers,
    isConflict: () => false,
    // One at a time: a workload that one of them restores may have to be at zero for another that reports True.
    workers: 1,
  });
  setupModeWatches(modes.informer, (key) => controller.enqueue(key));
  manager.add(controller);
  const closing: Runnable = {
    name: 'ramen-mode-watches',
    phase: 'services',
    needsLeadership: false,
    start: async (stop) => {
      await aborted(stop);
      surroundings.want([]);
    },
  };
  manager.add(closing);
}

/** Adds the bridge between the hub and its clusters. */
export function wireBridge(parts: Parts, settings: BridgeSettings): void {
  const { manager, observers, registry, log, dryRun, env } = parts;
  const meter = new BridgeMeter(registry);
  // Our identity comes from the cluster that we run against, whichever of the two it is.
  const local = localHub(parts);
  const hub = settings.hub.kubeconfigSecret === undefined ? local : remoteHub(parts, settings.hub.kubeconfigSecret);
  const namespaces = hub.isRemote ? settings.clusters.map(({ name }) => name) : parts.namespaces;
  // Events are recorded on works and views, which are on the hub.
  const recorder = recordEvents(hub.isRemote ? { ...parts, unfenced: hub.client } : parts, 'ramen');
  const record = (event: RecordEvent): void => recorder.record(event);
  const works = watchKinds(parts, hub, MANIFEST_WORK, namespaces, (raw) => trimWork(raw, metaOf));
  const views = watchKinds(parts, hub, MANAGED_CLUSTER_VIEW, namespaces, (raw) => trimView(raw, metaOf, digestOf));
  const applications = watchKinds(parts, hub, DR_PLACEMENT_CONTROL, hub.isRemote ? [] : parts.namespaces, trimMeta);
  const sources = { works, views, applications };
  if (settings.managedClusters) {
    const [only] = hub.isRemote ? settings.clusters : [];
    const standIns = watchKind(
      parts,
      hub,
      MANAGED_CLUSTER,
      trimMeta,
      only && { fieldSelector: `metadata.name=${only.name}` },
    );
    const look = ({ metadata }: KubeObject): void => ofClusters.enqueue(metadata.name);
    standIns.informer.addHandler({ onAdd: look, onUpdate: look, onDelete: look });
  }
  const written = new WrittenViews();
  setupBridgeWatches(sources, {
    enqueueWork: (key) => ofWorks.enqueue(key),
    enqueueView: (key) => ofViews.enqueue(key),
    isOwnWrite: (key, view) => written.isOurs(key, view),
  });
  const keysOf = (source: Source<KubeObject>, cluster: string): readonly string[] | undefined => {
    const found = source.byIndex(WORKS_BY_CLUSTER, cluster);
    return found.is === 'known' ? found.value.map(keyOf) : undefined;
  };
  const settling = new Settling((cluster) => {
    for (const key of keysOf(views, cluster) ?? []) ofViews.enqueue(key);
  });
  const memory = new WorkMemory();

  const fleet = new ManagedFleet({
    hub: hub.client,
    leaseName: CLUSTER_LEASE,
    idAnnotation: CLUSTER_ID,
    servedByAnnotation: SERVED_BY,
    identity: () => {
      const id = local.id();
      return id && `${parts.namespace}/${parts.leaseName}@${id}`;
    },
    dryRun,
    whenReady: async (cluster, stop) => {
      while (!stop.aborted && (keysOf(works, cluster) === undefined || hub.id() === undefined))
        await sleep(LOOK_MS, stop);
    },
    clock: Date,
    log,
  });
  for (const { name, kubeconfigSecret } of settings.clusters) {
    const cluster: ManagedCluster = new ManagedCluster({
      name,
      env,
      clock: Date,
      log,
      dryRun,
      ...(!hub.isRemote && { secret: { client: parts.client, ...kubeconfigSecret } }),
      read: hub.isRemote
        ? () => Promise.resolve(localAccess(parts))
        : (signal) =>
            readKubeconfigSecret(parts.client, kubeconfigSecret, {
              timeoutMs: MANAGED_TIMINGS.requestTimeoutMs,
              signal,
            }),
      admit: (id, client) => fleet.admit(name, id, client),
      onChange: (owner) => {
        const [kind, key = ''] = owner.split(' ');
        if (kind === 'work') ofWorks.enqueue(key);
        else ofViews.enqueue(key);
      },
      onCondition: () => {
        const keys = keysOf(works, name) ?? [];
        if (cluster.condition().is === 'connected') {
          // Objects that were applied before may have been lost together with the cluster.
          for (const key of keys) memory.forgetApplied(key);
          settling.begin(name, keys);
        } else {
          settling.end(name);
          for (const key of keysOf(views, name) ?? []) ofViews.enqueue(key);
        }
        for (const key of keys) ofWorks.enqueue(key);
        ofClusters.enqueue(name);
      },
      onRequest: observers.request,
      onWatchRestart: (reason) => observers.watchRestart('managed-objects', reason),
      mayWrite: () => parts.mayWrite() && fleet.serves(name),
    });
    fleet.add(cluster);
  }

  const shared = { log, metrics: observers.controllers, isConflict: () => false, workers: WORKERS };
  const hubObjects = makeObjectAccess(hub.client, { now: () => performance.now(), dryRun });
  const common = {
    cluster: (name: string) => fleet.get(name),
    hubId: hub.id,
    hub: hubObjects,
    record,
    settling,
    meter,
    clock: Date,
  };
  const ofWorks = new Controller({
    ...shared,
    name: 'ramen-works',
    kind: MANIFEST_WORK.kind,
    reconcile: reconcileWorks({
      ...common,
      works,
      applications,
      claimants: (claim) => works.byIndex(WORKS_BY_CLAIM, claim),
      servedBy: (namespace) => fleet.servedBy(namespace),
      enqueue: (key) => ofWorks.enqueue(key),
      memory,
    }),
  });
  const ofViews = new Controller({
    ...shared,
    name: 'ramen-views',
    kind: MANAGED_CLUSTER_VIEW.kind,
    reconcile: reconcileViews({ ...common, views, digest: digestOf, written }),
  });
  const ofClusters = new Controller({
    ...shared,
    name: 'ramen-clusters',
    kind: 'cluster',
    reconcile: reconcileClusters({ ...common, settings, idOf: (name) => fleet.get(name)?.id }),
  });
  for (const runnable of [...new Set([...local.runnables, ...hub.runnables]), fleet, ofWorks, ofViews, ofClusters])
    manager.add(runnable);
  registry.beforeExposition(() => meter.collect(fleet.clusters().map(({ status }) => status.state)));
}

/** A digest of a view's result that ignores the order of fields. */
function digestOf(result: unknown): string {
  return createHash('sha256').update(canonicalJson(result)).digest('base64url');
}
