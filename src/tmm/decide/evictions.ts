/**
 * Which evictions to send now, and why the other Pods wait.
 *
 * - Unready Pods go first, and of each budget as many as `allowances.ts` permits.
 * - Nothing is evicted before every Pod without a controller is stored (`tmm.unmanagedPods: recreate`), and before admission was asked
 *   about every Pod, by dry runs.
 * - Pods whose eviction admission denies go first. While one of them is refused, no other Pod of the Node is evicted: a virtual machine
 *   that cannot migrate must not cost the others a disruption.
 * - A Pod that comes back to the Node is evicted less and less often, and is reported with a separate cause.
 * - DaemonSet Pods go after all others, since the others may still use what they serve; our own Pod goes last.
 */

import type { EvictPod, StorePod } from '../../core/action.ts';
import { controllerOf, isDeleting, isReady, keyOf } from '../../core/meta.ts';
import type { Pod } from '../../core/objects.ts';
import type { StoredPod } from '../../core/stored-pods.ts';
import { clip } from '../../core/text.ts';
import { finalFailureOf, remedyOf } from '../model/jobs.ts';
import { isRecreated, type RelatedPod } from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import { heldUntilMs, ownerKeyOf } from '../model/returns.ts';
import { storedOf } from '../model/stored-pods.ts';
import { freeFromMs, unevictableBy } from '../rules/pods.ts';
import { budgetStep, evictionOf, quorumStep } from './allowances.ts';
import { block } from './blockers.ts';
import type { DrainInput, Step } from './drain-input.ts';
import { storePod } from './restore.ts';

/**
 * A Pod that outlives its grace period by this much is stuck: a kubelet needs a few seconds, whereas a finalizer may hold the Pod forever.
 */
const STUCK_AFTER_MS = 30_000;

export interface DrainPlan {
  readonly wanted: readonly EvictPod[];
  /** Evictions about which admission is to be asked first. */
  readonly questions: readonly EvictPod[];
  readonly stores: readonly StorePod[];
  readonly blockedBy: readonly Blocked[];
  readonly terminating: number;
  /** When the passing of time alone changes the plan; absent if only a watch event can. */
  readonly nextAtMs?: number;
}

export function planDrain(input: DrainInput): DrainPlan {
  const firstWave = Math.min(...input.related.map((facts) => waveOf(facts, input)));
  const allowances = new Map<string, number>();
  const steps = byUrgency(input.related).map((facts) =>
    waveOf(facts, input) === firstWave || isDeleting(facts.pod) ? stepOf(facts, allowances, input) : {},
  );
  const times = steps.flatMap(({ nextAtMs }) => nextAtMs ?? []);
  const questions = input.related.filter((facts) => mustBeAsked(facts, input));
  return {
    wanted: questions.length > 0 ? [] : steps.flatMap(({ evict }) => evict ?? []),
    questions: questions.map(({ pod }) => evictionOf(pod, pod.metadata.uid, '')),
    stores: steps
      .flatMap(({ store }) => store ?? [])
      .filter(({ as }) => questions.length === 0 || as.eviction === 'waiting'),
    blockedBy: steps.flatMap(({ blocked }) => blocked ?? []).sort((a, b) => (a.pod < b.pod ? -1 : 1)),
    terminating: input.related.filter(({ pod }) => isDeleting(pod)).length,
    ...(times.length > 0 && { nextAtMs: Math.min(...times) }),
  };
}

function waveOf(facts: RelatedPod, input: DrainInput): 0 | 1 | 2 | 3 | 4 {
  const { pod, fate } = facts;
  if (mustBeStored(facts, input)) return 0;
  if (isRefused(facts, input)) return 1;
  if (keyOf(pod) === input.ownPod) return 4;
  return fate.ofDaemonSet ? 3 : 2;
}

/** Whether an eviction is due and admission has not answered about it yet. */
function mustBeAsked(facts: RelatedPod, input: DrainInput): boolean {
  const { pod, fate } = facts;
  const { probed, settings, nowMs, ownPod } = input;
  if (probed === undefined || probed[pod.metadata.uid] !== undefined) return false;
  if (isDeleting(pod) || fate.waitsForCompletion) return false;
  if (unevictableBy(facts, settings, nowMs, ownPod) !== undefined) return false;
  return returnedStep(pod, input)?.nextAtMs === undefined;
}

/** Whether admission has denied the eviction, according to its latest answer. */
function isRefused({ pod }: RelatedPod, { probed = {}, attempts }: DrainInput): boolean {
  if (isDeleting(pod)) return false;
  const attempt = attempts[pod.metadata.uid];
  const isDenied = probed[pod.metadata.uid] === 'Denied';
  switch (attempt?.outcome) {
    case 'Denied':
      return true;
    case undefined:
    case 'Throttled':
    case 'Failed':
      return attempt?.isByAdmission ?? isDenied;
    case 'Accepted':
    case 'Gone':
    case 'BudgetBlocked':
    case 'BudgetPending':
    case 'MultipleBudgets':
      return false; // Admission is asked before all other steps.
  }
}

/** Whether the Pod is to be evicted and would be lost by the eviction. */
function mustBeStored(facts: RelatedPod, input: DrainInput): boolean {
  const { kept, session, settings, nowMs, ownPod } = input;
  const { pod, fate } = facts;
  if (!isRecreated(pod, settings) || isDeleting(pod) || fate.waitsForCompletion) return false;
  // The eviction of a Pod that comes back is delayed, and holds up no other Pod.
  if (returnedStep(pod, input)?.nextAtMs !== undefined) return false;
  return unevictableBy(facts, settings, nowMs, ownPod) === undefined && storedOf(kept, pod, session) === undefined;
}

/** Orders unready Pods first: they cost the least, and a budget may let them go without counting them. */
function byUrgency(related: readonly RelatedPod[]): readonly RelatedPod[] {
  return [...related.filter(({ pod }) => !isReady(pod)), ...related.filter(({ pod }) => isReady(pod))];
}

function stepOf(facts: RelatedPod, allowances: Map<string, number>, input: DrainInput): Step {
  const { pod, fate, budgets } = facts;
  if (isDeleting(pod)) return terminatingStep(pod, input);
  if (fate.waitsForCompletion) return { blocked: awaited(facts) };
  // The verdict has accepted the Pods of its time, but Pods and marks that came later are held to the same rules.
  const refused = unevictableBy(facts, input.settings, input.nowMs, input.ownPod);
  if (refused !== undefined) {
    const freeMs = freeFromMs(pod, refused, input.nowMs);
    return { blocked: refused, ...(freeMs !== undefined && { nextAtMs: freeMs }) };
  }
  const returned = returnedStep(pod, input);
  if (returned?.nextAtMs !== undefined) return returned;
  if (mustBeStored(facts, input)) return storeStep(pod, input, 'waiting');
  const [budget] = budgets;
  const step =
    budget === undefined ? quorumStep(facts, allowances, input) : budgetStep(facts, budget, allowances, input);
  return { ...returned, ...announced(step, pod, input) };
}

/** The Secret records that an eviction is sent before it is sent: if the Pod is later found gone, this shows that we evicted it. */
function announced(step: Step, pod: Pod, input: DrainInput): Step {
  const { kept, session, settings } = input;
  const { evict, ...rest } = step;
  const isDue = evict !== undefined && isRecreated(pod, settings);
  if (!isDue || storedOf(kept, pod, session)?.eviction === 'sent') return step;
  return { ...rest, ...storeStep(pod, input, 'sent') };
}

/** Reports a Pod that is not evicted: the drain waits until it ends. */
function awaited({ pod, fate, job }: RelatedPod): Blocked {
  if (fate.waitsForCompletion === 'Label') {
    const detail = 'It is labelled cluster.x-k8s.io/drain=wait-completed';
    return block(pod, 'WaitsForCompletion', detail, 'Wait for it to finish, or remove the label');
  }
  const failure = finalFailureOf(job) ?? { detail: 'The end of its Job is waited for' };
  return block(pod, 'WaitsForCompletion', failure.detail, remedyOf(failure));
}

/** Evicting such a Pod achieves nothing and costs its workload a disruption, so it is tried rarely and reported with a separate cause. */
function returnedStep(pod: Pod, { returns, nowMs }: DrainInput): Step | undefined {
  const seen = returns[ownerKeyOf(pod)];
  const heldMs = seen === undefined ? undefined : heldUntilMs(seen);
  if (seen === undefined || heldMs === undefined) return undefined;
  const { kind, name } = controllerOf(pod) ?? { kind: 'Somebody', name: '' };
  const blocked = block(
    pod,
    'ComesBack',
    `${[kind, clip(name, 253)].join(' ').trim()} has put Pods back on this Node ${seen.count} times`,
    'Take spec.nodeName or the toleration of the taint out of its template, or scale it down until the maintenance is over',
  );
  return nowMs < heldMs ? { blocked, nextAtMs: heldMs } : { blocked };
}

function storeStep(pod: Pod, { kept, nodeName, session, nowMs }: DrainInput, eviction: StoredPod['eviction']): Step {
  const attempt = kept.attempts[pod.metadata.uid];
  if (attempt === undefined || attempt.basis !== session) return { store: storePod(pod, nodeName, session, eviction) };
  const { outcome, detail, retryAtMs = 0 } = attempt;
  if (outcome === 'TooLarge') {
    const remedy = 'Delete the Pod yourself, give it a controller, or make its manifest smaller, then taint again';
    return { blocked: block(pod, 'TooLargeToStore', detail, remedy) };
  }
  const blocked = block(pod, 'NotStored', detail, 'Look at what the API server says; it is tried again');
  const step = nowMs >= retryAtMs ? { store: storePod(pod, nodeName, session, eviction) } : { nextAtMs: retryAtMs };
  return { ...step, blocked };
}

function terminatingStep(pod: Pod, { isUnreachable, settings, nowMs }: DrainInput): Step {
  const deletedMs = Date.parse(pod.metadata.deletionTimestamp ?? '');
  const skipAtMs =
    settings.skipWaitForDeleteTimeoutMs > 0 ? deletedMs + settings.skipWaitForDeleteTimeoutMs : undefined;
  if (isUnreachable) {
    return {
      blocked: block(
        pod,
        'NodeUnreachable',
        'It is being deleted, but the kubelet of its Node does not answer, and may still run it',
        'Bring the Node back; or, once the machine is off for certain, taint it node.kubernetes.io/out-of-service',
      ),
      ...(skipAtMs !== undefined && { nextAtMs: skipAtMs }),
    };
  }
  const stuckAtMs = deletedMs + STUCK_AFTER_MS;
  // A timestamp that cannot be parsed gives NaN: the Pod then counts as terminating, and the drain's deadline decides.
  if (!(nowMs >= stuckAtMs)) {
    return Number.isNaN(stuckAtMs) ? {} : { nextAtMs: Math.min(stuckAtMs, skipAtMs ?? stuckAtMs) };
  }
  const finalizers = pod.metadata.finalizers ?? [];
  const why =
    finalizers.length > 0 ? `finalizers ${finalizers.join(', ')} hold it` : 'the kubelet has not confirmed its end';
  return {
    ...(skipAtMs !== undefined && { nextAtMs: skipAtMs }),
    blocked: block(
      pod,
      'StuckTerminating',
      `Its grace period is over, but ${why}`,
      'Look at the kubelet of this Node and at the owner of the finalizers',
    ),
  };
}
