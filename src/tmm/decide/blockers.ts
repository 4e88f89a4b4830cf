/** Describes, for the report, what keeps a Pod on its Node. */
import { isDeleting, keyOf } from '../../core/meta.ts';
import type { Pod, PodDisruptionBudget } from '../../core/objects.ts';
import type { EvictionAttempt } from '../../core/ports.ts';
import { clip } from '../../core/text.ts';
import { describeBudget } from '../model/budgets.ts';
import type { Blocked } from '../model/report.ts';
import type { Cause, FailureReason } from '../names.ts';

export function block(pod: Pod, cause: Cause, detail: string, remedy: string): Blocked {
  return { pod: keyOf(pod), cause, detail: clip(detail), remedy };
}

/** The entry for a Pod that nothing blocks and that has not left yet. */
export function stillThere(pod: Pod): Blocked {
  return isDeleting(pod)
    ? block(pod, 'Terminating', 'It is still terminating', 'Wait for the end of its grace period')
    : block(pod, 'EvictionFailed', 'Its eviction is still under way', 'Wait; it is tried again');
}

/** @returns undefined if the answer does not keep the Pod here. */
export function blockedByAnswer(pod: Pod, attempt: EvictionAttempt): Blocked | undefined {
  const detail = attempt.detail ?? 'The API server gave no reason';
  switch (attempt.outcome) {
    case 'Accepted':
    case 'Gone':
      return undefined;
    case 'BudgetBlocked':
      return block(pod, 'BudgetExhausted', detail, 'Wait for the budget to allow it');
    case 'BudgetPending':
      return block(pod, 'BudgetNotObserved', detail, 'Wait; if it lasts, look at kube-controller-manager');
    case 'MultipleBudgets':
      return block(pod, 'MultipleBudgets', detail, 'Leave one budget');
    case 'Denied':
      return block(
        pod,
        'EvictionDenied',
        detail,
        'Look at the webhook, the policy or the permission that the message names; nothing else of this Node is evicted before',
      );
    case 'Throttled':
      return block(pod, 'EvictionThrottled', detail, 'Wait; it is tried again');
    case 'Failed':
      return block(pod, 'EvictionFailed', detail, 'Look at the API server; it is tried again');
  }
}

/** @param unschedulable keys of the budgets that wait for a replacement which the scheduler cannot place, with the key of one such Pod. */
export function blockedByBudget(
  pod: Pod,
  budget: PodDisruptionBudget,
  unschedulable: Readonly<Record<string, string>>,
): Blocked {
  const waiting = unschedulable[keyOf(budget)];
  if (waiting !== undefined) {
    return block(
      pod,
      'Unschedulable',
      `${describeBudget(budget)}; Pod ${waiting} of it cannot be scheduled`,
      'Add room for it, or look at why the scheduler cannot place it',
    );
  }
  return block(
    pod,
    'BudgetExhausted',
    describeBudget(budget),
    'Wait for its other Pods to be healthy, or widen the budget',
  );
}

/**
 * Chooses the single reason for a drain that has not ended by its deadline. A cause that explains the others comes first: a budget that
 * waits for a replacement which fits nowhere (row D2), then budgets that never opened (D1), then everything else (D3).
 */
export function reasonAtDeadline(blockedBy: readonly Blocked[]): FailureReason {
  const causes = new Set(blockedBy.map(({ cause }) => cause));
  if (causes.has('Unschedulable')) return 'NotEnoughResources';
  return causes.has('BudgetExhausted') || causes.has('QuorumAtRisk') ? 'TooManyExistingFailures' : 'GenericFailure';
}
