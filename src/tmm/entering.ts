/** From the request to the verdict and what follows from it at once: `Checking`, `Draining`, `InMaintenance` or `Rejected`. */
import { type DrainPlan, planDrain } from './drain.ts';
import * as events from './events.ts';
import type { FailureReason } from './names.ts';
import type { Blocked } from './report.ts';
import { type Draft, iso, markAll, type Request, reportOf, type Session, sweep } from './request.ts';
import { controllersToAwait } from './returning.ts';
import { writeReport } from './status.ts';
import { judge } from './verdict.ts';

/** Forms the verdict on all related Pods and enters the phase that it allows. */
export function check(request: Request, session: Session): Draft {
  const { observed, node, related, settings } = request;
  const verdict = judge({ related, settings, nowMs: observed.nowMs });
  if (verdict.is === 'proceed') return admit(request, session);
  const { reason, message, blockedBy } = verdict;
  const deadlineMs = Date.parse(session.since) + settings.admissionTimeoutMs;
  if (verdict.is === 'never' || observed.nowMs >= deadlineMs)
    return reject(request, session, reason, message, blockedBy);
  const report = reportOf(request, session, {
    phase: 'Checking',
    since: session.since,
    deadline: iso(deadlineMs),
    message,
    blockedBy,
    gone: session.pods?.gone ?? 0,
  });
  const writes = writeReport(node, report, observed.nowMs);
  const isNew = observed.report.is !== 'valid' || observed.report.report.phase !== 'Checking';
  return {
    because: 'AdmissionPending',
    phase: 'Checking',
    actions: [
      ...sweep(request),
      ...writes,
      ...(isNew ? [events.maintenanceWaiting(node, settings.admissionTimeoutMs, message)] : []),
    ],
    blockedBy,
    requeueAfterMs: deadlineMs - observed.nowMs,
  };
}

function admit(request: Request, session: Session): Draft {
  const { observed, node, related, settings } = request;
  if (related.length === 0) return drained(request, session, session.pods?.gone ?? 0);
  const report = reportOf(request, session, {
    phase: 'Draining',
    since: iso(observed.nowMs),
    deadline: iso(observed.nowMs + settings.drainTimeoutMs),
    message: `0 of ${related.length} Pods gone`,
    blockedBy: [],
    gone: session.pods?.gone ?? 0,
    // Known before the first eviction, so that a crash at any point afterwards loses none of it.
    returning: controllersToAwait(related, session.returning),
  });
  const plan = plannedEvictions(request);
  return {
    because: 'Admitted',
    phase: 'Draining',
    actions: [
      ...sweep(request),
      ...writeReport(node, report, observed.nowMs),
      events.maintenanceAdmitted(node, related.length, observed.pods.length - related.length, settings.drainTimeoutMs),
    ],
    evictions: plan.wanted,
    blockedBy: plan.blockedBy,
    requeueAfterMs: untilNext(plan, observed.nowMs, observed.nowMs + settings.drainTimeoutMs),
  };
}

/** The last related Pod has gone, or there was none. */
export function drained(request: Request, session: Session, gone: number): Draft {
  const { observed, node } = request;
  const { nowMs } = observed;
  const before = observed.report.is === 'valid' ? observed.report.report : undefined;
  const drainMs = before?.phase === 'Draining' ? nowMs - Date.parse(before.since) : 0;
  const report = reportOf(request, session, {
    phase: 'InMaintenance',
    since: iso(nowMs),
    message: 'No related Pod runs here; remove the taint to end the maintenance',
    blockedBy: [],
    gone,
  });
  return {
    because: 'Drained',
    phase: 'InMaintenance',
    actions: [...sweep(request), ...writeReport(node, report, nowMs), events.nodeDrained(node, gone, drainMs)],
    completed: { drainMs },
  };
}

/** Ends the request without a further eviction. */
export function reject(
  request: Request,
  session: Session,
  reason: FailureReason,
  message: string,
  blockedBy: readonly Blocked[],
  gone = session.pods?.gone ?? 0,
): Draft {
  const { observed, node, taint } = request;
  const report = reportOf(request, session, {
    phase: 'Rejected',
    since: iso(observed.nowMs),
    reason,
    message,
    blockedBy,
    gone,
  });
  return {
    because: 'Rejected',
    phase: 'Rejected',
    // The Node first: a mark on a Pod is only believed, and cleaned up, by what the Node says.
    actions: [
      ...writeReport(node, report, observed.nowMs),
      events.maintenanceRejected(node, reason, message, taint),
      ...sweep(request, report),
      ...markAll(request, report),
    ],
    blockedBy,
    completed: { rejected: reason },
  };
}

export function plannedEvictions({ observed, related, settings, ownPod }: Request): DrainPlan {
  const { attempts, unschedulable, nowMs } = observed;
  return planDrain({ related, attempts, unschedulable, settings, nowMs, ...(ownPod !== undefined && { ownPod }) });
}

const untilNext = ({ nextAtMs }: DrainPlan, nowMs: number, deadlineMs: number): number =>
  Math.max(0, Math.min(deadlineMs, nextAtMs ?? deadlineMs) - nowMs);
