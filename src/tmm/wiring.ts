/** Which kinds are watched, and which Nodes a change concerns. */
import { annotationOf } from '../core/meta.ts';
import type {
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
} from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import {
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  type Index,
  NODES_IN_SESSION,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  UNSCHEDULABLE_PODS,
} from './indexes.ts';
import { CORDON_ANNOTATION, REPORT_ANNOTATION } from './names.ts';
import type { TmmSettings } from './settings.ts';

/** The caches of one cluster, before they are filled. */
export interface TmmSources {
  readonly nodes: Source<Node>;
  readonly pods: Source<Pod>;
  readonly budgets: Source<PodDisruptionBudget>;
  readonly claims: Source<PersistentVolumeClaim>;
  readonly volumes: Source<PersistentVolume>;
  /** Only where `needsNamespaces()` says so. */
  readonly namespaces?: Source<Namespace>;
}

/** Namespaces are watched only for namespace selectors. */
export function needsNamespaces({ pods, selfMovingWorkloads }: TmmSettings): boolean {
  return [...pods, ...selfMovingWorkloads].some(({ namespaceSelector }) => namespaceSelector !== undefined);
}

/**
 * Declares the indexes and has Nodes enqueued that a change concerns. The work per event does not grow with the cluster,
 * only with the few Nodes in a session.
 */
export function wire(sources: TmmSources, settings: TmmSettings, enqueue: (nodeName: string) => void): void {
  const { nodes, pods, budgets } = sources;
  declare(nodes, ALL_NODES, NODES_IN_SESSION);
  declare(pods, PODS_BY_NODE, PODS_BY_MARKER, UNSCHEDULABLE_PODS);
  declare(budgets, BUDGETS_BY_NAMESPACE);

  const keys = new Set(settings.taints.map(({ key }) => key));
  const concerns = (node: Node): boolean =>
    annotationOf(node, REPORT_ANNOTATION) !== undefined ||
    annotationOf(node, CORDON_ANNOTATION) !== undefined ||
    (node.spec.taints ?? []).some(({ key }) => keys.has(key));

  onChange(
    nodes,
    (node, old) => {
      // The old state counts too: a near-miss taint that goes must be forgotten, and a report that somebody removed be missed.
      if (concerns(node) || (old !== undefined && concerns(old))) enqueue(node.metadata.name);
    },
    (node) => enqueue(node.metadata.name),
  );

  const ofPod = (pod: Pod): void => {
    const { nodeName } = pod.spec;
    const node = nodeName === undefined ? undefined : nodes.get(nodeName);
    if (nodeName !== undefined && node?.is === 'present' && concerns(node.object)) enqueue(nodeName);
    for (const marked of PODS_BY_MARKER.of(pod)) enqueue(marked);
  };
  onChange(pods, ofPod, ofPod);

  const ofBudget = ({ metadata: { namespace } }: PodDisruptionBudget): void => {
    const inSession = nodes.byIndex(NODES_IN_SESSION.name, '');
    if (inSession.is === 'unknown') return; // The Nodes themselves are enqueued when they come.
    for (const node of inSession.value) {
      const here = pods.byIndex(PODS_BY_NODE.name, node.metadata.name);
      if (here.is === 'unknown' || here.value.some((pod) => pod.metadata.namespace === namespace))
        enqueue(node.metadata.name);
    }
  };
  onChange(budgets, ofBudget, ofBudget);
}

function declare<T extends Node | Pod | PodDisruptionBudget>(source: Source<T>, ...indexes: readonly Index<T>[]): void {
  for (const { name, of } of indexes) source.addIndex(name, of);
}

function onChange<T extends Node | Pod | PodDisruptionBudget>(
  source: Source<T>,
  changed: (now: T, old?: T) => void,
  deleted: (last: T) => void,
): void {
  source.addHandler({ onAdd: (now) => changed(now), onUpdate: (old, now) => changed(now, old), onDelete: deleted });
}
