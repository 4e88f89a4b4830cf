/** The rules about PodDisruptionBudgets, and about other Nodes that explain what a budget misses. */
import { isReady, keyOf } from '../core/meta.ts';
import type { PodDisruptionBudget } from '../core/objects.ts';
import { describeBudget, hasSyncFailed, isExempt, isObserved, mostEverAllowed, numbersOf } from './budgets.ts';
import type { BudgetSurroundings, Observed } from './observed.ts';
import type { RelatedPod } from './pods.ts';
import { waitForOthers } from './queue.ts';
import type { Blocked } from './report.ts';
import { type Rule, refusal } from './rule.ts';

/** A budget with the related Pods of this Node that it selects. */
interface BudgetHere {
  readonly budget: PodDisruptionBudget;
  readonly pods: readonly RelatedPod[];
  /** Those whose eviction the budget counts. */
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

/**
 * Row 2: slots are used up, or everything that is missing is missing because of our own maintenance of other Nodes, and
 * comes back with them.
 */
export const othersFirst: Rule = ({ related, settings, observed, started, holdsSlot }) => {
  if (holdsSlot) return undefined;
  const waiting = waitForOthers(observed, started, settings);
  if (waiting !== undefined) return { is: 'queue', ...waiting };
  const explained = budgetsHere(related)
    .filter(judged)
    .find(({ budget }) => {
      const { missingInDomain, missingByMaintenance } = surroundingsOf(budget, observed);
      const { allowed, expected, healthy } = numbersOf(budget);
      const missingElsewhere = expected - healthy - missingInDomain;
      return allowed < 1 && missingElsewhere > 0 && missingByMaintenance >= missingElsewhere;
    });
  if (explained === undefined) return undefined;
  return {
    is: 'queue',
    message: `Waiting for other Nodes' maintenance, which explains what is missing: ${describeBudget(explained.budget)}`,
  };
};

/** Before any budget can be judged: a budget that was just created or changed is counted within moments. */
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

/**
 * Row 5: the budget allows fewer disruptions than the ready Pods that it has pinned here (they cannot be ready elsewhere
 * before the next one must go), those of other Nodes that are being drained included, or it is short because of failures
 * elsewhere. What is missing on this Node or in its failure domain is not held against it (row 4, the repair case). It may
 * recover as long as Pods are missing and the budget would suffice with all of them healthy.
 */
export const budgetShort: Rule = ({ related, observed }) => {
  let mayRecover = true;
  const blockedBy = budgetsHere(related)
    .filter(judged)
    .flatMap(({ budget, counted }): Blocked[] => {
      const numbers = numbersOf(budget);
      const { missingInDomain, promisedElsewhere } = surroundingsOf(budget, observed);
      const pinned = counted.filter((facts) => facts.isPinned && isReady(facts.pod) && !facts.fate.isSelfMoving).length;
      const missing = Math.max(0, numbers.expected - numbers.healthy);
      const failsElsewhere = numbers.allowed < 1 && missing > missingInDomain;
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
          ? 'Repair the Pods that are not healthy on other Nodes, then taint again'
          : 'Add members on other Nodes or widen the budget, then taint again',
      }));
    });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/** Row 7: the budget can never allow a disruption, and nobody is known to open it or to move the Pod. */
export const budgetImpossible: Rule = ({ related }) =>
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

const NOTHING_AROUND: BudgetSurroundings = { missingInDomain: 0, missingByMaintenance: 0, promisedElsewhere: 0 };

function surroundingsOf(budget: PodDisruptionBudget, { budgets }: Observed): BudgetSurroundings {
  return budgets.get(keyOf(budget)) ?? NOTHING_AROUND;
}
