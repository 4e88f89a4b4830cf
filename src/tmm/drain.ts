/**
 * Which evictions are worth sending now, and what keeps the others waiting.
 *
 * - A Pod whose budget allows nothing is not tried: the budget's next watch event is what makes it worth while.
 * - The allowance of a budget is shared out among its Pods, unready ones first, less what was accepted since the budget's
 *   last event (the server has counted those already).
 * - Without a budget, a StatefulSet's majority is kept in the same way.
 * - Nothing is evicted before every Pod without a controller is stored (`tmm.unmanagedPods: recreate`).
 * - Self-moving workloads are tried even against a closed budget: their operators act on the attempt.
 * - DaemonSet Pods go after all others, since those may still use what they serve; our own Pod goes last.
 */
import type { EvictPod, StorePod } from '../core/action.ts';
import { isDeleting, isReady, keyOf } from '../core/meta.ts';
import type { Pod, PodDisruptionBudget } from '../core/objects.ts';
import type { EvictionAttempt } from '../core/ports.ts';
import { block, blockedByAnswer, blockedByBudget } from './blocked.ts';
import { isExempt, isObserved, numbersOf } from './budgets.ts';
import { isStored, type Kept } from './kept.ts';
import { majorityOf, unevictableBy } from './pod-rules.ts';
import type { RelatedPod } from './pods.ts';
import { isRecreated, storePod } from './recreating.ts';
import type { Blocked } from './report.ts';
import type { TmmSettings } from './settings.ts';

/** A Pod that outlives its grace period by this much is stuck: a kubelet takes a few seconds, a finalizer may take for ever. */
const STUCK_AFTER_MS = 30_000;
/** How often a self-moving workload's closed budget is knocked at. */
const SELF_MOVING_RETRY_MS = 30_000;

/** A budget that refuses and that we do not see is on its way, or its watch is dead and nothing will tell of a change. */
const UNSEEN_BUDGET_RETRY_MS = 5000;

export interface DrainInput {
  /** The related Pods that are still here. */
  readonly related: readonly RelatedPod[];
  readonly attempts: ReadonlyMap<string, EvictionAttempt>;
  /** Keys of the budgets that wait for a replacement which the scheduler cannot place, with one such Pod's key. */
  readonly unschedulable: ReadonlyMap<string, string>;
  readonly kept: Kept;
  /** Which Node is drained, and for which session: what Pods are stored with. */
  readonly nodeName: string;
  readonly session: string;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
  readonly settings: TmmSettings;
  readonly nowMs: number;
}

export interface DrainPlan {
  readonly wanted: readonly EvictPod[];
  readonly stores: readonly StorePod[];
  readonly blockedBy: readonly Blocked[];
  readonly terminating: number;
  /** When time alone makes a difference; absent where only a watch event can. */
  readonly nextAtMs?: number;
}

/** What one Pod needs: an eviction, to be stored before that, patience until a moment or an event, or to be reported as blocked. */
interface Step {
  readonly evict?: EvictPod;
  readonly store?: StorePod;
  readonly blocked?: Blocked;
  readonly nextAtMs?: number;
}

export function planDrain(input: DrainInput): DrainPlan {
  const firstWave = Math.min(...input.related.map((facts) => waveOf(facts, input)));
  const allowances = new Map<string, number>();
  const steps = byUrgency(input.related).map((facts) =>
    waveOf(facts, input) === firstWave || isDeleting(facts.pod) ? stepOf(facts, allowances, input) : {},
  );
  const times = steps.flatMap(({ nextAtMs }) => nextAtMs ?? []);
  return {
    wanted: steps.flatMap(({ evict }) => evict ?? []),
    stores: steps.flatMap(({ store }) => store ?? []),
    blockedBy: steps.flatMap(({ blocked }) => blocked ?? []).sort((a, b) => (a.pod < b.pod ? -1 : 1)),
    terminating: input.related.filter(({ pod }) => isDeleting(pod)).length,
    ...(times.length > 0 && { nextAtMs: Math.min(...times) }),
  };
}

function waveOf(facts: RelatedPod, input: DrainInput): 0 | 1 | 2 | 3 {
  const { pod, fate } = facts;
  if (mustBeStored(facts, input)) return 0;
  if (keyOf(pod) === input.ownPod) return 3;
  return fate.ofDaemonSet ? 2 : 1;
}

/** Whether it is to be evicted, and would be lost by that. */
function mustBeStored(facts: RelatedPod, { kept, session, settings, nowMs, ownPod }: DrainInput): boolean {
  const { pod, fate } = facts;
  if (!isRecreated(pod, settings) || isDeleting(pod) || fate.waitsForCompletion) return false;
  return unevictableBy(facts, settings, nowMs, ownPod) === undefined && !isStored(kept, pod, session);
}

/** Unready Pods first: they cost the least, and a budget may let them go free of charge. */
function byUrgency(related: readonly RelatedPod[]): readonly RelatedPod[] {
  return [...related.filter(({ pod }) => !isReady(pod)), ...related.filter(({ pod }) => isReady(pod))];
}

function stepOf(facts: RelatedPod, allowances: Map<string, number>, input: DrainInput): Step {
  const { pod, fate, budgets } = facts;
  if (isDeleting(pod)) return terminatingStep(pod, input.nowMs);
  if (fate.waitsForCompletion) {
    return {
      blocked: block(
        pod,
        'WaitsForCompletion',
        'It is labelled cluster.x-k8s.io/drain=wait-completed',
        'Wait for it to finish, or remove the label',
      ),
    };
  }
  // The verdict has let these pass, but Pods that came since, and marks set since, are held to the same rules.
  const refused = unevictableBy(facts, input.settings, input.nowMs, input.ownPod);
  if (refused !== undefined) return { blocked: refused };
  if (mustBeStored(facts, input)) return storeStep(pod, input);
  const [budget] = budgets;
  if (budget !== undefined) return budgetStep(facts, budget, allowances, input);
  return quorumStep(facts, allowances, input);
}

function storeStep(pod: Pod, { kept, nodeName, session, nowMs }: DrainInput): Step {
  const attempt = kept.attempts.get(pod.metadata.uid);
  if (attempt === undefined || attempt.basis !== session) return { store: storePod(pod, nodeName, session) };
  const { outcome, detail, retryAtMs = 0 } = attempt;
  if (outcome === 'TooLarge') {
    const remedy = 'Delete the Pod yourself, give it a controller, or make its manifest smaller, then taint again';
    return { blocked: block(pod, 'TooLargeToStore', detail, remedy) };
  }
  const blocked = block(pod, 'NotStored', detail, 'Look at what the API server says; it is tried again');
  const step = nowMs >= retryAtMs ? { store: storePod(pod, nodeName, session) } : { nextAtMs: retryAtMs };
  return { ...step, blocked };
}

function terminatingStep(pod: Pod, nowMs: number): Step {
  const stuckAtMs = Date.parse(pod.metadata.deletionTimestamp ?? '') + STUCK_AFTER_MS;
  // A timestamp that cannot be read gives NaN: the Pod then counts as terminating, and the deadline of the drain decides.
  if (!(nowMs >= stuckAtMs)) return Number.isNaN(stuckAtMs) ? {} : { nextAtMs: stuckAtMs };
  const finalizers = pod.metadata.finalizers ?? [];
  const why =
    finalizers.length > 0 ? `finalizers ${finalizers.join(', ')} hold it` : 'the kubelet has not confirmed its end';
  return {
    blocked: block(
      pod,
      'StuckTerminating',
      `Its grace period is over, but ${why}`,
      'Look at the kubelet of this Node and at the owner of the finalizers',
    ),
  };
}

function budgetStep(
  facts: RelatedPod,
  budget: PodDisruptionBudget,
  allowances: Map<string, number>,
  input: DrainInput,
): Step {
  const { pod, fate } = facts;
  const key = keyOf(budget);
  const basis = `${budget.metadata.uid}/${budget.metadata.resourceVersion}`;
  const attempt = input.attempts.get(pod.metadata.uid);
  const wasRefused = attempt?.outcome === 'BudgetBlocked' && attempt.basis === basis;

  if (fate.isSelfMoving && wasRefused) {
    const retryAtMs = attempt.atMs + SELF_MOVING_RETRY_MS;
    const step = isTooEarly(attempt, retryAtMs, input.nowMs)
      ? { nextAtMs: retryAtMs }
      : { evict: evictionOf(pod, key, basis) };
    return { ...step, blocked: blockedByBudget(pod, budget, input.unschedulable) };
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

/**
 * What the budget has left, as far as is known since its last event: the server has counted what it accepted, and a
 * refusal says that it knows of less than we do.
 */
function allowanceOf(
  budget: PodDisruptionBudget,
  basis: string,
  attempts: ReadonlyMap<string, EvictionAttempt>,
): number {
  const answers = [...attempts.values()].filter((attempt) => attempt.basis === basis);
  if (answers.some(({ outcome }) => outcome === 'BudgetBlocked')) return 0;
  return numbersOf(budget).allowed - answers.filter(({ outcome }) => outcome === 'Accepted').length;
}

/**
 * Without a budget, members of a StatefulSet go only as far as a majority stays ready, whatever happens elsewhere meanwhile. Of
 * Nodes that are drained at once, the one that asked first goes first: its members count as gone for the others.
 */
function quorumStep(facts: RelatedPod, allowances: Map<string, number>, input: DrainInput): Step {
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

/** Members whose eviction was accepted and that still count as ready. */
function acceptedOf(statefulSet: string, { related, attempts }: DrainInput): number {
  return related.filter(
    ({ pod, statefulSet: own }) =>
      own?.key === statefulSet && !isDeleting(pod) && attempts.get(pod.metadata.uid)?.outcome === 'Accepted',
  ).length;
}

/**
 * No budget stands in the way: evict, unless the last answer asked for patience. What is asked again stays named as blocked
 * until an answer says otherwise, so that neither the report nor the watch for a stall begins anew with each try.
 */
function freeStep({ pod }: RelatedPod, lane: string, basis: string, { attempts, nowMs }: DrainInput): Step {
  const attempt = attempts.get(pod.metadata.uid);
  const evict = evictionOf(pod, lane, basis);
  if (attempt === undefined) return { evict };
  const { outcome, retryAtMs = outcome === 'BudgetBlocked' ? attempt.atMs + UNSEEN_BUDGET_RETRY_MS : 0 } = attempt;
  const hasNews = (outcome === 'BudgetPending' || outcome === 'BudgetBlocked') && attempt.basis !== basis;
  if (hasNews) return { evict };
  const blocked = blockedByAnswer(pod, attempt);
  const step = isTooEarly(attempt, retryAtMs, nowMs) ? { nextAtMs: retryAtMs } : { evict };
  return { ...step, ...(blocked !== undefined && { blocked }) };
}

/** An answer from the future says that the clock was set back, perhaps by hours: nothing is to be waited for then. */
function isTooEarly({ atMs }: EvictionAttempt, retryAtMs: number, nowMs: number): boolean {
  return nowMs >= atMs && nowMs < retryAtMs;
}

function evictionOf(pod: Pod, lane: string, basis: string): EvictPod {
  return { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, uid: pod.metadata.uid, lane, basis };
}
