/** From the request to the verdict and what follows from it at once: `Checking`, `Queued`, `Draining`, `InMaintenance` or `Rejected`. */
import { type DrainPlan, planDrain } from './drain.ts';
import * as events from './events.ts';
import { fitOf } from './fit.ts';
import type { FailureReason } from './names.ts';
import { holdsSlot, type Waiting } from './queue.ts';
import type { Blocked } from './report.ts';
import { type Draft, iso, markAll, type Request, reportOf, type Session, sweep } from './request.ts';
import type { Verdict } from './rule.ts';
import { writeReport } from './status.ts';
import { judge } from './verdict.ts';
import { displacedWorkloads } from './workloads.ts';

type Later = Extract<Verdict, { is: 'later' | 'never' }>;

/** Forms the verdict on all related Pods and enters the phase that it allows. */
export function check(request: Request, session: Session): Draft {
  const { observed, related, settings, ownPod } = request;
  const before = observed.report.is === 'valid' ? observed.report.report : undefined;
  const verdict = judge({
    related,
    settings,
    observed,
    started: session.started,
    holdsSlot: before !== undefined && before.phase !== 'Exiting' && holdsSlot(before),
    ...(ownPod !== undefined && { ownPod }),
  });
  switch (verdict.is) {
    case 'proceed':
      return admit(request, session);
    case 'queue':
      return queue(request, session, verdict);
    case 'never':
      return reject(request, session, verdict.reason, verdict.message, verdict.blockedBy);
    case 'later': {
      const sinceMs = before?.phase === 'Checking' ? Date.parse(before.since) : observed.nowMs;
      return observed.nowMs >= sinceMs + settings.admissionTimeoutMs
        ? reject(request, session, verdict.reason, verdict.message, verdict.blockedBy)
        : wait(request, session, sinceMs, verdict);
    }
  }
}

function wait(request: Request, session: Session, sinceMs: number, { message, blockedBy }: Later): Draft {
  const { observed, node, settings } = request;
  const deadlineMs = sinceMs + settings.admissionTimeoutMs;
  const report = reportOf(request, session, {
    phase: 'Checking',
    since: iso(sinceMs),
    deadline: iso(deadlineMs),
    message,
    blockedBy,
    gone: session.pods?.gone ?? 0,
  });
  const isNew = sinceMs === observed.nowMs;
  const told = isNew ? [events.maintenanceWaiting(node, settings.admissionTimeoutMs, message)] : [];
  return {
    because: 'AdmissionPending',
    phase: 'Checking',
    actions: [...sweep(request), ...writeReport(node, report, observed.nowMs), ...told],
    blockedBy,
    requeueAfterMs: deadlineMs - observed.nowMs,
  };
}

function queue(request: Request, session: Session, { message, nextAtMs }: Waiting): Draft {
  const { observed, node } = request;
  const before = observed.report.is === 'valid' ? observed.report.report : undefined;
  const isNew = before?.phase !== 'Queued';
  const report = reportOf(request, session, {
    phase: 'Queued',
    since: isNew ? iso(observed.nowMs) : before.since,
    message,
    blockedBy: [],
    gone: session.pods?.gone ?? 0,
  });
  return {
    because: 'Queued',
    phase: 'Queued',
    actions: [
      ...sweep(request),
      ...writeReport(node, report, observed.nowMs),
      ...(isNew ? [events.maintenanceQueued(node, message)] : []),
    ],
    ...(nextAtMs !== undefined && { requeueAfterMs: nextAtMs - observed.nowMs }),
  };
}

function admit(request: Request, session: Session): Draft {
  const { observed, node, related, settings } = request;
  if (related.length === 0) return drained(request, session, session.pods?.gone ?? 0);
  const notModelled = fitOf(observed, related, settings)?.notModelled ?? [];
  const report = reportOf(request, session, {
    phase: 'Draining',
    since: iso(observed.nowMs),
    deadline: iso(observed.nowMs + settings.drainTimeoutMs),
    message: `0 of ${related.length} Pods gone`,
    blockedBy: [],
    gone: session.pods?.gone ?? 0,
    // Known before the first eviction, so that a crash at any point afterwards loses none of it.
    workloads: displacedWorkloads(related, session.workloads),
    ...(notModelled.length > 0 && { notModelled }),
  });
  const plan = plannedEvictions(request, session);
  return {
    because: 'Admitted',
    phase: 'Draining',
    actions: [
      ...sweep(request),
      ...writeReport(node, report, observed.nowMs),
      events.maintenanceAdmitted(node, related.length, observed.pods.length - related.length, settings.drainTimeoutMs),
      ...plan.stores,
    ],
    evictions: plan.wanted,
    admitted: { session: session.session, started: session.started, since: report.since },
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

export function plannedEvictions({ observed, related, settings, ownPod }: Request, { session }: Session): DrainPlan {
  const { attempts, unschedulable, kept, nodeName, nowMs } = observed;
  return planDrain({
    related,
    attempts,
    unschedulable,
    kept,
    nodeName,
    session,
    settings,
    nowMs,
    ...(ownPod !== undefined && { ownPod }),
  });
}

const untilNext = ({ nextAtMs }: DrainPlan, nowMs: number, deadlineMs: number): number =>
  Math.max(0, Math.min(deadlineMs, nextAtMs ?? deadlineMs) - nowMs);
