/** Reads from the caches everything that one pass over a Node needs. If any part is unknown, the whole observation is unknown. */

import { keyOf } from '../../core/meta.ts';
import type { Node, PodDisruptionBudget } from '../../core/objects.ts';
import type { Hold } from '../../core/other-tools.ts';
import type { EvictionAttempt, KeepingAttempt, Known, ProbeAnswer } from '../../core/ports.ts';
import { finish, type Steps } from '../../core/scheduling/steps.ts';
import type { Neighbour, Observed, Room } from '../model/observed.ts';
import { type PodFacts, relatedPods } from '../model/related-pods.ts';
import { type ReportSeen, reportOf, sessionOf } from '../model/report.ts';
import { isBefore, type Reservation } from '../model/slots.ts';
import type { AskingTaint, RequestSource } from '../model/taints.ts';
import { describeMissing, missingFrom } from '../model/workloads.ts';
import { questionOf } from '../rules/rule.ts';
import { asksForRoom, isQueuedAnyway } from '../rules/verdict.ts';
import type { TmmSettings } from '../settings.ts';
import { ClusterView, isUnschedulable } from './cluster-view.ts';
import { jobsOf } from './jobs.ts';
import { type CountMembers, memberCounter } from './members.ts';
import { budgetSurroundings, missingByMaintenance, neighboursOf, othersOf, statefulSetFacts } from './neighbours.ts';
import { awayOf } from './placement.ts';
import { type TmmReaders, UnknownYet } from './readers.ts';
import { roomFor, roomQuestion } from './room.ts';
import { keptOf } from './stored-pods.ts';

export interface Moment {
  readonly attempts: ReadonlyMap<string, EvictionAttempt>;
  /** Admission's answers about evictions; absent if admission is not asked. */
  readonly probed?: ReadonlyMap<string, ProbeAnswer>;
  /** Attempts to store and to restore Pods; absent if nothing is stored. */
  readonly keeping?: ReadonlyMap<string, KeepingAttempt>;
  readonly reservations: ReadonlyMap<string, Reservation>;
  readonly settings: TmmSettings;
  readonly source: RequestSource;
  /** Searches for room even if the Node is not asked to go, or has to wait for others first: for a plan. */
  readonly foresees?: boolean;
  /** The request was withdrawn and repeated since the last pass. */
  readonly isRepeated?: boolean;
  /** The result of a search for room since the last look. */
  readonly found?: FoundRoom;
  readonly nowMs: number;
}

/** The result of one observation of the caches. */
export interface Look {
  readonly observed: Observed;
  /** Set if the verdict depends on room elsewhere and `Moment.found` does not answer the question. */
  readonly search?: RoomSearch;
}

/** A search for room, which takes time that grows with the cluster: run it in steps, so that other work proceeds in between. */
export interface RoomSearch {
  /** Equal while the same Pods look for room. */
  readonly key: string;
  /** Returns undefined if a cache is not available any more. */
  readonly steps: () => Steps<FoundRoom | undefined>;
}

export interface FoundRoom {
  readonly key: string;
  readonly room: Room;
}

/**
 * Looks at the caches without searching for room. After a search, call it again with `Moment.found`: a search takes time, and all other
 * facts must be of the moment of the decision.
 */
export function look(readers: TmmReaders, nodeName: string, moment: Moment): Known<Look> {
  return known(() => lookKnown(new ClusterView(readers), nodeName, moment));
}

/** Looks at the caches, and searches for room without a pause. */
export function observe(readers: TmmReaders, nodeName: string, moment: Moment): Known<Observed> {
  const seen = look(readers, nodeName, moment);
  if (seen.is === 'unknown') return seen;
  const { observed, search } = seen.value;
  if (search === undefined) return { is: 'known', value: observed };
  const found = finish(search.steps());
  return found === undefined ? { is: 'unknown' } : { is: 'known', value: { ...observed, room: found.room } };
}

function known<T>(ask: () => T): Known<T> {
  try {
    return { is: 'known', value: ask() };
  } catch (error) {
    if (error instanceof UnknownYet) return { is: 'unknown' };
    throw error;
  }
}

function lookKnown(view: ClusterView, nodeName: string, moment: Moment): Look {
  const node = view.node(nodeName);
  const asked = node && moment.source(node);
  const seen: ReportSeen = node === undefined ? { is: 'none' } : reportOf(node);
  const report = asked !== undefined && moment.isRepeated === true ? endedOf(seen) : seen;
  const session = sessionOf(report);
  const mayJudge = session === undefined || session.phase === 'Checking' || session.phase === 'Queued';
  const neighbours = neighboursOf(nodeName, view, moment.reservations);
  const part: Part = { view, nodeName, asked, report, mayJudge, neighbours, count: memberCounter(view), moment };
  const outline = outlineOf(part, node);
  // The facts for a verdict are not collected for a Node whose turn has not come.
  if (moment.foresees !== true && asked !== undefined && mayJudge && mustWait(outline, moment))
    return { observed: outline };
  const observed = withVerdictFacts(outline, part, node);
  const search = node !== undefined && mayJudge ? searchOf(observed, node, neighbours, view, moment) : undefined;
  if (search === undefined) return { observed };
  return search.key === moment.found?.key
    ? { observed: { ...observed, room: moment.found.room } }
    : { observed, search };
}

/** What the parts of one look share. */
interface Part {
  readonly view: ClusterView;
  readonly nodeName: string;
  readonly asked: AskingTaint | undefined;
  readonly report: ReportSeen;
  /** A verdict may be formed: the session has not passed that point. */
  readonly mayJudge: boolean;
  readonly neighbours: readonly Neighbour[];
  readonly count: CountMembers;
  readonly moment: Moment;
}

/** Collects everything except the facts that only a verdict or a drain needs. */
function outlineOf(
  { view, nodeName, asked, report, mayJudge, neighbours, count, moment }: Part,
  node: Node | undefined,
): Observed {
  const { attempts, probed, keeping = new Map(), settings, nowMs } = moment;
  const holds = mayJudge && settings.honourOtherTools ? holdsSeenFrom(nodeName, view, nowMs) : [];
  const here = view.podsOn(nodeName);
  const jobFacts = jobsOf(here, neighbours, view);
  const pods = here.map((pod): PodFacts => {
    const namespace = view.namespaceOf(pod);
    const workload = view.workloadOf(pod);
    const job = jobFacts(pod);
    return {
      pod,
      budgets: [],
      isPinned: false,
      ...(workload !== undefined && { workload }),
      ...(namespace !== undefined && { namespace }),
      ...(job !== undefined && { job }),
    };
  });
  const displaced = (report.is === 'valid' && report.report.workloads) || [];
  const leaving =
    mayJudge && asked !== undefined
      ? relatedPods(pods, asked, settings, nowMs).flatMap(({ workload }) => workload ?? [])
      : [];
  const uids = new Set(leaving.map(({ uid }) => uid));
  // Pods that only this Node can run stay away with it.
  const unsettledHere = mayJudge
    ? missingFrom(displaced, (each) => count(each, nodeName), true).filter(({ workload }) => uids.has(workload.uid))
    : [];
  return {
    nodeName,
    node: node === undefined ? { is: 'absent' } : { is: 'present', object: node },
    ...(asked !== undefined && { asked }),
    report,
    pods,
    marked: view.markedBy(nodeName),
    members: Object.fromEntries([...displaced, ...leaving].map((each) => [each.uid, count(each, nodeName)])),
    budgets: {},
    unschedulable: {},
    kept: keptOf(nodeName, report.is === 'valid' ? (report.report.recreated ?? []) : [], view, keeping),
    others: mayJudge ? othersOf(neighbours, uids, count, view) : [],
    ...(holds.length > 0 && { holds }),
    ...(unsettledHere.length > 0 && { unsettledHere: describeMissing(unsettledHere) }),
    nodeCount: view.nodes().length,
    attempts: Object.fromEntries(attempts),
    ...(probed !== undefined && { probed: Object.fromEntries(probed) }),
    nowMs,
  };
}

/** Whether other Nodes' maintenance, or other tools, settle the verdict whatever the Pods' budgets allow. */
function mustWait(outline: Observed, { settings, nowMs }: Moment): boolean {
  const { asked, pods } = outline;
  const related = asked === undefined ? [] : relatedPods(pods, asked, settings, nowMs);
  return isQueuedAnyway(questionOf(outline, related, settings));
}

/** Adds the facts about budgets, quorum and pinned Pods and, while Pods are evicted, about replacements that find no room. */
function withVerdictFacts(
  outline: Observed,
  { view, nodeName, report, mayJudge, neighbours, count, moment }: Part,
  node: Node | undefined,
): Observed {
  const { settings } = moment;
  const askedBefore = (other: Neighbour): boolean =>
    report.is === 'valid' && isBefore(other, { started: report.report.started, nodeName });
  const explained = mayJudge ? missingByMaintenance(neighbours, count) : new Map();
  const pods = outline.pods.map((facts): PodFacts => {
    const { pod, workload } = facts;
    const budgets = view.budgetsOf(pod);
    const set = budgets.length > 0 ? undefined : view.statefulSetOf(pod);
    return {
      ...facts,
      budgets,
      isPinned: mayJudge && view.isPinnedHere(pod, nodeName),
      ...(set !== undefined &&
        workload !== undefined && {
          statefulSet: statefulSetFacts(set, count(workload, nodeName), neighbours, explained, askedBefore, view),
        }),
    };
  });
  const budgets = [
    ...new Map(pods.flatMap((each) => each.budgets.map((budget) => [keyOf(budget), budget] as const))).values(),
  ];
  return {
    ...outline,
    pods,
    budgets:
      mayJudge && node !== undefined
        ? budgetSurroundings(node, budgets, neighbours, explained, view, settings.failureDomainLabels)
        : {},
    unschedulable: mayJudge ? {} : unschedulableOf(budgets, nodeName, view),
  };
}

/** For each budget, the first member by key that the scheduler finds no place for, though it could run elsewhere. */
function unschedulableOf(
  budgets: readonly PodDisruptionBudget[],
  nodeName: string,
  view: ClusterView,
): Observed['unschedulable'] {
  return Object.fromEntries(
    budgets.flatMap((budget) => {
      let first: string | undefined;
      for (const pod of view.unreadyOf(budget)) {
        const key = keyOf(pod);
        if (first !== undefined && first < key) continue;
        if (isUnschedulable(pod) && !view.isPinned(pod, nodeName)) first = key;
      }
      return first === undefined ? [] : [[keyOf(budget), first] as const];
    }),
  );
}

/** Orders the holds on this Node first: they are judged first. */
function holdsSeenFrom(nodeName: string, view: ClusterView, nowMs: number): readonly Hold[] {
  const holds = view.holds(nowMs);
  const isHere = (hold: Hold): boolean => hold.nodeName === nodeName;
  return [...holds.filter(isHere), ...holds.filter((hold) => !isHere(hold))];
}

/** A session whose request has gone counts as ended, though no pass has written so yet: a request seen now is a new one. */
function endedOf(seen: ReportSeen): ReportSeen {
  return seen.is === 'valid' ? { is: 'valid', report: { ...seen.report, phase: 'Exiting' } } : seen;
}

/** Searches for room only if the verdict depends on it. */
function searchOf(
  observed: Observed,
  node: Node,
  neighbours: readonly Neighbour[],
  view: ClusterView,
  { settings, source, foresees = false }: Moment,
): RoomSearch | undefined {
  if (observed.asked === undefined) return undefined;
  const related = relatedPods(observed.pods, observed.asked, settings, observed.nowMs);
  if (!foresees && !asksForRoom(questionOf(observed, related, settings))) return undefined;
  const away = awayOf(neighbours, observed.holds);
  const question = roomQuestion(node, related, neighbours, away, view, source, settings, observed.nowMs);
  if (question === undefined) return undefined;
  const { key } = question;
  return {
    key,
    steps: function* () {
      try {
        return { key, room: yield* roomFor(question, view) };
      } catch (error) {
        if (error instanceof UnknownYet) return undefined;
        throw error;
      }
    },
  };
}
