/** Row 3's question: do the Pods that would have to move all find room elsewhere, together? */
import { controllerOf, isDeleting, keyOf } from '../core/meta.ts';
import type { Node, Pod } from '../core/objects.ts';
import { simulate } from '../core/scheduling/fit.ts';
import type { FitElsewhere, Neighbour } from './observed.ts';
import type { RelatedPod } from './pods.ts';
import type { View } from './view.ts';

/**
 * The Pods that need another place. A pinned Pod waits for its Node, a DaemonSet's Pod belongs to it, one that tolerates the
 * taint may come back, one that is on its way out has its replacement already, and one without a controller has none.
 */
export function movablePods(related: readonly RelatedPod[]): readonly Pod[] {
  return related
    .filter(
      ({ pod, fate, isPinned }) =>
        !isPinned &&
        !fate.ofDaemonSet &&
        !fate.toleratesTaint &&
        !fate.waitsForCompletion &&
        !isDeleting(pod) &&
        controllerOf(pod) !== undefined,
    )
    .map(({ pod }) => pod);
}

/** Other Nodes that have asked for maintenance are no place to go, whether they carry the taint that the Pod tolerates or not. */
export function fitElsewhere(node: Node, neighbours: readonly Neighbour[], view: View): FitElsewhere {
  const { name } = node.metadata;
  const unavailable = new Set(neighbours.filter(({ phase }) => phase !== 'Exiting').map(({ nodeName }) => nodeName));
  return (movable, leaving) => {
    const gone = new Set(leaving.map(keyOf));
    const namespaces = view.allNamespaces();
    return simulate({
      pods: movable,
      nodes: view.nodes().map((each) => {
        const pods = view.podsBoundTo(each.metadata.name);
        const isLeft = each.metadata.name === name || unavailable.has(each.metadata.name);
        return { node: each, pods: isLeft ? pods.filter((pod) => !gone.has(keyOf(pod))) : pods };
      }),
      leaving: { name },
      unavailable,
      storage: view.storage(),
      ...(namespaces !== undefined && { namespaces }),
    });
  };
}
