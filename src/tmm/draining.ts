/** One pass of a drain: evictions that are worth sending, progress, and the two ways in which it ends. */
import { isDeleting, keyOf } from '../core/meta.ts';
import { reasonAtDeadline } from './blocked.ts';
import type { DrainPlan } from './drain.ts';
import { drained, plannedEvictions, reject } from './entering.ts';
import * as events from './events.ts';
import type { RelatedPod } from './pods.ts';
import type { Blocked, Report } from './report.ts';
import { cordon, type Draft, type Request, sweep } from './request.ts';
import { writeReport } from './status.ts';

/** Progress within a phase is written at most this often; a change of phase at once. */
const PROGRESS_EVERY_MS = 1000;
/** A drain in which nothing has moved for so long is worth a Warning. */
const STALLED_AFTER_MS = 60_000;

export function drain(request: Request, before: Report): Draft {
  const { observed, node, related, settings, memory } = request;
  const { nowMs } = observed;
  const total = Math.max(before.pods.total, related.length);
  const gone = total - related.length;
  if (related.length === 0) return drained(request, before, total);

  const plan = plannedEvictions(request, before);
  const [tooLarge] = plan.blockedBy.filter(({ cause }) => cause === 'TooLargeToStore');
  if (tooLarge !== undefined) {
    // No patience makes it smaller, and since nothing is evicted before all is stored, most often nothing has been touched.
    const message = `Pod ${tooLarge.pod}: ${tooLarge.detail}`;
    return reject(request, before, 'GenericFailure', message, plan.blockedBy, gone);
  }
  const deadlineMs = Date.parse(before.deadline ?? '') || Date.parse(before.since) + settings.drainTimeoutMs;
  if (nowMs >= deadlineMs) {
    const reason = reasonAtDeadline(plan.blockedBy);
    const left = plan.blockedBy.length > 0 ? plan.blockedBy : related.map(stillThere);
    const message = `${related.length} of ${total} Pods had not left by the deadline; Pod ${left[0]?.pod}: ${left[0]?.detail}`;
    return reject(request, before, reason, message, left, gone);
  }

  const cordoning = cordon(request, before);
  if (cordoning.length > 0) {
    // A pass of its own: one write of the Node per resourceVersion. Its watch event brings the next.
    return {
      because: 'Draining',
      phase: 'Draining',
      actions: cordoning,
      evictions: plan.wanted,
      blockedBy: plan.blockedBy,
    };
  }

  const writes = writeReport(
    node,
    {
      ...before,
      message: `${gone} of ${total} Pods gone`,
      pods: { ...before.pods, total, gone },
      blockedBy: plan.blockedBy,
    },
    nowMs,
  );
  const nextWriteMs = (memory.progressAtMs ?? 0) + PROGRESS_EVERY_MS;
  // A clock that was set back must not keep progress from being written.
  const isDue = nowMs >= nextWriteMs || nowMs < nextWriteMs - PROGRESS_EVERY_MS;
  const { stall, warning } = watchForStall(request, plan, gone);
  const times = [
    plan.nextAtMs,
    stall.told ? undefined : stall.sinceMs + STALLED_AFTER_MS,
    writes.length > 0 && !isDue ? nextWriteMs : undefined,
  ];
  return {
    because: 'Draining',
    phase: 'Draining',
    actions: [...sweep(request), ...(isDue ? writes : []), ...warning, ...plan.stores],
    evictions: plan.wanted,
    blockedBy: plan.blockedBy,
    memory: { ...memory, stall, ...(isDue && writes.length > 0 && { progressAtMs: nowMs }) },
    requeueAfterMs: Math.max(0, Math.min(deadlineMs, ...times.flatMap((time) => time ?? [])) - nowMs),
  };
}

/** Warns once when nothing has left and nothing is leaving for a while; a Pod that goes starts the watch anew. */
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

const stillThere = ({ pod }: RelatedPod): Blocked => ({
  pod: keyOf(pod),
  cause: isDeleting(pod) ? 'Terminating' : 'EvictionFailed',
  detail: isDeleting(pod) ? 'It was still terminating' : 'Its eviction was still under way',
  remedy: 'Remove the taint and try again with a longer tmm.drainTimeout',
});
