/** The cache indexes that this feature looks things up by, so that no event costs work that grows with the cluster. */
import { annotationOf, conditionOf } from '../core/meta.ts';
import type { Node, Pod, PodDisruptionBudget } from '../core/objects.ts';
import { REJECTION_MARKER, REPORT_ANNOTATION } from './names.ts';
import { parseMarker } from './report.ts';

/** A named index function; an object may stand under several values or none. */
export interface Index<T> {
  readonly name: string;
  readonly of: (object: T) => readonly string[];
}

/** Every Node under one value: for the few questions that are about all of them. */
export const ALL_NODES: Index<Node> = { name: 'all', of: () => [''] };

/** Nodes with a session, under the empty value. */
export const NODES_IN_SESSION: Index<Node> = {
  name: 'inSession',
  of: (node) => (annotationOf(node, REPORT_ANNOTATION) === undefined ? [] : ['']),
};

/** Pods by the Node that they are bound to. */
export const PODS_BY_NODE: Index<Pod> = {
  name: 'node',
  of: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]),
};

/** Pods that carry our rejection marker, by the Node whose session wrote it; where the marker cannot be read, by the Pod's own Node. */
export const PODS_BY_MARKER: Index<Pod> = {
  name: 'marker',
  of: (pod) => {
    const annotation = annotationOf(pod, REJECTION_MARKER);
    if (annotation === undefined) return [];
    const node = parseMarker(annotation)?.node ?? pod.spec.nodeName;
    return node === undefined ? [] : [node];
  },
};

/** Pods that the scheduler has tried and could not place, by namespace; gated Pods have not been tried and do not count. */
export const UNSCHEDULABLE_PODS: Index<Pod> = {
  name: 'unschedulable',
  of: ({ metadata, spec, status }) => {
    const scheduled = conditionOf(status.conditions, 'PodScheduled');
    const isUnschedulable =
      spec.nodeName === undefined && scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
    return isUnschedulable && metadata.namespace !== undefined ? [metadata.namespace] : [];
  },
};

export const BUDGETS_BY_NAMESPACE: Index<PodDisruptionBudget> = {
  name: 'namespace',
  of: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
};
