/** How the features' wiring adds a cache of the management cluster, and a recorder of Events. */
import { CLUSTER, CLUSTER_API_VERSIONS, MACHINE } from '../core/machine-objects.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { CachedKind, type CachedKindOptions } from '../kube/cache/cached-kind.ts';
import { NamespacedSource } from '../kube/cache/namespaced-source.ts';
import { OptionalKind } from '../kube/cache/optional-kind.ts';
import { trimMeta } from '../kube/objects/trim.ts';
import { makeEventSink } from '../kube/write/events.ts';
import { EventRecorder } from '../runtime/recorder.ts';
import type { ClusterApiKinds, Parts, Watch, WatchedKind } from './parts.ts';

/** A watch that ends regularly is reopened within milliseconds, and after a broken connection within a second or two. */
export const BLIND_AFTER_MS = 3000;

/**
 * The kinds of these watches that have been disconnected for too long to act on: their caches still answer, but objects may have come, gone
 * or changed unseen.
 */
export function unseen(watches: readonly Watch[]): readonly string[] {
  const nowMs = Date.now();
  const kinds = watches
    .filter(({ mirror }) => mirror.disconnectedMs(nowMs) > BLIND_AFTER_MS)
    .map(({ resource }) => resource);
  return [...new Set(kinds)].sort();
}

/** A kind whose caches are counted in metrics. */
export type WatchedResource<T> = Resource<T> & { readonly plural: string };

/** Adds the cache of a kind that every cluster serves. */
export function watch<T extends KubeObject>(parts: Parts, resource: WatchedResource<T>): CachedKind<T>['informer'] {
  return addMirror(parts, resource, mirrorOptions(parts, resource));
}

/** Adds a cache of the metadata of some objects of one namespace; their content stays on the server. */
export function watchMetadata(
  parts: Parts,
  resource: WatchedResource<KubeObject>,
  namespace: string,
  labelSelector: string,
): Source<KubeObject> {
  return addMirror(parts, resource, {
    ...mirrorOptions(parts, resource),
    namespace,
    labelSelector,
    metadataOnly: true,
    transform: trimMeta,
  });
}

function addMirror<T extends KubeObject>(
  parts: Parts,
  resource: WatchedResource<T>,
  options: CachedKindOptions<T>,
): CachedKind<T>['informer'] {
  const mirror = new CachedKind<T>(options);
  parts.manager.add(mirror);
  parts.watches.push({
    resource: resource.plural,
    mirror: {
      isWatching: () => true,
      isStale: (nowMs) => mirror.isStale(nowMs),
      silentMs: (nowMs) => mirror.silentMs(nowMs),
      disconnectedMs: (nowMs) => mirror.disconnectedMs(nowMs),
    },
  });
  return mirror.informer;
}

/** Adds the caches of Cluster API's kinds. */
export function watchClusterApi(parts: Parts): ClusterApiKinds {
  const over = { versions: CLUSTER_API_VERSIONS, namespaces: parts.namespaces };
  return {
    machines: watchOptional(parts, MACHINE, over),
    // If only a part of Cluster API is installed, Machines may be served without Clusters; then no Cluster is paused.
    clusters: watchOptional(parts, CLUSTER, { ...over, emptyWithoutKind: true }),
  };
}

interface Over {
  /** In order of preference. */
  readonly versions: readonly string[];
  /** Empty means all. */
  readonly namespaces: readonly string[];
  /** See `OptionalKindOptions`. */
  readonly emptyWithoutKind?: boolean;
}

/** Adds a cache of a kind defined by a CRD. */
export function watchOptional<T extends KubeObject>(
  parts: Parts,
  resource: WatchedResource<T>,
  { versions, namespaces, emptyWithoutKind = false }: Over,
): WatchedKind<T> {
  const mirrorOf = (namespace?: string): OptionalKind<T> => {
    const mirror = new OptionalKind<T>({
      ...mirrorOptions(parts, resource),
      ...(namespace !== undefined && { namespace }),
      versions,
      emptyWithoutKind,
    });
    parts.manager.add(mirror);
    parts.watches.push({ resource: resource.plural, mirror });
    return mirror;
  };
  const [first, ...others] = namespaces;
  if (first === undefined) {
    const mirror = mirrorOf();
    return { source: mirror.informer, resource: () => mirror.resource };
  }
  const mirror = mirrorOf(first);
  const all = new Map([[first, mirror], ...others.map((namespace) => [namespace, mirrorOf(namespace)] as const)]);
  const source = new NamespacedSource<T>(new Map([...all].map(([name, { informer }]) => [name, informer])));
  return { source, resource: () => mirror.resource };
}

/** Adds a recorder of Events under the name of one feature. */
export function recordEvents(
  { manager, unfenced, observers, log, identity }: Parts,
  controller: string,
): EventRecorder {
  const recorder = new EventRecorder({
    controller,
    sink: makeEventSink({ client: unfenced, controller, instance: identity }),
    clock: Date,
    log,
    onDropped: observers.eventDropped,
  });
  manager.add(recorder);
  return recorder;
}

function mirrorOptions<T extends KubeObject>(
  { client, log, outages, observers }: Parts,
  resource: WatchedResource<T>,
): CachedKindOptions<T> {
  const plural = resource.plural;
  return {
    client,
    resource,
    clock: Date,
    log,
    outages,
    onRestart: (reason) => observers.watchRestart(plural, reason),
    onHandlerError: () => observers.handlerError(plural),
  };
}
