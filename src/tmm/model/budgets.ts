/**
 * What a PodDisruptionBudget allows, read as the Eviction API reads it (kubernetes `pkg/registry/core/pod/storage/eviction.go`). The server
 * decides on each eviction; these rules only predict its answer.
 */
import { conditionOf, isDeleting, isReady } from '../../core/meta.ts';
import type { Pod, PodDisruptionBudget } from '../../core/objects.ts';
import { matchesLabelSelector } from '../../core/selectors.ts';

/** The numbers of the status; a field that the server left out counts as 0. */
export interface BudgetNumbers {
  readonly allowed: number;
  readonly healthy: number;
  readonly desired: number;
  readonly expected: number;
}

export function numbersOf({ status }: PodDisruptionBudget): BudgetNumbers {
  return {
    allowed: status.disruptionsAllowed ?? 0,
    healthy: status.currentHealthy ?? 0,
    desired: status.desiredHealthy ?? 0,
    expected: status.expectedPods ?? 0,
  };
}

/** Whether the disruption controller has judged the current budget; before that the server answers 429 and the numbers mean nothing. */
export function isObserved(budget: PodDisruptionBudget): boolean {
  return (
    budget.status.observedGeneration !== undefined &&
    budget.status.observedGeneration >= (budget.metadata.generation ?? 0)
  );
}

/** The disruption controller cannot count what the budget expects (no scale subresource, several controllers, …): it allows nothing. */
export function hasSyncFailed(budget: PodDisruptionBudget): boolean {
  const condition = conditionOf(budget.status.conditions, 'DisruptionAllowed');
  return condition?.reason === 'SyncFailed';
}

/**
 * Evictions that the API server has accepted, whoever has sent them, and that the disruption controller has yet to count: the server takes
 * them off what the budget allows, and only the controller takes their Pods off the healthy ones.
 */
export function uncountedEvictions(budget: PodDisruptionBudget): number {
  const { allowed, healthy, desired, expected } = numbersOf(budget);
  // Without expected Pods, and if it cannot count them, the controller allows nothing, whatever is healthy.
  if (expected === 0 || !isObserved(budget) || hasSyncFailed(budget)) return 0;
  return Math.max(0, healthy - desired - allowed);
}

/** The most disruptions that the budget can ever allow, with every Pod healthy. */
export function mostEverAllowed({ expected, desired }: BudgetNumbers): number {
  return Math.max(0, expected - desired);
}

/**
 * Whether the server evicts this Pod without spending the budget: Pods that are Pending or being deleted, and unready Pods
 * where the budget's `unhealthyPodEvictionPolicy` lets them go.
 */
export function isExempt(pod: Pod, budget: PodDisruptionBudget): boolean {
  if (pod.status.phase === 'Pending' || isDeleting(pod)) return true;
  if (isReady(pod)) return false;
  if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { healthy, desired } = numbersOf(budget);
  return desired > 0 && healthy >= desired;
}

/** The arithmetic in one sentence, which changes only when the numbers do. */
export function describeBudget(budget: PodDisruptionBudget): string {
  const { allowed, healthy, desired, expected } = numbersOf(budget);
  const { namespace, name } = budget.metadata;
  // The disruption controller counts no Pods: "2 of 0 Pods are healthy" would help nobody.
  if (expected === 0)
    return `PodDisruptionBudget ${namespace}/${name} allows ${allowed} disruptions: it has no threshold, or none of its Pods has an owner with a scale`;
  const leaving = uncountedEvictions(budget);
  const evicted = leaving === 0 ? '' : `, and ${leaving} of them ${leaving === 1 ? 'has' : 'have'} just been evicted`;
  return `PodDisruptionBudget ${namespace}/${name} allows ${allowed} disruptions: ${healthy} of ${expected} Pods are healthy, ${desired} must be${evicted}`;
}

/** Whether the budget counts the Pod. */
export function selects({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean {
  return (
    metadata.namespace === pod.metadata.namespace &&
    spec.selector !== undefined &&
    matchesLabelSelector(spec.selector, pod.metadata.labels ?? {})
  );
}
