/** What the maintenance of one Node depends on beyond its own Pods: other Nodes' sessions, and members elsewhere. */
import { controllerOf, isDeleting, isReady, keyOf } from '../core/meta.ts';
import type { Node, Pod, PodDisruptionBudget } from '../core/objects.ts';
import type { BudgetSurroundings, Neighbour, OtherSession } from './observed.ts';
import type { StatefulSetFacts } from './pods.ts';
import { holdsSlot, isBefore } from './queue.ts';
import type { Report, Workload } from './report.ts';
import { selects, type View } from './view.ts';
import { describeMissing, isInMotion, missingFrom } from './workloads.ts';

/** A Node that was admitted a moment ago, which the cache may not show yet. */
export interface Reservation {
  readonly session: string;
  /** RFC 3339. */
  readonly started: string;
  /** RFC 3339. */
  readonly since: string;
}

/** Other Nodes' sessions, those that were just admitted included, by their start, then by name. */
export function neighboursOf(
  nodeName: string,
  view: View,
  reservations: ReadonlyMap<string, Reservation>,
): readonly Neighbour[] {
  const sessions = new Map(view.sessions().map(({ node, report }) => [node.metadata.name, report]));
  const reserved = [...reservations].filter(([name, { session }]) => {
    const report = sessions.get(name);
    return report?.session !== session || report.phase === 'Checking' || report.phase === 'Queued';
  });
  const found = [
    ...[...sessions]
      .filter(([name]) => !reserved.some(([other]) => other === name))
      .map(([name, report]) => neighbour(name, report)),
    ...reserved.map(
      ([name, { started, since }]): Neighbour => ({ nodeName: name, phase: 'Draining', started, since, workloads: [] }),
    ),
  ];
  return found.filter((other) => other.nodeName !== nodeName).sort((a, b) => (isBefore(a, b) ? -1 : 1));
}

function neighbour(nodeName: string, { phase, started, since, workloads = [] }: Report): Neighbour {
  return { nodeName, phase, started, since, workloads };
}

export function otherSession(neighbour: Neighbour, view: View): OtherSession {
  const { nodeName, phase, started, since, workloads } = neighbour;
  // While the Node is away, what only it can run stays away with it; once it comes back, that is awaited too.
  const awaited = phase === 'Exiting' ? workloads : workloads.map((workload) => ({ ...workload, here: 0 }));
  const onNode = phase === 'Exiting' ? view.podsOn(nodeName).map((pod) => ({ pod, budgets: [], isPinned: false })) : [];
  const missing = missingFrom(
    awaited,
    onNode,
    unreadyOf(workloads, view, Date.parse(started), phase === 'Exiting' ? undefined : nodeName),
  );
  const session = { nodeName, phase, holdsSlot: holdsSlot(neighbour), started, since };
  return { ...session, ...(missing.length > 0 && { unsettled: describeMissing(missing) }) };
}

/** Pods that a session has set in motion and that are not ready, wherever they are; without those that only `away` can run. */
export function unreadyOf(
  workloads: readonly Workload[],
  view: View,
  startedMs: number,
  away?: string,
): readonly Pod[] {
  const uids = new Set(workloads.map(({ uid }) => uid));
  return [...new Set(workloads.map(({ namespace }) => namespace))].flatMap((namespace) =>
    view
      .unreadyIn(namespace)
      .filter(
        (pod) =>
          uids.has(controllerOf(pod)?.uid ?? '') &&
          isInMotion(pod, startedMs) &&
          (away === undefined || !view.isPinned(pod, away)),
      ),
  );
}

/** What is known around the budgets of a Node's Pods. */
export function budgetSurroundings(
  node: Node,
  budgets: readonly PodDisruptionBudget[],
  neighbours: readonly Neighbour[],
  view: View,
  domainLabels: readonly string[],
): ReadonlyMap<string, BudgetSurroundings> {
  const { name } = node.metadata;
  const isHome = domainOf(node, view, domainLabels);
  const isDisplaced = (pod: Pod): boolean =>
    neighbours.some(
      ({ workloads, started }) =>
        workloads.some(({ uid }) => uid === controllerOf(pod)?.uid) && isInMotion(pod, Date.parse(started)),
    );
  const away = neighbours.filter(holdsSlot);
  const draining = neighbours.filter(({ phase }) => phase === 'Draining');
  return new Map(
    budgets.map((budget) => {
      const missing = view.unreadyIn(budget.metadata.namespace ?? '').filter((pod) => selects(budget, pod));
      const isMissingHere = (pod: Pod): boolean =>
        pod.spec.nodeName === undefined ? view.isPinned(pod, name) : isHome(pod.spec.nodeName);
      const byMaintenance = missing.filter(
        (pod) => isDisplaced(pod) || away.some(({ nodeName }) => view.isPinned(pod, nodeName)),
      );
      const promised = draining.flatMap(({ nodeName }) =>
        view
          .podsOn(nodeName)
          .filter((pod) => selects(budget, pod) && isReady(pod) && !isDeleting(pod) && view.isPinned(pod, nodeName)),
      );
      return [
        keyOf(budget),
        {
          missingInDomain: missing.filter(isMissingHere).length,
          missingByMaintenance: byMaintenance.length,
          promisedElsewhere: promised.length,
        },
      ];
    }),
  );
}

/**
 * Whether a Node is this one or shares a failure domain with it. A label that has the same value on every Node divides
 * nothing and is no domain.
 */
function domainOf(node: Node, view: View, labels: readonly string[]): (nodeName: string) => boolean {
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
 * The StatefulSet of a Pod that no budget protects.
 *
 * @param asked whether a neighbour asked before this Node.
 */
export function statefulSetFacts(
  pod: Pod,
  neighbours: readonly Neighbour[],
  asked: (neighbour: Neighbour) => boolean,
  view: View,
): StatefulSetFacts | undefined {
  const statefulSet = view.statefulSetOf(pod);
  if (statefulSet === undefined) return undefined;
  const { uid, namespace = '' } = statefulSet.metadata;
  const isMember = (each: Pod): boolean => controllerOf(each)?.uid === uid;
  const replicas = statefulSet.spec.replicas ?? 1;
  // Its status may be older than the Pods that we see, and our view of the Pods older than its status: the lesser counts.
  const ready = Math.min(
    statefulSet.status.readyReplicas ?? 0,
    replicas - view.unreadyIn(namespace).filter(isMember).length,
  );
  const promisedBy = (draining: readonly Neighbour[]): number =>
    draining
      .flatMap(({ nodeName }) => view.podsOn(nodeName))
      .filter((each) => isMember(each) && isReady(each) && !isDeleting(each)).length;
  const draining = neighbours.filter(({ phase }) => phase === 'Draining');
  return {
    key: keyOf(statefulSet),
    replicas,
    ready,
    promisedElsewhere: promisedBy(draining),
    promisedBefore: promisedBy(draining.filter(asked)),
  };
}
