/**
 * The verdict on a Node before its first eviction: all or nothing. The rules are asked in their order and the first that
 * has something to say wins; rows are those of the design's table. A verdict of `later` is possible only where a
 * missing member may become ready again, or where the disruption controller has yet to speak.
 */
import { controllerOf, isDeleting, isReady, keyOf } from '../core/meta.ts';
import type { PodDisruptionBudget } from '../core/objects.ts';
import { describeBudget, hasSyncFailed, isExempt, isObserved, mostEverAllowed, numbersOf } from './budgets.ts';
import type { FailureReason } from './names.ts';
import { doNotEvictMark, type RelatedPod } from './pods.ts';
import type { Blocked } from './report.ts';
import type { TmmSettings } from './settings.ts';

export type Verdict =
  | { readonly is: 'proceed'; readonly because: string }
  | {
      readonly is: 'later' | 'never';
      readonly reason: FailureReason;
      readonly message: string;
      readonly blockedBy: readonly Blocked[];
    };

export interface VerdictInput {
  readonly related: readonly RelatedPod[];
  readonly settings: TmmSettings;
  readonly nowMs: number;
}

/** A budget with the related Pods of this Node that it selects. */
interface BudgetHere {
  readonly budget: PodDisruptionBudget;
  readonly pods: readonly RelatedPod[];
  /** Those whose eviction the budget counts. */
  readonly counted: readonly RelatedPod[];
}

type Rule = (input: VerdictInput) => Verdict | undefined;

/** Groups the related Pods by the budgets that select them, ordered by the budget's key. */
function budgetsHere(related: readonly RelatedPod[]): readonly BudgetHere[] {
  const byKey = new Map<string, { budget: PodDisruptionBudget; pods: RelatedPod[] }>();
  for (const facts of related) {
    for (const budget of facts.budgets) {
      const entry = byKey.get(keyOf(budget)) ?? { budget, pods: [] };
      entry.pods.push(facts);
      byKey.set(keyOf(budget), entry);
    }
  }
  return [...byKey.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { budget, pods }]) => ({ budget, pods, counted: pods.filter(({ pod }) => !isExempt(pod, budget)) }));
}

const judged = ({ budget, counted }: BudgetHere): boolean =>
  counted.length > 0 && isObserved(budget) && !hasSyncFailed(budget);

/** Row 1. */
const nothingRelated: Rule = ({ related }) =>
  related.length === 0 ? { is: 'proceed', because: 'no related Pod' } : undefined;

/** Before any budget can be judged: a budget that was just created or changed is counted within moments. */
const budgetNotObserved: Rule = ({ related }) => {
  const waiting = budgetsHere(related).filter(({ budget, counted }) => counted.length > 0 && !isObserved(budget));
  return refusal(
    'later',
    'GenericFailure',
    waiting.flatMap(({ budget, counted }) =>
      counted.map(({ pod }) => ({
        pod: keyOf(pod),
        cause: 'BudgetNotObserved' as const,
        detail: `The disruption controller has not yet judged PodDisruptionBudget ${keyOf(budget)}`,
        remedy: 'Wait; if it lasts, look at kube-controller-manager',
      })),
    ),
  );
};

/**
 * Row 5: the budget allows fewer disruptions than the ready Pods that it has pinned here (they cannot be ready elsewhere
 * before the next one must go), or it is short because of failures elsewhere. It may recover as long as Pods are missing
 * and the budget would suffice with all of them healthy.
 */
const budgetShort: Rule = ({ related }) => {
  let mayRecover = true;
  const blockedBy = budgetsHere(related)
    .filter(judged)
    .flatMap(({ budget, pods, counted }): Blocked[] => {
      const numbers = numbersOf(budget);
      const pinned = counted.filter((facts) => facts.isPinned && isReady(facts.pod) && !facts.fate.isSelfMoving).length;
      const missing = Math.max(0, numbers.expected - numbers.healthy);
      const missingHere = pods.filter(({ pod }) => !isReady(pod) || isDeleting(pod)).length;
      const failsElsewhere = numbers.allowed < 1 && missing > missingHere;
      const isTooSmall = pinned > numbers.allowed;
      if (!failsElsewhere && !isTooSmall) return [];
      mayRecover &&= missing > 0 && mostEverAllowed(numbers) >= Math.max(1, pinned);
      return counted.map(({ pod }) => ({
        pod: keyOf(pod),
        cause: failsElsewhere ? 'BudgetExhausted' : 'BudgetTooSmallForPinnedPods',
        detail: isTooSmall
          ? `${describeBudget(budget)}; ${pinned} ready Pods of it can run on this Node only`
          : describeBudget(budget),
        remedy: failsElsewhere
          ? 'Repair the Pods that are not healthy on other Nodes, then taint again'
          : 'Add members on other Nodes or widen the budget, then taint again',
      }));
    });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/** Row 7: the budget can never allow a disruption, and nobody is known to open it or to move the Pod. */
const budgetImpossible: Rule = ({ related }) =>
  refusal(
    'never',
    'TooManyExistingFailures',
    budgetsHere(related)
      .filter(
        (here) => judged(here) && numbersOf(here.budget).expected > 0 && mostEverAllowed(numbersOf(here.budget)) === 0,
      )
      .flatMap(({ budget, counted }) =>
        counted
          .filter(({ fate }) => !fate.isSelfMoving)
          .map(({ pod }) => ({
            pod: keyOf(pod),
            cause: 'BudgetImpossible' as const,
            detail: `${describeBudget(budget)}: it can never allow one`,
            remedy: 'Raise the replicas or widen the budget, then taint again',
          })),
      ),
  );

/** Row 8: what the Eviction API refuses, what would be lost for good, and what somebody forbade. One entry a Pod, in this order. */
const unevictable: Rule = ({ related, settings, nowMs }) =>
  refusal(
    'never',
    'GenericFailure',
    related.filter(({ pod }) => !isDeleting(pod)).flatMap((facts) => unevictableBy(facts, settings, nowMs) ?? []),
  );

/** Why one Pod must not be evicted whatever its budget allows (row 8); undefined where nothing speaks against it. */
export function unevictableBy(
  { pod, budgets, fate }: RelatedPod,
  settings: TmmSettings,
  nowMs: number,
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
  if (controllerOf(pod) === undefined && settings.unmanagedPods === 'reject' && !fate.waitsForCompletion) {
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

/**
 * In the order of the table. Not judged in this release, so that the API server's own answer decides while draining: slots
 * and the queue (row 2), whether the Pods fit elsewhere (row 3: until then replacements that stay unschedulable end the
 * drain at its deadline), failure domains beyond the Node itself (row 4: members missing here are never held against it,
 * see `budgetShort`), and quorum without a budget (row 6). Row 9, a pinned Pod whose budget allows its absence,
 * is what remains when no rule speaks: proceed.
 */
const RULES: readonly Rule[] = [nothingRelated, budgetNotObserved, budgetShort, budgetImpossible, unevictable];

/** Judges all related Pods of one Node together. */
export function judge(input: VerdictInput): Verdict {
  for (const rule of RULES) {
    const verdict = rule(input);
    if (verdict !== undefined) return verdict;
  }
  return { is: 'proceed', because: 'every related Pod may leave' };
}

/** @returns undefined where nothing blocks. The message is the first blocker's, as the one that a person should look at first. */
function refusal(is: 'later' | 'never', reason: FailureReason, blockedBy: readonly Blocked[]): Verdict | undefined {
  const [first] = blockedBy;
  if (first === undefined) return undefined;
  const others = blockedBy.length > 1 ? ` (and ${blockedBy.length - 1} more Pods)` : '';
  return { is, reason, message: `Pod ${first.pod}: ${first.detail}${others}`, blockedBy };
}
