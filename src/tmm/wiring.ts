/** Which kinds are watched, and which Nodes a change concerns. */
import { annotationOf, controllerOf, keyOf } from '../core/meta.ts';
import type { KubeObject, Node, Pod, PodDisruptionBudget, StatefulSet } from '../core/objects.ts';
import type { Known, Source } from '../core/ports.ts';
import {
  ALL_NAMESPACES,
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  type Index,
  NODES_BY_RECREATED,
  NODES_BY_WORKLOAD,
  NODES_IN_SESSION,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  QUEUED_NODES,
  STORED_BY_NODE,
  STORED_BY_POD,
  UNREADY_PODS,
  VOLUMES_BY_CLASS,
} from './indexes.ts';
import { CORDON_ANNOTATION, REPORT_ANNOTATION } from './names.ts';
import type { TmmSettings } from './settings.ts';
import type { TmmKinds } from './view.ts';

/** The caches of one cluster, before they are filled. */
export type TmmSources = { readonly [K in keyof TmmKinds]: Source<Exclude<TmmKinds[K], undefined>> };

/** Namespaces are watched only for namespace selectors. */
export function needsNamespaces({ pods, selfMovingWorkloads }: TmmSettings): boolean {
  return [...pods, ...selfMovingWorkloads].some(({ namespaceSelector }) => namespaceSelector !== undefined);
}

/** Declares the indexes that `observe()` looks things up by. */
export function declareIndexes({ nodes, pods, budgets, volumes, namespaces, stored }: TmmSources): void {
  declare(nodes, ALL_NODES, NODES_IN_SESSION, QUEUED_NODES, NODES_BY_WORKLOAD, NODES_BY_RECREATED);
  declare(pods, PODS_BY_NODE, PODS_BY_MARKER, UNREADY_PODS);
  declare(budgets, BUDGETS_BY_NAMESPACE);
  declare(volumes, VOLUMES_BY_CLASS);
  if (namespaces !== undefined) declare(namespaces, ALL_NAMESPACES);
  if (stored !== undefined) declare(stored, STORED_BY_NODE, STORED_BY_POD);
}

/**
 * Declares the indexes and has Nodes enqueued that a change concerns. The work per event does not grow with the cluster,
 * only with the few Nodes in a session.
 *
 * @returns a function that enqueues the Nodes which wait for others.
 */
export function wire(sources: TmmSources, settings: TmmSettings, enqueue: (nodeName: string) => void): () => void {
  const { nodes, pods, budgets, statefulSets, stored } = sources;
  declareIndexes(sources);

  const keys = new Set(settings.taints.map(({ key }) => key));
  const concerns = (node: Node): boolean =>
    annotationOf(node, REPORT_ANNOTATION) !== undefined ||
    annotationOf(node, CORDON_ANNOTATION) !== undefined ||
    (node.spec.taints ?? []).some(({ key }) => keys.has(key));

  onChange(
    nodes,
    (node, old) => {
      // The old state counts too: a near-miss taint that goes must be forgotten, and a report that somebody removed be missed.
      if (!concerns(node) && (old === undefined || !concerns(old))) return;
      enqueue(node.metadata.name);
      if (old === undefined || annotationOf(node, REPORT_ANNOTATION) !== annotationOf(old, REPORT_ANNOTATION))
        enqueueQueued();
    },
    (node) => {
      enqueue(node.metadata.name);
      enqueueQueued();
    },
  );

  /** Those that wait for other Nodes: few, and asked only when a session or what it displaced has changed. */
  function enqueueQueued(): void {
    enqueueAll(nodes.byIndex(QUEUED_NODES.name, ''));
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
    if (controller.kind === 'StatefulSet') enqueueHolders((each) => controllerOf(each)?.uid === controller.uid);
    const displacedBy = nodes.byIndex(NODES_BY_WORKLOAD.name, controller.uid);
    if (displacedBy.is === 'unknown' || displacedBy.value.length === 0) return;
    enqueueAll(displacedBy);
    enqueueQueued();
  };
  onChange(pods, ofPod, ofPod);

  /** One that is stored, or awaited: by its name, since it comes back with another UID, and perhaps elsewhere. */
  function ofUnmanaged(pod: Pod): void {
    enqueueAll(nodes.byIndex(NODES_BY_RECREATED.name, keyOf(pod)));
    const secrets = stored?.byIndex(STORED_BY_POD.name, keyOf(pod));
    if (secrets?.is === 'known') secrets.value.forEach(ofStored);
  }
  function ofStored(secret: KubeObject): void {
    for (const nodeName of STORED_BY_NODE.of(secret)) enqueue(nodeName);
  }
  if (stored !== undefined) onChange(stored, ofStored, ofStored);

  /** Nodes in a session that hold such a Pod. */
  function enqueueHolders(isMeant: (pod: Pod) => boolean): void {
    const inSession = nodes.byIndex(NODES_IN_SESSION.name, '');
    if (inSession.is === 'unknown') return; // The Nodes themselves are enqueued when they come.
    for (const { metadata } of inSession.value) {
      const here = pods.byIndex(PODS_BY_NODE.name, metadata.name);
      if (here.is === 'unknown' || here.value.some(isMeant)) enqueue(metadata.name);
    }
  }
  const ofBudget = ({ metadata: { namespace } }: PodDisruptionBudget): void =>
    enqueueHolders((pod) => pod.metadata.namespace === namespace);
  onChange(budgets, ofBudget, ofBudget);

  // How many members are ready elsewhere decides how many may go here.
  const ofStatefulSet = ({ metadata: { uid } }: StatefulSet): void =>
    enqueueHolders((pod) => controllerOf(pod)?.uid === uid);
  onChange(statefulSets, ofStatefulSet, ofStatefulSet);
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
