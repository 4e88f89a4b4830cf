/** The rules about the Pods themselves: whether they find room, hold a majority, and may be evicted at all. */
import { controllerOf, isDeleting, isReady, keyOf } from '../core/meta.ts';
import { hasSyncFailed, isExempt, isObserved } from './budgets.ts';
import { fitOf } from './fit.ts';
import { doNotEvictMark, type RelatedPod } from './pods.ts';
import { isRecreated } from './recreating.ts';
import type { Blocked } from './report.ts';
import { type Rule, refusal } from './rule.ts';
import type { TmmSettings } from './settings.ts';

/** Row 1. */
export const nothingRelated: Rule = ({ related }) =>
  related.length === 0 ? { is: 'proceed', because: 'no related Pod' } : undefined;

/**
 * Row 3: the Pods that have to move do not all fit together on other Nodes, by the scheduler's own rules. Which of them is left
 * over is a matter of the order of placing, and may be one of another Node that is being drained.
 */
export const noRoom: Rule = ({ related, observed, settings }) => {
  const { unplaced, besides } = fitOf(observed, related, settings) ?? { unplaced: [], besides: [] };
  const names =
    besides.length > 3 ? `${besides.slice(0, 3).join(', ')} and ${besides.length - 3} more` : besides.join(', ');
  const others = besides.length === 0 ? '' : ` and with those of Nodes that are being drained (${names})`;
  const isOwn = (key: string): boolean => related.some(({ pod }) => keyOf(pod) === key);
  const [first] = related;
  const own = unplaced.filter(({ pod }) => isOwn(pod));
  const [stranger] = unplaced;
  const blocking =
    own.length > 0 || first === undefined || stranger === undefined ? own : [{ ...stranger, pod: keyOf(first.pod) }];
  return refusal(
    'never',
    'NotEnoughResources',
    blocking.map(({ pod, why }) => ({
      pod,
      cause: 'NoRoom' as const,
      detail: `It does not fit elsewhere together with the others${others}: ${why}`,
      remedy: 'Add room on other Nodes, then taint again',
    })),
  );
};

/**
 * Row 6: without a budget nothing but this holds the members of a StatefulSet together: of three or more, a majority stays
 * ready. Those of other Nodes that are being drained count as gone.
 */
export const quorumLost: Rule = ({ related, settings }) => {
  if (settings.quorum === 'off') return undefined;
  let mayRecover = true;
  const members = related.filter(({ statefulSet }) => statefulSet !== undefined && statefulSet.replicas >= 3);
  const blockedBy = members.flatMap(({ pod, statefulSet }): Blocked[] => {
    if (statefulSet === undefined) return [];
    const leaving = members.filter((other) => other.statefulSet?.key === statefulSet.key && isReady(other.pod)).length;
    const { key, replicas, ready, promisedElsewhere } = statefulSet;
    const stay = ready - leaving - promisedElsewhere;
    if (stay >= majorityOf(replicas)) return [];
    // Those that leave other Nodes will be ready again elsewhere.
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

/** The least number of members that is more than half of them. */
export function majorityOf(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** Row 8: what the Eviction API refuses, what would be lost for good, and what somebody forbade. One entry a Pod, in this order. */
export const unevictable: Rule = ({ related, settings, observed: { nowMs }, ownPod }) =>
  refusal(
    'never',
    'GenericFailure',
    related
      .filter(({ pod }) => !isDeleting(pod))
      .flatMap((facts) => unevictableBy(facts, settings, nowMs, ownPod) ?? []),
  );

/** Why one Pod must not be evicted whatever its budget allows (row 8); undefined where nothing speaks against it. */
export function unevictableBy(
  { pod, budgets, fate }: RelatedPod,
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
  // We could store ourselves, but would not be there to bring us back.
  const isLost = !isRecreated(pod, settings) || keyOf(pod) === ownPod;
  if (controllerOf(pod) === undefined && isLost && !fate.waitsForCompletion) {
    return blocked(
      'NoController',
      'No controller would create it again',
      'Delete the Pod yourself or give it a controller, then taint again',
    );
  }
  const mark = settings.honourDoNotEvict ? doNotEvictMark(pod, nowMs) : undefined;
  if (mark !== undefined) return blocked('DoNotEvict', `It is marked ${mark}`, 'Remove the mark, then taint again');
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
