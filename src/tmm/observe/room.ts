/** Row 3 of the verdict: do all Pods that would have to move find room elsewhere, together? */
import { conditionOf, controllerOf, isDeleting } from '../../core/meta.ts';
import type { Node, Pod } from '../../core/objects.ts';
import type { Steps } from '../../core/scheduling/steps.ts';
import type { Neighbour, Room } from '../model/observed.ts';
import { type PodFacts, type RelatedPod, relatedPods } from '../model/related-pods.ts';
import type { RequestSource } from '../model/taints.ts';
import type { TmmSettings } from '../settings.ts';
import type { ClusterView } from './cluster-view.ts';
import { jobsOf } from './jobs.ts';
import { placeElsewhere } from './placement.ts';

/**
 * The Pods that need another place. A pinned Pod waits for its Node, a DaemonSet's Pod belongs to it, one that tolerates the taint may come
 * back, a terminating one has its replacement already, and one without a controller gets none.
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

/** At most this many Pods that leave other Nodes at the same time are placed as well: the time of a simulation grows with them. */
const MAX_OTHERS = 100;

/** The Pods that look for room, and the Nodes that will be gone. */
export interface RoomQuestion {
  readonly node: Node;
  /** Nodes that cannot be a destination. */
  readonly away: ReadonlySet<string>;
  /** The Node's own Pods that have to move. */
  readonly own: readonly Pod[];
  /** Pods of Nodes that are being drained at the same time, at most `MAX_OTHERS`. */
  readonly others: readonly Pod[];
  /** How many more such Pods there are. */
  readonly leftOut: number;
  readonly draining: readonly string[];
  readonly leaving: readonly Pod[];
  /** Equal for the same Pods and the same Nodes that are away or closed: a Node that opens in the meantime must not be missed. */
  readonly key: string;
}

/** @returns undefined if no Pod has to move. */
export function roomQuestion(
  node: Node,
  related: readonly RelatedPod[],
  neighbours: readonly Neighbour[],
  away: ReadonlySet<string>,
  view: ClusterView,
  source: RequestSource,
  settings: TmmSettings,
  nowMs: number,
): RoomQuestion | undefined {
  const own = movablePods(related);
  if (own.length === 0) return undefined;
  const draining = neighbours
    .filter(({ phase }) => phase === 'Draining')
    .flatMap(({ nodeName }) => view.node(nodeName) ?? []);
  const leavingToo = draining.flatMap((each) => {
    const taint = source(each);
    return taint === undefined ? [] : relatedPods(factsOn(each.metadata.name, view), taint, settings, nowMs);
  });
  const movable = movablePods(leavingToo);
  const others = movable.slice(0, MAX_OTHERS);
  const uids = (pods: readonly Pod[]): readonly string[] => pods.map(({ metadata }) => metadata.uid);
  return {
    node,
    away,
    own,
    others,
    leftOut: movable.length - others.length,
    draining: draining.map(({ metadata }) => metadata.name),
    leaving: [...related, ...leavingToo].map(({ pod }) => pod),
    key: JSON.stringify([node.metadata.name, uids(own), uids(others), [...away], closedIn(view)]),
  };
}

/** Names of the Nodes that, by their own status, take no Pods: mostly few. */
function closedIn(view: ClusterView): readonly string[] {
  const isClosed = ({ spec, status }: Node): boolean =>
    spec.unschedulable === true || conditionOf(status.conditions, 'Ready')?.status !== 'True';
  return view.nodes().flatMap((node) => (isClosed(node) ? [node.metadata.name] : []));
}

/**
 * Finds where the Pods that have to move would go, together with those of Nodes that are being drained at the same time. If the other
 * Nodes' Pods would find no room even without this Node, that is not its fault, and it is judged alone.
 */
export function* roomFor(question: RoomQuestion, view: ClusterView): Steps<Room> {
  const { node, away, own, others, leaving, draining, leftOut } = question;
  const fit = yield* placeElsewhere(node, away, view, own, others, leaving);
  const { placements, unplaced, isCertain, withOthers, notModelled } = fit;
  const omitted = withOthers && leftOut > 0 ? [`The room for ${leftOut} more Pods that leave other Nodes`] : [];
  return {
    placements: Object.fromEntries(placements),
    unplaced,
    isCertain,
    notModelled: [...omitted, ...notModelled],
    besides: withOthers ? draining : [],
  };
}

/** The Pods' facts without those that only budgets and quorum need. */
function factsOn(nodeName: string, view: ClusterView): readonly PodFacts[] {
  const pods = view.podsOn(nodeName);
  const jobFacts = jobsOf(pods, [], view);
  return pods.map((pod): PodFacts => {
    const namespace = view.namespaceOf(pod);
    const isPinned = view.isPinnedHere(pod, nodeName);
    const job = jobFacts(pod);
    return {
      pod,
      budgets: [],
      isPinned,
      ...(namespace !== undefined && { namespace }),
      ...(job !== undefined && { job }),
    };
  });
}
