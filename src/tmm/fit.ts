/** Row 3's question: do the Pods that would have to move all find room elsewhere, together? */
import { controllerOf, isDeleting, keyOf } from '../core/meta.ts';
import type { Node, Pod } from '../core/objects.ts';
import { type FitResult, simulate } from '../core/scheduling/fit.ts';
import type { Neighbour, Observed, PlaceElsewhere } from './observed.ts';
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

/** Where the Pods that have to move would go; undefined where there are none, or no verdict is to be formed. */
export function fitOf({ placeElsewhere }: Observed, related: readonly RelatedPod[]): FitResult | undefined {
  const movable = movablePods(related);
  if (movable.length === 0) return undefined;
  return placeElsewhere?.(
    movable,
    related.map(({ pod }) => pod),
  );
}

/** Other Nodes that have asked for maintenance are no place to go, whether they carry the taint that the Pod tolerates or not. */
export function placeElsewhereOf(node: Node, neighbours: readonly Neighbour[], view: View): PlaceElsewhere {
  const { name } = node.metadata;
  const unavailable = new Set(neighbours.filter(({ phase }) => phase !== 'Exiting').map(({ nodeName }) => nodeName));
  let last: { readonly question: string; readonly result: FitResult } | undefined;
  return (movable, leaving) => {
    // The verdict, the report and a plan ask the same of one observation.
    const question = JSON.stringify([movable.map(keyOf), leaving.map(keyOf)]);
    if (last?.question === question) return last.result;
    const gone = new Set(leaving.map(keyOf));
    const namespaces = view.allNamespaces();
    const result = simulate({
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
    last = { question, result };
    return result;
  };
}
