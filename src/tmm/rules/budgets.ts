/** The rules about PodDisruptionBudgets, and about other Nodes that explain why members of a budget are missing. */

import { isReady, keyOf } from '../../core/meta.ts';
import type { PodDisruptionBudget } from '../../core/objects.ts';
import {
  describeBudget,
  hasSyncFailed,
  isExempt,
  isObserved,
  mostEverAllowed,
  numbersOf,
  uncountedEvictions,
} from '../model/budgets.ts';
import type { BudgetSurroundings, Observed } from '../model/observed.ts';
import type { RelatedPod } from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import { majorityAwaited } from './pods.ts';
import { waitForOthers, waitForOtherTool } from './queue.ts';
import { type Rule, refusal } from './rule.ts';

/** A budget with the related Pods of this Node that it selects. */
interface BudgetHere {
  readonly budget: PodDisruptionBudget;
  readonly pods: readonly RelatedPod[];
  /** The Pods whose eviction the budget counts. */
  readonly counted: readonly RelatedPod[];
}

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

/** Before every row: maintenance is not begun on a Node that another tool holds, even if no Pod would have to leave. */
export const otherToolFirst: Rule = ({ observed, isFirst = false }) => {
  const waiting = isFirst ? undefined : waitForOtherTool(observed);
  return waiting && { is: 'queue', ...waiting };
};

/** The part of row 2 that depends on nothing but other Nodes' sessions. */
export const turnNotCome: Rule = ({ settings, observed, started, isFirst = false }) => {
  const waiting = isFirst ? undefined : waitForOthers(observed, started, settings);
  return waiting && { is: 'queue', ...waiting };
};

/**
 * Row 2: slots are used up, or our own maintenance of other Nodes explains the missing members, or soon will: they come back with those
 * Nodes. A budget or a majority that would not suffice with all of them back is judged by the rows below.
 */
export const othersFirst: Rule = (input) => {
  const { related, settings, observed, isFirst = false } = input;
  if (isFirst) return undefined;
  const waiting = turnNotCome(input);
  if (waiting !== undefined) return waiting;
  const budget = budgetsHere(related)
    .filter(judged)
    .find((here) => isExplainedByOthers(here, observed));
  const what = budget === undefined ? majorityAwaited(related, settings) : describeBudget(budget.budget);
  if (what === undefined) return undefined;
  return { is: 'queue', message: `Waiting for other Nodes' maintenance, which explains what is missing: ${what}` };
};

function isExplainedByOthers(here: BudgetHere, observed: Observed): boolean {
  const { missingInDomain, missingByMaintenance, promisedElsewhere } = surroundingsOf(here.budget, observed);
  const numbers = numbersOf(here.budget);
  const pinned = pinnedOf(here);
  const isShort = pinned > 0 ? pinned + promisedElsewhere > numbers.allowed : numbers.allowed < 1;
  if (!isShort || missingByMaintenance + promisedElsewhere === 0) return false;
  // The disruption controller may not have counted yet the Pods that we evicted: then nothing is left unexplained.
  const unexplained = Math.max(0, numbers.expected - numbers.healthy - missingInDomain - missingByMaintenance);
  return mostEverAllowed(numbers) - unexplained >= Math.max(1, pinned);
}

/** Comes before any budget is judged: the disruption controller counts a new or changed budget within moments. */
export const budgetNotObserved: Rule = ({ related }) => {
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

/** Ready Pods that cannot be ready elsewhere before the next one must go. */
function pinnedOf({ counted }: Pick<BudgetHere, 'counted'>): number {
  return counted.filter(({ pod, isPinned, fate }) => isPinned && isReady(pod) && !fate.isSelfMoving).length;
}

/**
 * Row 5: the budget allows fewer disruptions than it has ready Pods pinned to this Node (which cannot be ready elsewhere before the next
 * one must go) and to other Nodes that are being drained, or it is short because of failures elsewhere. Members that are missing on this
 * Node or in its failure domain are not held against it (row 4, the repair case) if the Eviction API lets those Pods go: otherwise only the
 * healthy neighbours of other workloads would move. The budget may recover as long as Pods are missing and it would suffice with all of
 * them healthy.
 */
export const budgetShort: Rule = ({ related, observed }) => {
  let mayRecover = true;
  const blockedBy = budgetsHere(related)
    .filter(judged)
    .flatMap(({ budget, counted }): Blocked[] => {
      const numbers = numbersOf(budget);
      const { missingInDomain, promisedElsewhere } = surroundingsOf(budget, observed);
      const pinned = pinnedOf({ counted });
      const missing = Math.max(0, numbers.expected - numbers.healthy) + uncountedEvictions(budget);
      const failsElsewhere = numbers.allowed < 1 && missing > missingInDomain;
      const isHeld = counted.some(({ pod }) => !isReady(pod));
      const isTooSmall = pinned > 0 && pinned + promisedElsewhere > numbers.allowed;
      if (!failsElsewhere && !isTooSmall) return [];
      mayRecover &&= missing > 0 && mostEverAllowed(numbers) >= Math.max(1, pinned + promisedElsewhere);
      return counted.map(({ pod }) => ({
        pod: keyOf(pod),
        cause: failsElsewhere ? 'BudgetExhausted' : 'BudgetTooSmallForPinnedPods',
        detail: isTooSmall
          ? `${describeBudget(budget)}; ${pinned} ready Pods of it can run on this Node only`
          : describeBudget(budget),
        remedy: failsElsewhere
          ? isHeld
            ? 'Repair the Pods that are not ready, or set unhealthyPodEvictionPolicy: AlwaysAllow in the budget, then taint again'
            : 'Repair the Pods that are not healthy on other Nodes, then taint again'
          : 'Add members on other Nodes or widen the budget, then taint again',
      }));
    });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/** Row 7: the budget can never allow a disruption, and no known operator opens it or moves the Pod. */
export const budgetImpossible: Rule = ({ related }) =>
  refusal(
    'never',
    'TooManyExistingFailures',
    budgetsHere(related)
      .filter((here) => judged(here) && mostEverAllowed(numbersOf(here.budget)) === 0)
      .flatMap(({ budget, counted }) =>
        counted
          .filter(({ fate }) => !fate.isSelfMoving)
          .map(({ pod }) => ({
            pod: keyOf(pod),
            cause: 'BudgetImpossible' as const,
            detail: `${describeBudget(budget)}: it can never allow one`,
            remedy:
              numbersOf(budget).expected > 0
                ? 'Raise the replicas or widen the budget, then taint again'
                : 'Give the budget a whole number as minAvailable, then taint again',
          })),
      ),
  );

const NOTHING_AROUND: BudgetSurroundings = { missingInDomain: 0, missingByMaintenance: 0, promisedElsewhere: 0 };

function surroundingsOf(budget: PodDisruptionBudget, { budgets }: Observed): BudgetSurroundings {
  return budgets[keyOf(budget)] ?? NOTHING_AROUND;
}
