/** Row 3's question: do the Pods that would have to move all find room elsewhere, together? */
import { controllerOf, isDeleting, keyOf } from '../core/meta.ts';
import type { Node, Pod } from '../core/objects.ts';
import { type FitResult, simulate } from '../core/scheduling/fit.ts';
import type { Neighbour, Observed, PlaceElsewhere } from './observed.ts';
import { type RelatedPod, relatedPods } from './pods.ts';
import type { TmmSettings } from './settings.ts';
import { askingTaint } from './taints.ts';
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

/**
 * Of Pods that leave other Nodes at the same time, at most so many are placed as well: a simulation takes time that grows with
 * them, and holds up everything else (a second, for this many in a cluster of 5 000 Nodes).
 */
const MAX_OTHERS = 100;

/** Where Pods would go, and whose room was reckoned with. */
export interface Fit extends FitResult {
  /** Names of the Nodes whose Pods take room as well; empty where only the Node's own were placed. */
  readonly besides: readonly string[];
}

/**
 * Where the Pods that have to move would go, together with those of Nodes that are being drained at the same time; undefined
 * where there are none, or no verdict is to be formed. Others that would find no room even without this Node are not its fault,
 * and it is judged alone then.
 */
export function fitOf(
  { placeElsewhere, draining }: Observed,
  related: readonly RelatedPod[],
  settings: TmmSettings,
): Fit | undefined {
  const own = movablePods(related);
  if (own.length === 0 || placeElsewhere === undefined) return undefined;
  const ownLeaving = related.map(({ pod }) => pod);
  const alone: Fit = { ...placeElsewhere(own, ownLeaving), besides: [] };
  // First: in a full cluster, to place all of them in vain takes seconds.
  if (alone.unplaced.length > 0) return alone;
  const nodes = draining();
  const others = nodes.flatMap(({ node, pods }) => {
    const taint = askingTaint(node, settings.taints);
    return taint === undefined ? [] : relatedPods(pods, taint, settings);
  });
  const leaving = [...ownLeaving, ...others.map(({ pod }) => pod)];
  const movable = movablePods(others);
  if (movable.length === 0) return alone;
  const theirs = movable.slice(0, MAX_OTHERS);
  const together = placeElsewhere([...own, ...theirs], leaving);
  if (together.unplaced.length > 0 && placeElsewhere(theirs, leaving).unplaced.length > 0) return alone;
  const leftOut = movable.length - theirs.length;
  return {
    ...together,
    notModelled:
      leftOut === 0
        ? together.notModelled
        : [`The room for ${leftOut} more Pods that leave other Nodes`, ...together.notModelled],
    besides: nodes.map(({ node }) => node.metadata.name),
  };
}

/** Other Nodes that have asked for maintenance are no place to go, whether they carry the taint that the Pod tolerates or not. */
export function placeElsewhereOf(node: Node, neighbours: readonly Neighbour[], view: View): PlaceElsewhere {
  const { name } = node.metadata;
  const unavailable = new Set(neighbours.filter(({ phase }) => phase !== 'Exiting').map(({ nodeName }) => nodeName));
  const answers = new Map<string, FitResult>();
  return (movable, leaving) => {
    // The verdict, the report and a plan ask the same of one observation.
    const question = JSON.stringify([movable.map(keyOf), leaving.map(keyOf)]);
    const answered = answers.get(question);
    if (answered !== undefined) return answered;
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
    answers.set(question, result);
    return result;
  };
}
