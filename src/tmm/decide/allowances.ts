/**
 * How many Pods of a budget, or of a StatefulSet without a budget, may be evicted now.
 *
 * - A Pod whose budget allows no disruption is not tried: the next watch event of the budget triggers the next attempt.
 * - The allowance of a budget is shared among its Pods, minus the evictions accepted since the budget's last event (which the server has
 *   counted already).
 * - Without a budget, the majority of a StatefulSet is kept in the same way.
 * - Self-moving workloads are tried even against a closed budget: their operators act on the attempt.
 */
import type { EvictPod } from '../../core/action.ts';
import { isDeleting, isReady, keyOf } from '../../core/meta.ts';
import type { Pod, PodDisruptionBudget } from '../../core/objects.ts';
import type { EvictionAttempt } from '../../core/ports.ts';
import { isExempt, isObserved, numbersOf } from '../model/budgets.ts';
import type { RelatedPod } from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import { majorityOf } from '../rules/pods.ts';
import { block, blockedByAnswer, blockedByBudget } from './blockers.ts';
import type { DrainInput, Step } from './drain-input.ts';

/** How often the eviction of a self-moving workload's Pod is retried against a closed budget. */
const SELF_MOVING_RETRY_MS = 30_000;

/**
 * If the cache has no budget that explains a refusal, the budget is about to arrive or its watch is dead; no event is certain to come, so
 * retry after this time.
 */
const UNSEEN_BUDGET_RETRY_MS = 5000;

export function budgetStep(
  facts: RelatedPod,
  budget: PodDisruptionBudget,
  allowances: Map<string, number>,
  input: DrainInput,
): Step {
  const { pod, fate } = facts;
  const key = keyOf(budget);
  const basis = `${budget.metadata.uid}/${budget.metadata.resourceVersion}`;
  const attempt = input.attempts[pod.metadata.uid];
  const wasRefused = attempt?.outcome === 'BudgetBlocked' && attempt.basis === basis;

  if (fate.isSelfMoving && wasRefused) {
    const retryAtMs = attempt.atMs + SELF_MOVING_RETRY_MS;
    const step = isTooEarly(attempt, retryAtMs, input.nowMs)
      ? { nextAtMs: retryAtMs }
      : { evict: evictionOf(pod, key, basis) };
    const blocked = blockedByBudget(pod, budget, input.unschedulable);
    return { ...step, blocked: fate.needsCordon && !input.isCordoned ? withCordonAdvice(blocked, input) : blocked };
  }
  if (wasRefused) return { blocked: blockedByBudget(pod, budget, input.unschedulable) };
  if (fate.isSelfMoving || isExempt(pod, budget)) return freeStep(facts, key, basis, input);
  if (!isObserved(budget)) {
    return {
      blocked: block(
        pod,
        'BudgetNotObserved',
        `The disruption controller has not yet judged PodDisruptionBudget ${key}`,
        'Wait; if it lasts, look at kube-controller-manager',
      ),
    };
  }
  const allowance = allowances.get(key) ?? allowanceOf(budget, basis, input.attempts);
  if (allowance < 1) return { blocked: blockedByBudget(pod, budget, input.unschedulable) };
  const step = freeStep(facts, key, basis, input);
  if (step.evict !== undefined) allowances.set(key, allowance - 1);
  return step;
}

function withCordonAdvice(blocked: Blocked, { nodeName, settings }: DrainInput): Blocked {
  const advice = `Its operator moves it once the Node is cordoned: kubectl cordon ${nodeName}`;
  return { ...blocked, remedy: settings.cordon === 'never' ? `${advice}; tmm.cordon: auto does so` : advice };
}

/**
 * The remaining allowance of the budget, as far as is known since its last event: the server has counted the evictions it accepted, and a
 * refusal shows that it knows of a smaller allowance than the cache does.
 */
function allowanceOf(
  budget: PodDisruptionBudget,
  basis: string,
  attempts: Readonly<Record<string, EvictionAttempt>>,
): number {
  const answers = Object.values(attempts).filter((attempt) => attempt.basis === basis);
  if (answers.some(({ outcome }) => outcome === 'BudgetBlocked')) return 0;
  return numbersOf(budget).allowed - answers.filter(({ outcome }) => outcome === 'Accepted').length;
}

/**
 * Without a budget, members of a StatefulSet are evicted only while a majority stays ready, whatever happens on other Nodes meanwhile. When
 * several Nodes are drained at once, the one that asked first has precedence: its members count as gone for the others.
 */
export function quorumStep(facts: RelatedPod, allowances: Map<string, number>, input: DrainInput): Step {
  const { pod, statefulSet } = facts;
  const { uid } = pod.metadata;
  if (statefulSet === undefined || input.settings.quorum === 'off' || statefulSet.replicas < 3 || !isReady(pod)) {
    return freeStep(facts, uid, '', input);
  }
  const { key, replicas, ready, promisedBefore } = statefulSet;
  const majority = majorityOf(replicas);
  const lane = `StatefulSet ${key}`;
  const allowance = allowances.get(lane) ?? ready - majority - promisedBefore - acceptedOf(key, input);
  if (allowance < 1) {
    const leaving = promisedBefore === 0 ? '' : `, ${promisedBefore} of them about to leave another Node`;
    const detail = `StatefulSet ${key} has no PodDisruptionBudget, and ${ready} of ${replicas} members are ready${leaving}; a majority is ${majority}`;
    return { blocked: block(pod, 'QuorumAtRisk', detail, 'Wait for its other members to be ready') };
  }
  const step = freeStep(facts, lane, '', input);
  if (step.evict !== undefined) allowances.set(lane, allowance - 1);
  return step;
}

/** Counts members whose eviction was accepted and which still count as ready. */
function acceptedOf(statefulSet: string, { related, attempts }: DrainInput): number {
  return related.filter(
    ({ pod, statefulSet: own }) =>
      own?.key === statefulSet && !isDeleting(pod) && attempts[pod.metadata.uid]?.outcome === 'Accepted',
  ).length;
}

/**
 * No budget stands in the way: evict, unless the last answer asked to retry later. A Pod whose eviction is retried stays reported as
 * blocked until an answer says otherwise, so that neither the report nor the stall timer starts again with each retry.
 */
function freeStep({ pod }: RelatedPod, lane: string, basis: string, { attempts, nowMs }: DrainInput): Step {
  const attempt = attempts[pod.metadata.uid];
  const evict = evictionOf(pod, lane, basis);
  if (attempt === undefined) return { evict };
  const { outcome, retryAtMs = outcome === 'BudgetBlocked' ? attempt.atMs + UNSEEN_BUDGET_RETRY_MS : 0 } = attempt;
  const hasNews = (outcome === 'BudgetPending' || outcome === 'BudgetBlocked') && attempt.basis !== basis;
  if (hasNews) return { evict };
  const blocked = blockedByAnswer(pod, attempt);
  const step = isTooEarly(attempt, retryAtMs, nowMs) ? { nextAtMs: retryAtMs } : { evict };
  return { ...step, ...(blocked !== undefined && { blocked }) };
}

/** An answer dated in the future shows that the clock was set back, perhaps by hours; its retry delay is then ignored. */
function isTooEarly({ atMs }: EvictionAttempt, retryAtMs: number, nowMs: number): boolean {
  return nowMs >= atMs && nowMs < retryAtMs;
}

export function evictionOf(pod: Pod, lane: string, basis: string): EvictPod {
  return { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, uid: pod.metadata.uid, lane, basis };
}
