/** Reads from the caches all that one pass over a Node needs. Anything unknown makes the whole observation unknown. */
import { annotationOf, controllerOf, keyOf } from '../core/meta.ts';
import type { Pod } from '../core/objects.ts';
import type { EvictionAttempt, KeepingAttempt, Known } from '../core/ports.ts';
import { placeElsewhereOf } from './fit.ts';
import { keptOf } from './kept.ts';
import { REPORT_ANNOTATION } from './names.ts';
import type { DrainingNode, Neighbour, Observed } from './observed.ts';
import type { PodFacts } from './pods.ts';
import { isBefore } from './queue.ts';
import { parseReport } from './report.ts';
import {
  budgetSurroundings,
  neighboursOf,
  otherSession,
  type Reservation,
  statefulSetFacts,
  unreadyOf,
} from './surroundings.ts';
import { isUnschedulable, selects, type TmmReaders, UnknownYet, View } from './view.ts';

export interface Moment {
  readonly attempts: ReadonlyMap<string, EvictionAttempt>;
  /** Of storing and restoring Pods; absent where nobody does. */
  readonly keeping?: ReadonlyMap<string, KeepingAttempt>;
  readonly reservations: ReadonlyMap<string, Reservation>;
  readonly failureDomainLabels: readonly string[];
  readonly nowMs: number;
}

export function observe(readers: TmmReaders, nodeName: string, moment: Moment): Known<Observed> {
  try {
    return { is: 'known', value: observeKnown(new View(readers), nodeName, moment) };
  } catch (error) {
    if (error instanceof UnknownYet) return { is: 'unknown' };
    throw error;
  }
}

function observeKnown(view: View, nodeName: string, moment: Moment): Observed {
  const { attempts, keeping = new Map(), reservations, failureDomainLabels, nowMs } = moment;
  const node = view.node(nodeName);
  const report = parseReport(node && annotationOf(node, REPORT_ANNOTATION));
  const mayJudge = !(
    report.is === 'valid' &&
    (report.report.phase === 'Draining' || report.report.phase === 'Rejected')
  );
  const neighbours = neighboursOf(nodeName, view, reservations);
  const askedBefore = (other: Neighbour): boolean =>
    report.is === 'valid' && isBefore(other, { started: report.report.started, nodeName });
  const pods = view.podsOn(nodeName).map((pod): PodFacts => {
    const namespace = view.namespaceOf(pod);
    const budgets = view.budgetsOf(pod);
    const statefulSet = budgets.length > 0 ? undefined : statefulSetFacts(pod, neighbours, askedBefore, view);
    return {
      pod,
      budgets,
      isPinned: mayJudge && isPinned(pod, nodeName, view),
      ...(namespace !== undefined && { namespace }),
      ...(statefulSet !== undefined && { statefulSet }),
    };
  });
  const budgets = [
    ...new Map(pods.flatMap((each) => each.budgets.map((budget) => [keyOf(budget), budget] as const))).values(),
  ];
  return {
    nodeName,
    node: node === undefined ? { is: 'absent' } : { is: 'present', object: node },
    report,
    pods,
    marked: view.markedBy(nodeName),
    unready:
      report.is === 'valid' ? unreadyOf(report.report.workloads ?? [], view, Date.parse(report.report.started)) : [],
    budgets:
      mayJudge && node !== undefined
        ? budgetSurroundings(node, budgets, neighbours, view, failureDomainLabels)
        : new Map(),
    ...(mayJudge && node !== undefined && { placeElsewhere: placeElsewhereOf(node, neighbours, view) }),
    draining: () => neighbours.filter(({ phase }) => phase === 'Draining').flatMap((each) => drainingNode(each, view)),
    unschedulable: new Map(
      mayJudge
        ? []
        : budgets.flatMap((budget) => {
            const waiting = view
              .unreadyIn(budget.metadata.namespace ?? '')
              .find((pod) => isUnschedulable(pod) && selects(budget, pod) && !view.isPinned(pod, nodeName));
            return waiting === undefined ? [] : [[keyOf(budget), keyOf(waiting)] as const];
          }),
    ),
    kept: keptOf(nodeName, report.is === 'valid' ? (report.report.recreated ?? []) : [], view, keeping),
    others: neighbours.map((each) => otherSession(each, view)),
    nodeCount: view.nodes().length,
    attempts,
    nowMs,
  };
}

/** A DaemonSet's Pod is bound to its Node by what it is; nobody needs to look at every other Node for that. */
function isPinned(pod: Pod, nodeName: string, view: View): boolean {
  return controllerOf(pod)?.kind !== 'DaemonSet' && view.isPinned(pod, nodeName);
}

function drainingNode({ nodeName }: Neighbour, view: View): readonly DrainingNode[] {
  const node = view.node(nodeName);
  if (node === undefined) return [];
  const pods = view.podsOn(nodeName).map((pod): PodFacts => {
    const namespace = view.namespaceOf(pod);
    return { pod, budgets: [], isPinned: isPinned(pod, nodeName, view), ...(namespace !== undefined && { namespace }) };
  });
  return [{ node, pods }];
}
