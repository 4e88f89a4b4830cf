/** The rules about the Pods themselves: whether they find room, are needed for a majority, and may be evicted at all. */
import { controllerOf, isDeleting, isReady, keyOf } from '../../core/meta.ts';
import type { Pod } from '../../core/objects.ts';
import { hasSyncFailed, isExempt, isObserved } from '../model/budgets.ts';
import { finalFailureOf, remedyOf } from '../model/jobs.ts';
import { doNotEvictMark, isRecreated, type RelatedPod, type StatefulSetFacts } from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import type { TmmSettings } from '../settings.ts';
import { waitForRoom } from './queue.ts';
import { type Rule, refusal } from './rule.ts';

/** Row 1: no Pod is related to the maintenance. */
export const nothingRelated: Rule = ({ related }) =>
  related.length === 0 ? { is: 'proceed', because: 'no related Pod' } : undefined;

/**
 * Row 3: the Pods that have to move do not all fit together on other Nodes, by the scheduler's own rules. Which Pod is left over depends on
 * the order of placing, and it may be one of another Node that is being drained. If it is not certain that every order of placing fails,
 * the Node waits for room, and proceeds at the end of the timeout. It also waits (row 2) for room that our own maintenance is about to give
 * back. With `tmm.noRoom: proceed` the scheduler decides, and row D2 judges at the deadline.
 */
export const noRoom: Rule = ({ related, observed, settings, isFirst = false }) => {
  if (observed.room === undefined || settings.noRoom === 'proceed') return undefined;
  const { unplaced, isCertain, besides } = observed.room;
  const waiting = unplaced.length > 0 ? waitForRoom(observed) : undefined;
  if (waiting !== undefined) return isFirst ? undefined : { is: 'queue', ...waiting };
  const names =
    besides.length > 3 ? `${besides.slice(0, 3).join(', ')} and ${besides.length - 3} more` : besides.join(', ');
  const others = besides.length === 0 ? '' : ` and with those of Nodes that are being drained (${names})`;
  const isOwn = (key: string): boolean => related.some(({ pod }) => keyOf(pod) === key);
  const [first] = related;
  const own = unplaced.filter(({ pod }) => isOwn(pod));
  const [stranger] = unplaced;
  const blocking =
    own.length > 0 || first === undefined || stranger === undefined ? own : [{ ...stranger, pod: keyOf(first.pod) }];
  const verdict = refusal(
    isCertain ? 'never' : 'later',
    'NotEnoughResources',
    blocking.map(({ pod, why }) => ({
      pod,
      cause: 'NoRoom' as const,
      detail: isCertain
        ? `It does not fit elsewhere together with the others${others}: ${why}`
        : `No way was found to place it elsewhere together with the others${others}, though there may be one: ${why}`,
      remedy: isCertain
        ? 'Add room on other Nodes, then taint again'
        : 'Add room on other Nodes; otherwise the scheduler is left to find a way',
    })),
  );
  return verdict?.is === 'later' ? { ...verdict, otherwise: 'proceed' } : verdict;
};

/**
 * Row 6: without a budget only this rule protects the members of a StatefulSet: of three or more, a majority stays ready. Members on other
 * Nodes that are being drained count as gone.
 */
export const quorumLost: Rule = ({ related, settings }) => {
  if (settings.quorum === 'off') return undefined;
  let mayRecover = true;
  const members = related.filter(({ statefulSet }) => statefulSet !== undefined && statefulSet.replicas >= 3);
  const blockedBy = members.flatMap(({ pod, statefulSet }): Blocked[] => {
    if (statefulSet === undefined) return [];
    const leaving = leavingOf(statefulSet, members);
    const { key, replicas, ready, promisedElsewhere } = statefulSet;
    const stay = ready - leaving - promisedElsewhere;
    if (stay >= majorityOf(replicas)) return [];
    // Members that leave other Nodes will be ready again elsewhere.
    mayRecover &&= replicas - leaving >= majorityOf(replicas);
    return [
      {
        pod: keyOf(pod),
        cause: 'QuorumAtRisk',
        detail: `StatefulSet ${key} has no PodDisruptionBudget, and ${Math.max(0, stay)} of ${replicas} members would stay ready; a majority is ${majorityOf(replicas)}`,
        remedy: 'Repair or add members on other Nodes, or write a PodDisruptionBudget that says what is allowed',
      },
    ];
  });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/** Counts ready members that the maintenance takes away; a terminating one counts as missing already. */
function leavingOf({ key }: StatefulSetFacts, members: readonly RelatedPod[]): number {
  return members.filter(({ pod, statefulSet }) => statefulSet?.key === key && isReady(pod) && !isDeleting(pod)).length;
}

/**
 * Row 2 without a budget: a majority is lost only because of members that other Nodes' maintenance has taken away, or is about to. They
 * come back with those Nodes.
 *
 * @returns the StatefulSet and the arithmetic, for people; undefined if there is none.
 */
export function majorityAwaited(related: readonly RelatedPod[], { quorum }: TmmSettings): string | undefined {
  if (quorum === 'off') return undefined;
  for (const { statefulSet } of related) {
    if (statefulSet === undefined || statefulSet.replicas < 3) continue;
    const { key, replicas, ready, promisedElsewhere, missingByMaintenance } = statefulSet;
    const stay = ready - leavingOf(statefulSet, related) - promisedElsewhere;
    const majority = majorityOf(replicas);
    if (stay >= majority || stay + promisedElsewhere + missingByMaintenance < majority) continue;
    return `StatefulSet ${key} has no PodDisruptionBudget, and ${Math.max(0, stay)} of ${replicas} members would stay ready; a majority is ${majority}`;
  }
  return undefined;
}

/** The least number of members that is more than half of them. */
export function majorityOf(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/**
 * Row 8: Pods that the Eviction API refuses, that would be lost permanently, or whose eviction is forbidden. One entry per Pod, in this
 * order. A mark that expires within `tmm.admissionTimeout` is waited for, if nothing else is in the way.
 */
export const unevictable: Rule = ({ related, settings, observed: { report, nowMs }, ownPod }) => {
  const refused = related
    .filter(({ pod }) => !isDeleting(pod))
    .flatMap((facts) => {
      const blocked = unevictableBy(facts, settings, nowMs, ownPod);
      return blocked === undefined ? [] : [{ blocked, endsAtMs: freeFromMs(facts.pod, blocked, nowMs) }];
    });
  const current = report.is === 'valid' && report.report.phase === 'Checking' ? Date.parse(report.report.since) : nowMs;
  const ends = refused.flatMap(({ endsAtMs }) => endsAtMs ?? []);
  const isPassing = ends.length === refused.length && Math.max(...ends) <= current + settings.admissionTimeoutMs;
  const verdict = refusal(
    isPassing ? 'later' : 'never',
    'GenericFailure',
    refused.map(({ blocked }) => blocked),
  );
  return verdict?.is === 'later' ? { ...verdict, nextAtMs: Math.min(...ends) } : verdict;
};

/** @returns when the passing of time alone removes the obstacle to the eviction. */
export function freeFromMs(pod: Pod, { cause }: Blocked, nowMs: number): number | undefined {
  return cause === 'DoNotEvict' ? doNotEvictMark(pod, nowMs)?.endsAtMs : undefined;
}

/** Why a Pod must not be evicted, whatever its budget allows (row 8); undefined if no rule forbids it. */
export function unevictableBy(
  { pod, budgets, fate, job }: RelatedPod,
  settings: TmmSettings,
  nowMs: number,
  ownPod?: string,
): Blocked | undefined {
  const blocked = (cause: Blocked['cause'], detail: string, remedy: string): Blocked => ({
    pod: keyOf(pod),
    cause,
    detail,
    remedy,
  });
  if (budgets.length > 1 && pod.status.phase !== 'Pending') {
    const names = budgets.map((budget) => keyOf(budget)).join(', ');
    return blocked(
      'MultipleBudgets',
      `More than one PodDisruptionBudget selects it: ${names}`,
      'Leave one budget, then taint again',
    );
  }
  const failed = budgets.find((budget) => isObserved(budget) && hasSyncFailed(budget) && !isExempt(pod, budget));
  if (failed !== undefined) {
    return blocked(
      'BudgetSyncFailed',
      `The disruption controller cannot judge PodDisruptionBudget ${keyOf(failed)}`,
      `See the budget's condition DisruptionAllowed: kubectl -n ${failed.metadata.namespace} describe pdb ${failed.metadata.name}`,
    );
  }
  // We could store our own Pod, but nothing would restore it.
  const isLost = !isRecreated(pod, settings) || keyOf(pod) === ownPod;
  if (controllerOf(pod) === undefined && isLost && !fate.waitsForCompletion) {
    return blocked(
      'NoController',
      'No controller would create it again',
      'Delete the Pod yourself or give it a controller, then taint again',
    );
  }
  const final = settings.finalJobs === 'reject' && !fate.waitsForCompletion ? finalFailureOf(job) : undefined;
  if (final !== undefined) return blocked('JobWouldFail', final.detail, `${remedyOf(final)}; then taint again`);
  const mark = settings.honourDoNotEvict ? doNotEvictMark(pod, nowMs) : undefined;
  if (mark !== undefined) {
    const ends = mark.endsAtMs === undefined ? '' : `, until ${new Date(mark.endsAtMs).toISOString()}`;
    return blocked('DoNotEvict', `It is marked ${mark.mark}${ends}`, 'Remove the mark, then taint again');
  }
  if (settings.emptyDir === 'reject' && (pod.spec.volumes ?? []).some((volume) => volume.emptyDir !== undefined)) {
    return blocked(
      'EmptyDir',
      'It has an emptyDir volume, whose data would be lost',
      'Move the data or set tmm.emptyDir: evict',
    );
  }
  if (fate.toleratesTaint && settings.toleratingPods === 'reject') {
    return blocked(
      'ToleratesTaint',
      'It tolerates the maintenance taint and would come back',
      'Remove the toleration, then taint again',
    );
  }
  return undefined;
}
