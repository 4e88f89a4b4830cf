/**
 * Whether a Pod can run on one Node only. Local volumes, hostname selectors and custom topologies all lead to the same question: does any
 * other Node satisfy the demands of the Pod and its volumes? Whether that Node has room is not considered here.
 */
import type { Node, NodeSelector, PodTemplate } from '../../core/objects.ts';
import { matchesNodeSelector } from '../../core/selectors.ts';

/** The demands that bind a Pod to Nodes. */
export interface NodeDemands {
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** The Pod's required node affinity and those of its bound volumes; all must match. */
  readonly affinities: readonly NodeSelector[];
}

export function demandsOf(pod: PodTemplate, volumeAffinities: readonly NodeSelector[]): NodeDemands {
  const own = pod.requiredNodeAffinity;
  return {
    nodeSelector: pod.nodeSelector ?? {},
    affinities: own === undefined ? volumeAffinities : [own, ...volumeAffinities],
  };
}

/** Whether a Node satisfies the demands of a Pod and its volumes, regardless of room. */
export function isAdmittedBy(
  { metadata: { name, labels = {} } }: Node,
  { nodeSelector, affinities }: NodeDemands,
): boolean {
  return (
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
    affinities.every((affinity) => matchesNodeSelector(affinity, { name, labels }))
  );
}

/** Whether `home` and no other Node admits the Pod. A Pod without demands is never pinned, not even in a cluster of one Node. */
export function isPinnedTo(home: string, demands: NodeDemands, nodes: readonly Node[]): boolean {
  if (Object.keys(demands.nodeSelector).length === 0 && demands.affinities.length === 0) return false;
  if (nodes.some((node) => node.metadata.name !== home && isAdmittedBy(node, demands))) return false;
  return nodes.some((node) => node.metadata.name === home && isAdmittedBy(node, demands));
}
