/** What the features' wirings share: the management cluster's client, the manager, and how a cache is added. */
import { CLUSTER, CLUSTER_API_VERSIONS, type Cluster, MACHINE, type Machine } from './core/machine-objects.ts';
import type { KubeObject } from './core/objects.ts';
import type { Log, Source } from './core/ports.ts';
import type { Resource } from './core/resources.ts';
import type { ApiClient } from './kube/api.ts';
import { makeEventSink } from './kube/events.ts';
import { Mirror, type MirrorOptions } from './kube/mirror.ts';
import { NamespacedSource } from './kube/namespaced-source.ts';
import { OptionalMirror } from './kube/optional-mirror.ts';
import type { Outages } from './kube/outages.ts';
import { trimMeta } from './kube/trim.ts';
import type { Observers, Watched } from './metrics.ts';
import type { MetricRegistry } from './obs/metrics.ts';
import type { Manager } from './runtime/manager.ts';
import { EventRecorder } from './runtime/recorder.ts';

export interface Parts {
  readonly manager: Manager;
  /** Writes only while this process leads. */
  readonly client: ApiClient;
  /** For Events: they tell of what was done, and may come late. */
  readonly unfenced: ApiClient;
  readonly mayWrite: () => boolean;
  readonly observers: Observers;
  readonly registry: MetricRegistry;
  readonly log: Log;
  /** Of the watches over `client`. */
  readonly outages: Outages;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dryRun: boolean;
  /** Of this process, as in the Lease. */
  readonly identity: string;
  /** Our own: where the Lease is, and stored Pods are. */
  readonly namespace: string;
  /** Each cache that was added, for probes and metrics. */
  readonly watches: Watch[];
}

export interface Watch {
  readonly resource: Watched;
  readonly mirror: Pick<OptionalMirror<KubeObject>, 'isWatching' | 'isStale' | 'silentMs' | 'blindMs'>;
}

/** A watch that ends as it should is open again within milliseconds, and after a broken connection within a second or two. */
const BLIND_AFTER_MS = 3000;

/**
 * The kinds of these watches of which nothing has been heard for too long to act upon: nobody watches them at present, though
 * their caches still answer. Objects may have come, gone or changed unseen.
 */
export function unseen(watches: readonly Watch[]): readonly string[] {
  const nowMs = Date.now();
  const kinds = watches.filter(({ mirror }) => mirror.blindMs(nowMs) > BLIND_AFTER_MS).map(({ resource }) => resource);
  return [...new Set(kinds)].sort();
}

/** A kind of which the caches are counted in metrics. */
export type WatchedResource<T> = Resource<T> & { readonly plural: string };

/** Adds the cache of a kind that every cluster serves. */
export function watch<T extends KubeObject>(parts: Parts, resource: WatchedResource<T>): Mirror<T>['informer'] {
  return addMirror(parts, resource, mirrorOptions(parts, resource));
}

/** Adds the cache of the metadata of some objects of one namespace; their content stays on the server. */
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
  options: MirrorOptions<T>,
): Mirror<T>['informer'] {
  const mirror = new Mirror<T>(options);
  parts.manager.add(mirror);
  parts.watches.push({
    resource: resource.plural as Watched,
    mirror: {
      isWatching: () => true,
      isStale: (nowMs) => mirror.isStale(nowMs),
      silentMs: (nowMs) => mirror.silentMs(nowMs),
      blindMs: (nowMs) => mirror.blindMs(nowMs),
    },
  });
  return mirror.informer;
}

/** A kind that is there when what defines it is installed. */
export interface OptionalKind<T extends KubeObject> {
  readonly source: Source<T>;
  /** In the version that is served. */
  resource(): Resource<T>;
}

/** What the features that read Machines share. */
export interface ClusterApiKinds {
  readonly machines: OptionalKind<Machine>;
  readonly clusters: OptionalKind<Cluster>;
}

/** Adds the caches of Cluster API's kinds, over the given namespaces; none means all. */
export function watchClusterApi(parts: Parts, namespaces: readonly string[]): ClusterApiKinds {
  const over = { versions: CLUSTER_API_VERSIONS, namespaces };
  return {
    machines: watchOptional(parts, MACHINE, over),
    // Machines may be served without Clusters where only a part of Cluster API is installed; then none is paused.
    clusters: watchOptional(parts, CLUSTER, { ...over, emptyWithoutKind: true }),
  };
}

interface Over {
  /** The best first. */
  readonly versions: readonly string[];
  /** None means all. */
  readonly namespaces: readonly string[];
  /** See `OptionalMirrorOptions`. */
  readonly emptyWithoutKind?: boolean;
}

/** Adds the cache of a kind that comes with a CRD. */
export function watchOptional<T extends KubeObject>(
  parts: Parts,
  resource: WatchedResource<T>,
  { versions, namespaces, emptyWithoutKind = false }: Over,
): OptionalKind<T> {
  const mirrorOf = (namespace?: string): OptionalMirror<T> => {
    const mirror = new OptionalMirror<T>({
      ...mirrorOptions(parts, resource),
      ...(namespace !== undefined && { namespace }),
      versions,
      emptyWithoutKind,
    });
    parts.manager.add(mirror);
    parts.watches.push({ resource: resource.plural as Watched, mirror });
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

/** Adds a recorder of Events in the name of one feature. */
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
): MirrorOptions<T> {
  const plural = resource.plural as Watched;
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
