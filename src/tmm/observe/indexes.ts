/** The cache indexes that this feature uses for look-ups, so that no event costs work that grows with the cluster. */

import { annotationOf, controllerOf, isDeleting, isFinished, isReady } from '../../core/meta.ts';
import type { KubeObject, Namespace, Node, Pod, PodController, PodDisruptionBudget } from '../../core/objects.ts';
import type { Index } from '../../core/ports.ts';
import type { PersistentVolume } from '../../core/storage-objects.ts';
import { STORED_NODE_ANNOTATION, STORED_POD_ANNOTATION } from '../../core/stored-pods.ts';
import { parseMarker, type Report, reportOf } from '../model/report.ts';
import { REJECTION_MARKER, REPORT_ANNOTATION } from '../names.ts';

function validReport(node: Node): Report | undefined {
  const seen = reportOf(node);
  return seen.is === 'valid' ? seen.report : undefined;
}

/** Every Node under one value: for the few questions that are about all of them. */
export const ALL_NODES: Index<Node> = { name: 'all', of: () => [''] };

/** Nodes with a session, under the empty value. */
export const NODES_IN_SESSION: Index<Node> = {
  name: 'inSession',
  of: (node) => (annotationOf(node, REPORT_ANNOTATION) === undefined ? [] : ['']),
};

/** Nodes that wait for others, under the empty value. */
export const QUEUED_NODES: Index<Node> = {
  name: 'queued',
  of: (node) => (validReport(node)?.phase === 'Queued' ? [''] : []),
};

/** Nodes in a session by the UIDs of the controllers whose Pods it has displaced. */
export const NODES_BY_WORKLOAD: Index<Node> = {
  name: 'workload',
  of: (node) => validReport(node)?.workloads?.map(({ uid }) => uid) ?? [],
};

/** Nodes that wait for Pods which they have created again, by the keys of these Pods. */
export const NODES_BY_RECREATED: Index<Node> = {
  name: 'recreated',
  of: (node) => validReport(node)?.recreated ?? [],
};

/** Secrets that hold a Pod, by the Node that it ran on. */
export const STORED_BY_NODE: Index<KubeObject> = {
  name: 'node',
  of: (secret) => [annotationOf(secret, STORED_NODE_ANNOTATION) ?? []].flat(),
};

/** Secrets that hold a Pod, by its key. */
export const STORED_BY_POD: Index<KubeObject> = {
  name: 'pod',
  of: (secret) => [annotationOf(secret, STORED_POD_ANNOTATION) ?? []].flat(),
};

/** Pods by the Node that they are bound to. */
export const PODS_BY_NODE: Index<Pod> = {
  name: 'node',
  of: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]),
};

/** Pods that carry our rejection marker, by the Node whose session wrote it; if the marker cannot be read, by the Pod's own Node. */
export const PODS_BY_MARKER: Index<Pod> = {
  name: 'marker',
  of: (pod) => {
    const annotation = annotationOf(pod, REJECTION_MARKER);
    if (annotation === undefined) return [];
    const node = parseMarker(annotation)?.node ?? pod.spec.nodeName;
    return node === undefined ? [] : [node];
  },
};

/** Pods by the UID of their controller. Finished Pods do not count. */
export const PODS_BY_CONTROLLER: Index<Pod> = {
  name: 'controller',
  of: (pod) => (isFinished(pod) ? [] : [controllerOf(pod)?.uid ?? []].flat()),
};

/** ReplicaSets by the UID of their owner: a rollout replaces one with another. */
export const REPLICA_SETS_BY_OWNER: Index<PodController> = {
  name: 'owner',
  of: (replicaSet) => [controllerOf(replicaSet)?.uid ?? []].flat(),
};

/**
 * Pods that are not ready or are being deleted, by namespace, and by namespace and each of their labels: few in a healthy cluster,
 * thousands in one without room. Finished Pods do not count.
 */
export const UNREADY_PODS: Index<Pod> = {
  name: 'unready',
  of: (pod) => {
    const { namespace, labels = {} } = pod.metadata;
    if (namespace === undefined || isFinished(pod) || (isReady(pod) && !isDeleting(pod))) return [];
    return [namespace, ...Object.keys(labels).map((key) => unreadyValue(namespace, key, labels[key] ?? ''))];
  },
};

/** The index value; the slash separates unambiguously, since no namespace contains one. */
export function unreadyValue(namespace: string, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** Every Namespace under one value. */
export const ALL_NAMESPACES: Index<Namespace> = { name: 'all', of: () => [''] };

export const VOLUMES_BY_CLASS: Index<PersistentVolume> = {
  name: 'class',
  of: ({ spec }) => [spec.storageClassName ?? ''],
};

export const BUDGETS_BY_NAMESPACE: Index<PodDisruptionBudget> = {
  name: 'namespace',
  of: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
};
