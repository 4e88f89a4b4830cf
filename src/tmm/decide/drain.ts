/** One pass of a drain: evictions that are worth sending, progress, and the two ways in which it ends. */
import * as events from '../events.ts';
import type { Report } from '../model/report.ts';
import { reportOf } from '../model/returns.ts';
import { drained, plannedEvictions, reject } from './admission.ts';
import { reasonAtDeadline, stillThere } from './blockers.ts';
import type { DrainPlan } from './evictions.ts';
import { waitForReturn } from './return-wait.ts';
import { cordon, type Draft, enter, type Request } from './transition.ts';

/** A drain without progress for this long is worth a Warning. */
const STALLED_AFTER_MS = 60_000;

export function drain(request: Request, before: Report): Draft {
  const { observed, related, settings, memory } = request;
  const { nowMs } = observed;
  const { emptySinceMs: _, ...rest } = memory;
  const total = Math.max(before.pods.total, related.length);
  const gone = total - related.length;
  if (related.length === 0) return emptied(request, before, total);

  const plan = plannedEvictions(request, before);
  const [tooLarge] = plan.blockedBy.filter(({ cause }) => cause === 'TooLargeToStore');
  if (tooLarge !== undefined) {
    // Waiting does not make the Pod smaller, and since every Pod is stored before the first eviction, most often no Pod has been touched.
    const message = `Pod ${tooLarge.pod}: ${tooLarge.detail}`;
    return reject(request, before, 'GenericFailure', message, plan.blockedBy, gone);
  }
  const deadlineMs = Date.parse(before.deadline ?? '') || Date.parse(before.since) + settings.drainTimeoutMs;
  if (nowMs >= deadlineMs) {
    const reason = reasonAtDeadline(plan.blockedBy);
    const left = plan.blockedBy.length > 0 ? plan.blockedBy : related.map(({ pod }) => stillThere(pod));
    const message = `${related.length} of ${total} Pods had not left by the deadline; Pod ${left[0]?.pod}: ${left[0]?.detail}`;
    return reject(request, before, reason, message, left, gone);
  }

  const cordoning = cordon(request, before);
  if (cordoning.length > 0) {
    // The cordon takes a pass of its own: one write of the Node per resourceVersion. The watch event of the write triggers the next pass.
    return {
      because: 'Draining',
      phase: 'Draining',
      actions: cordoning,
      evictions: plan.wanted,
      questions: plan.questions,
      blockedBy: plan.blockedBy,
    };
  }

  const draft = enter(request, before, {
    because: 'Draining',
    phase: 'Draining',
    sinceMs: Date.parse(before.since),
    deadlineMs,
    message: `${gone} of ${total} Pods gone`,
    pods: { ...before.pods, total, gone },
    blockedBy: plan.blockedBy,
    notModelled: before.notModelled ?? [],
    returns: reportOf(memory.returns?.owners ?? {}),
  });
  const { stall, warning } = watchForStall(request, plan, gone);
  const times = [plan.nextAtMs, stall.told ? undefined : stall.sinceMs + STALLED_AFTER_MS];
  return {
    ...draft,
    actions: [...draft.actions, ...warning, ...plan.stores],
    evictions: plan.wanted,
    questions: plan.questions,
    memory: { ...rest, stall },
    requeueAfterMs: Math.max(0, Math.min(deadlineMs, ...times.flatMap((time) => time ?? [])) - nowMs),
  };
}

/**
 * No related Pod is left. If a Pod may be on its way back (its controller is known to recreate it here, or has done so before), wait before
 * reporting `Drained`.
 */
function emptied(request: Request, before: Report, total: number): Draft {
  const { memory } = request;
  const wait = waitForReturn(request, before);
  if (wait === undefined) return drained(request, before, total);
  const draft = enter(request, before, {
    because: 'Draining',
    phase: 'Draining',
    sinceMs: Date.parse(before.since),
    ...(before.deadline !== undefined && { deadlineMs: Date.parse(before.deadline) }),
    message: `${total} of ${total} Pods gone; waiting whether they come back`,
    pods: { ...before.pods, total, gone: total },
    notModelled: before.notModelled ?? [],
    returns: reportOf(memory.returns?.owners ?? {}),
  });
  return { ...draft, ...wait };
}

/** Warns once when no Pod has left and none is terminating for a while; each Pod that leaves restarts the timer. */
function watchForStall({ observed: { nowMs }, node, memory }: Request, plan: DrainPlan, gone: number) {
  const isMoving = memory.stall === undefined || memory.stall.gone !== gone || plan.blockedBy.length === 0;
  const stall = isMoving ? { gone, sinceMs: nowMs, told: false } : memory.stall;
  const [first] = plan.blockedBy;
  if (stall.told || first === undefined || nowMs < stall.sinceMs + STALLED_AFTER_MS) return { stall, warning: [] };
  const warning = [
    events.maintenanceBlocked(node, plan.blockedBy.length, `Pod ${first.pod}: ${first.detail}. ${first.remedy}`),
  ];
  return { stall: { ...stall, told: true }, warning };
}
