/** Which kinds are watched, and which Nodes a change concerns. */
import { annotationOf, controllerOf, keyOf } from '../core/meta.ts';
import {
  DAEMON_SET,
  JOB,
  type Job,
  type KubeObject,
  NAMESPACE,
  NODE,
  type Node,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  type PodController,
  type PodDisruptionBudget,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
} from '../core/objects.ts';
import {
  type Hold,
  holdsOn,
  LOCKING_DAEMON_SETS,
  locksOf,
  NODES_IN_OTHER_HANDS,
  UPGRADE_JOBS,
  upgradesOf,
} from '../core/other-tools.ts';
import type { Index, Known, Source } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { CSI_NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '../core/storage-objects.ts';
import { askingTaint } from './model/taints.ts';
import { CORDON_ANNOTATION, REPORT_ANNOTATION } from './names.ts';
import {
  ALL_NAMESPACES,
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  NODES_BY_RECREATED,
  NODES_BY_WORKLOAD,
  NODES_IN_SESSION,
  PODS_BY_CONTROLLER,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  QUEUED_NODES,
  REPLICA_SETS_BY_OWNER,
  STORED_BY_NODE,
  STORED_BY_POD,
  UNREADY_PODS,
  VOLUMES_BY_CLASS,
} from './observe/indexes.ts';
import { type Standing, standings } from './observe/queue-line.ts';
import type { TmmKinds } from './observe/readers.ts';
import { needsNamespaces, type TmmSettings } from './settings.ts';

/** The caches of one cluster, before they are filled. */
export type TmmSources = { readonly [K in keyof TmmKinds]: Source<Exclude<TmmKinds[K], undefined>> };

/** Adds the cache of a kind, in whichever cluster. */
export type AddCache = <T extends KubeObject>(resource: Resource<T> & { readonly plural: string }) => Source<T>;

/** Adds the cache of each kind that is watched. */
export function addCaches(add: AddCache, settings: TmmSettings): TmmSources {
  return {
    nodes: add(NODE),
    pods: add(POD),
    budgets: add(POD_DISRUPTION_BUDGET),
    statefulSets: add(STATEFUL_SET),
    replicaSets: add(REPLICA_SET),
    daemonSets: add(DAEMON_SET),
    replicationControllers: add(REPLICATION_CONTROLLER),
    jobs: add(JOB),
    claims: add(PERSISTENT_VOLUME_CLAIM),
    volumes: add(PERSISTENT_VOLUME),
    storageClasses: add(STORAGE_CLASS),
    csiNodes: add(CSI_NODE),
    ...(needsNamespaces(settings) && { namespaces: add(NAMESPACE) }),
  };
}

/** Declares the indexes that `observe()` looks things up by. */
export function declareIndexes(sources: TmmSources): void {
  const { nodes, pods, replicaSets, daemonSets, jobs, budgets, volumes, namespaces, stored } = sources;
  declare(
    nodes,
    ALL_NODES,
    NODES_IN_SESSION,
    QUEUED_NODES,
    NODES_BY_WORKLOAD,
    NODES_BY_RECREATED,
    NODES_IN_OTHER_HANDS,
  );
  declare(daemonSets, LOCKING_DAEMON_SETS);
  declare(jobs, UPGRADE_JOBS);
  declare(pods, PODS_BY_NODE, PODS_BY_CONTROLLER, PODS_BY_MARKER, UNREADY_PODS);
  declare(replicaSets, REPLICA_SETS_BY_OWNER);
  declare(budgets, BUDGETS_BY_NAMESPACE);
  declare(volumes, VOLUMES_BY_CLASS);
  if (namespaces !== undefined) declare(namespaces, ALL_NAMESPACES);
  if (stored !== undefined) declare(stored, STORED_BY_NODE, STORED_BY_POD);
}

/**
 * Declares the indexes, and enqueues the Nodes that a change concerns. The work per event does not grow with the cluster, only with the few
 * Nodes in a session.
 *
 * @param withdrawn called for a Node whose request has gone; a new request may be there before the next pass.
 * @returns a function that enqueues the waiting Nodes for which a change of other Nodes makes a difference.
 */
export function setupWatches(
  sources: TmmSources,
  settings: TmmSettings,
  enqueue: (nodeName: string) => void,
  withdrawn: (nodeName: string) => void,
): () => void {
  const { nodes, pods, budgets, statefulSets, replicaSets, jobs, stored, namespaces } = sources;
  declareIndexes(sources);
  let line: ReadonlyMap<string, Standing> = new Map();

  const keys = new Set(settings.taints.map(({ key }) => key));
  const isAsked = (node: Node): boolean => askingTaint(node, settings.taints) !== undefined;
  const concerns = (node: Node): boolean =>
    annotationOf(node, REPORT_ANNOTATION) !== undefined ||
    annotationOf(node, CORDON_ANNOTATION) !== undefined ||
    (node.spec.taints ?? []).some(({ key }) => keys.has(key));

  onChange(
    nodes,
    (node, old) => {
      // With more Nodes, a percentage gives more slots.
      if (old === undefined && typeof settings.maxConcurrentNodes === 'string') enqueueQueued();
      ofHolds(holdsOn(node), old && holdsOn(old));
      // The old state counts too: a near-miss taint that is removed must be forgotten, and the removal of a report by somebody must be
      // noticed.
      if (!concerns(node) && (old === undefined || !concerns(old))) return;
      if (old !== undefined && isAsked(old) && !isAsked(node)) withdrawn(node.metadata.name);
      enqueue(node.metadata.name);
      const isNew = (key: string): boolean => annotationOf(node, key) !== (old && annotationOf(old, key));
      if (old === undefined || isNew(REPORT_ANNOTATION) || isNew(CORDON_ANNOTATION)) enqueueQueued();
    },
    (node) => {
      enqueue(node.metadata.name);
      enqueueQueued();
    },
  );

  /** A Node that another tool has taken or released concerns that Node and those that wait. */
  function ofHolds(now: readonly Hold[], before: readonly Hold[] = []): void {
    if (!settings.honourOtherTools || JSON.stringify(now) === JSON.stringify(before)) return;
    for (const { nodeName } of [...now, ...before]) enqueue(nodeName);
    enqueueQueued();
  }
  onChange(
    sources.daemonSets,
    (now, old) => ofHolds(locksOf(now), old && locksOf(old)),
    (last) => ofHolds(locksOf(last)),
  );
  onChange(
    jobs,
    (now, old) => ofHolds(upgradesOf(now), old && upgradesOf(old)),
    (last) => ofHolds(upgradesOf(last)),
  );

  /** Enqueues the waiting Nodes that may go next, and those whose standing has changed: their reports differ. */
  function enqueueQueued(): void {
    const known = line;
    const now = standings(sources, settings);
    if (now === undefined) {
      enqueueAll(nodes.byIndex(QUEUED_NODES.name, ''));
      return;
    }
    line = now;
    for (const [nodeName, standing] of now) {
      if (standing === 'next' || standing !== known.get(nodeName)) enqueue(nodeName);
    }
  }
  function enqueueAll(found: Known<readonly Node[]>): void {
    if (found.is === 'known') for (const node of found.value) enqueue(node.metadata.name);
  }

  const ofPod = (pod: Pod): void => {
    const { nodeName } = pod.spec;
    const node = nodeName === undefined ? undefined : nodes.get(nodeName);
    if (nodeName !== undefined && node?.is === 'present' && concerns(node.object)) enqueue(nodeName);
    for (const marked of PODS_BY_MARKER.of(pod)) enqueue(marked);
    const controller = controllerOf(pod);
    if (controller === undefined) {
      ofUnmanaged(pod);
      return;
    }
    if (controller.kind === 'StatefulSet') enqueueHolders(controller.uid);
    ofWorkload(controller.uid);
    if (controller.kind !== 'ReplicaSet') return;
    const replicaSet = replicaSets.get(`${pod.metadata.namespace}/${controller.name}`);
    if (replicaSet.is === 'present') for (const uid of REPLICA_SETS_BY_OWNER.of(replicaSet.object)) ofWorkload(uid);
  };
  onChange(pods, ofPod, ofPod);

  /** Enqueues Nodes that have displaced the workload, and Nodes that wait for them. */
  function ofWorkload(uid: string): void {
    const displacedBy = nodes.byIndex(NODES_BY_WORKLOAD.name, uid);
    if (displacedBy.is === 'unknown' || displacedBy.value.length === 0) return;
    enqueueAll(displacedBy);
    enqueueQueued();
  }

  /** Enqueues for a Pod that is stored, or waited for: by its name, since it comes back with another UID, and perhaps on another Node. */
  function ofUnmanaged(pod: Pod): void {
    enqueueAll(nodes.byIndex(NODES_BY_RECREATED.name, keyOf(pod)));
    const secrets = stored?.byIndex(STORED_BY_POD.name, keyOf(pod));
    if (secrets?.is === 'known') secrets.value.forEach(ofStored);
  }
  function ofStored(secret: KubeObject): void {
    for (const nodeName of STORED_BY_NODE.of(secret)) enqueue(nodeName);
  }
  if (stored !== undefined) onChange(stored, ofStored, ofStored);

  /** Nodes in a session. */
  function inSession(): readonly Node[] {
    const found = nodes.byIndex(NODES_IN_SESSION.name, '');
    return found.is === 'known' ? found.value : []; // The Nodes themselves are enqueued when they come.
  }
  function hasPodOf(nodeName: string, namespace: string | undefined): boolean {
    const here = pods.byIndex(PODS_BY_NODE.name, nodeName);
    return here.is === 'unknown' || here.value.some((pod) => pod.metadata.namespace === namespace);
  }
  /** Whether facts about the Node's Pods matter: before its turn has come they do not. */
  function isJudged(nodeName: string): boolean {
    const standing = line.get(nodeName);
    return standing === undefined || standing === 'next';
  }

  const ofBudget = ({ metadata: { namespace } }: PodDisruptionBudget): void => {
    for (const { metadata } of inSession()) {
      if (isJudged(metadata.name) && hasPodOf(metadata.name, namespace)) enqueue(metadata.name);
    }
  };
  onChange(budgets, ofBudget, ofBudget);

  /** Nodes in a session that hold Pods of this controller. */
  function enqueueHolders(uid: string): void {
    const members = pods.byIndex(PODS_BY_CONTROLLER.name, uid);
    if (members.is === 'unknown') return; // The Nodes are enqueued when their Pods come.
    for (const { spec } of members.value) {
      const node = spec.nodeName === undefined ? undefined : nodes.get(spec.nodeName);
      if (node?.is !== 'present' || annotationOf(node.object, REPORT_ANNOTATION) === undefined) continue;
      if (isJudged(node.object.metadata.name)) enqueue(node.object.metadata.name);
    }
  }

  // The number of ready members elsewhere decides how many may be evicted here.
  const ofStatefulSet = ({ metadata: { uid } }: PodController): void => enqueueHolders(uid);
  onChange(statefulSets, ofStatefulSet, ofStatefulSet);

  // The number of failures that the Job still tolerates decides whether its Pods may be evicted.
  const ofJob = ({ metadata: { uid } }: Job): void => enqueueHolders(uid);
  onChange(jobs, ofJob, ofJob);

  // The replicas that the owner asks for, and reports as available, decide what the session waits for; the owner of a ReplicaSet asks
  // through it.
  const ofController = (controller: PodController): void => {
    ofWorkload(controller.metadata.uid);
    for (const uid of REPLICA_SETS_BY_OWNER.of(controller)) ofWorkload(uid);
  };
  for (const kept of [statefulSets, replicaSets, sources.daemonSets, sources.replicationControllers, jobs])
    onChange(kept, ofController, ofController);

  // A namespace selector of the settings may select other Pods now.
  const ofNamespace = ({ metadata: { name } }: KubeObject): void => {
    for (const { metadata } of inSession()) if (hasPodOf(metadata.name, name)) enqueue(metadata.name);
  };
  if (namespaces !== undefined) onChange(namespaces, ofNamespace, ofNamespace);
  return enqueueQueued;
}

function declare<T extends KubeObject>(source: Source<T>, ...indexes: readonly Index<T>[]): void {
  for (const { name, of } of indexes) source.addIndex(name, of);
}

function onChange<T extends KubeObject>(
  source: Source<T>,
  changed: (now: T, old?: T) => void,
  deleted: (last: T) => void,
): void {
  source.addHandler({ onAdd: (now) => changed(now), onUpdate: (old, now) => changed(now, old), onDelete: deleted });
}
