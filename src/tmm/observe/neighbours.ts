/** What the maintenance of one Node depends on beyond its own Pods: other Nodes' sessions, and members elsewhere. */

import { annotationOf, keyOf } from '../../core/meta.ts';
import type { Node, Pod, PodDisruptionBudget, StatefulSet } from '../../core/objects.ts';
import { isExempt, selects } from '../model/budgets.ts';
import type { BudgetSurroundings, Neighbour, OtherSession } from '../model/observed.ts';
import type { StatefulSetFacts } from '../model/related-pods.ts';
import type { Report } from '../model/report.ts';
import { holdsSlot, isBefore, type Reservation } from '../model/slots.ts';
import { describeMissing, isServing, type Members, type Missing, missingFrom } from '../model/workloads.ts';
import { CORDON_ANNOTATION } from '../names.ts';
import type { ClusterView } from './cluster-view.ts';
import type { CountMembers } from './members.ts';
import type { Session } from './sessions.ts';

/** Other Nodes' sessions, including those admitted a moment ago, by their start, then by name. */
export function neighboursOf(
  nodeName: string,
  view: ClusterView,
  reservations: ReadonlyMap<string, Reservation>,
): readonly Neighbour[] {
  const sessions = view.sessions();
  const isNew = (name: string, { session }: Reservation): boolean => {
    const report = sessions.find(({ node }) => node.metadata.name === name)?.report;
    return report?.session !== session || report.phase === 'Checking' || report.phase === 'Queued';
  };
  const reserved = [...reservations].filter(([name, reservation]) => isNew(name, reservation));
  const others = neighboursAmong(sessions);
  if (reserved.length === 0) return others.filter((other) => other.nodeName !== nodeName);
  const admitted = reserved.map(
    ([name, { started, since, workloads = [] }]): Neighbour => ({
      nodeName: name,
      phase: 'Draining',
      started,
      since,
      workloads,
    }),
  );
  const names = new Set(reserved.map(([name]) => name));
  return [...others.filter((other) => !names.has(other.nodeName)), ...admitted]
    .filter((other) => other.nodeName !== nodeName)
    .sort((a, b) => (isBefore(a, b) ? -1 : 1));
}

const known = new WeakMap<readonly Session[], readonly Neighbour[]>();

function neighboursAmong(sessions: readonly Session[]): readonly Neighbour[] {
  const found = known.get(sessions) ?? sessions.map(({ node, report }) => neighbour(node.metadata.name, report));
  known.set(sessions, found);
  return found;
}

function neighbour(nodeName: string, { phase, overdue, started, since, workloads = [] }: Report): Neighbour {
  return { nodeName, phase, started, since, workloads, ...(overdue && { overdue }) };
}

/**
 * Other Nodes' sessions as the queue needs them.
 *
 * @param uids of the workloads that have related Pods on the Node that asks.
 */
export function othersOf(
  neighbours: readonly Neighbour[],
  uids: ReadonlySet<string>,
  count: CountMembers,
  view: ClusterView,
): readonly OtherSession[] {
  const held = heldNodes(neighbours, count, view);
  return neighbours.map((each) => {
    const { nodeName, phase, started, since } = each;
    const missing = unsettledOf(each, count);
    const here = missing.filter(({ workload }) => uids.has(workload.uid));
    return {
      nodeName,
      phase,
      holdsSlot: holdsSlot(each),
      started,
      since,
      ...(missing.length > 0 && { unsettled: describeMissing(missing) }),
      ...(here.length > 0 && { unsettledHere: describeMissing(here) }),
      ...(held.has(nodeName) && { isHeld: true }),
      ...(phase === 'Exiting' && isCordonedByUs(view.node(nodeName)) && { isReopening: true }),
    };
  });
}

function isCordonedByUs(node: Node | undefined): boolean {
  return node !== undefined && annotationOf(node, CORDON_ANNOTATION) !== undefined;
}

const NOTHING: readonly Missing[] = [];

/** While the Node is away, Pods that only it can run stay away with it; once it comes back, they are waited for too. */
function unsettledOf({ nodeName, phase, workloads }: Neighbour, count: CountMembers): readonly Missing[] {
  // Most waiting Nodes have displaced nothing, and there may be a thousand of them.
  if (workloads.length === 0) return NOTHING;
  const isAway = phase === 'Draining' || phase === 'InMaintenance';
  return missingFrom(workloads, (workload) => count(workload, nodeName), isAway);
}

/**
 * The Nodes that wait in the queue and hold Pods of a workload that has been displaced and is not ready again, with the names of the Nodes
 * that displaced it. Such Nodes hold up no other.
 */
export function heldNodes(
  neighbours: readonly Neighbour[],
  count: CountMembers,
  view: ClusterView,
): ReadonlyMap<string, ReadonlySet<string>> {
  const queued = new Set(neighbours.filter(({ phase }) => phase === 'Queued').map(({ nodeName }) => nodeName));
  const held = new Map<string, Set<string>>();
  if (queued.size === 0) return held;
  for (const each of neighbours) {
    // Every waiting Node waits for a draining one anyway, so it does not distinguish these Nodes.
    if (each.phase === 'Draining') continue;
    for (const { workload } of unsettledOf(each, count)) {
      for (const { spec } of view.membersOf(workload.uid)) {
        const { nodeName } = spec;
        if (nodeName === undefined || !queued.has(nodeName)) continue;
        held.set(nodeName, (held.get(nodeName) ?? new Set()).add(each.nodeName));
      }
    }
  }
  return held;
}

/** How many members of each workload are missing because of these Nodes' maintenance, by the workload's UID. */
export function missingByMaintenance(
  neighbours: readonly Neighbour[],
  count: CountMembers,
): ReadonlyMap<string, Missing> {
  const found = new Map<string, Missing>();
  for (const { nodeName, workloads } of neighbours) {
    for (const { workload, pods } of missingFrom(workloads, (each) => count(each, nodeName))) {
      found.set(workload.uid, { workload, pods: pods + (found.get(workload.uid)?.pods ?? 0) });
    }
  }
  return found;
}

/** Finds what is known about the budgets of a Node's Pods. */
export function budgetSurroundings(
  node: Node,
  budgets: readonly PodDisruptionBudget[],
  neighbours: readonly Neighbour[],
  explained: ReadonlyMap<string, Missing>,
  view: ClusterView,
  domainLabels: readonly string[],
): Readonly<Record<string, BudgetSurroundings>> {
  const { name } = node.metadata;
  const isHome = domainOf(node, view, domainLabels);
  const away = new Set(neighbours.filter(holdsSlot).map(({ nodeName }) => nodeName));
  // Members that other Nodes' maintenance displaced are counted as such, in whichever domain they are.
  const isMissingHere = ({ spec: { nodeName } }: Pod): boolean =>
    nodeName !== undefined && isHome(nodeName) && !away.has(nodeName);
  const isMissing = (pod: Pod): boolean =>
    pod.spec.nodeName === undefined ? view.isPinned(pod, name) : isMissingHere(pod);
  const leaving = Map.groupBy(
    neighbours.filter(({ phase }) => phase === 'Draining').flatMap(({ nodeName }) => view.podsBoundTo(nodeName)),
    ({ metadata }) => metadata.namespace,
  );
  const isPromised = (pod: Pod): boolean => isServing(pod) && view.isPinned(pod, pod.spec.nodeName ?? '');
  return Object.fromEntries(
    budgets.map((budget) => {
      const { namespace } = budget.metadata;
      const members = (leaving.get(namespace) ?? []).filter((pod) => selects(budget, pod));
      const isOfBudget = ({ workload }: Missing): boolean =>
        workload.namespace === namespace && view.membersOf(workload.uid).some((pod) => selects(budget, pod));
      return [
        keyOf(budget),
        {
          missingInDomain: view.unreadyOf(budget).filter((pod) => isExempt(pod, budget) && isMissing(pod)).length,
          missingByMaintenance: [...explained.values()].filter(isOfBudget).reduce((sum, each) => sum + each.pods, 0),
          promisedElsewhere: members.filter(isPromised).length,
        },
      ];
    }),
  );
}

/**
 * Whether a Node is this one or shares a failure domain with it. A label that has the same value on every Node divides
 * nothing and is no domain.
 */
function domainOf(node: Node, view: ClusterView, labels: readonly string[]): (nodeName: string) => boolean {
  const dividing = labels.flatMap((label) => {
    const value = node.metadata.labels?.[label];
    const divides =
      value !== undefined && view.nodes().some((other) => (other.metadata.labels?.[label] ?? value) !== value);
    return divides ? [{ label, value }] : [];
  });
  return (nodeName) =>
    nodeName === node.metadata.name ||
    dividing.some(({ label, value }) => view.node(nodeName)?.metadata.labels?.[label] === value);
}

/**
 * The facts about a StatefulSet that no budget protects.
 *
 * @param members of it.
 * @param explained the members of each workload that are missing because of the neighbours' maintenance.
 * @param asked whether a neighbour asked before this Node.
 */
export function statefulSetFacts(
  statefulSet: StatefulSet,
  members: Members,
  neighbours: readonly Neighbour[],
  explained: ReadonlyMap<string, Missing>,
  asked: (neighbour: Neighbour) => boolean,
  view: ClusterView,
): StatefulSetFacts {
  const { uid } = statefulSet.metadata;
  const promisedBy = (draining: readonly Neighbour[]): number => {
    const names = new Set(draining.map(({ nodeName }) => nodeName));
    if (names.size === 0) return 0;
    return view.podsOf(uid).filter((each) => names.has(each.spec.nodeName ?? '') && isServing(each)).length;
  };
  const draining = neighbours.filter(({ phase }) => phase === 'Draining');
  return {
    key: keyOf(statefulSet),
    replicas: statefulSet.spec.replicas ?? 1,
    ready: members.ready,
    missingByMaintenance: explained.get(uid)?.pods ?? 0,
    promisedElsewhere: promisedBy(draining),
    promisedBefore: promisedBy(draining.filter(asked)),
  };
}
