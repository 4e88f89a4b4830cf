/** From the request to the verdict and the phase that follows from it: `Checking`, `Queued`, `Draining`, `InMaintenance` or `Rejected`. */

import { isUnreachable } from '../../core/meta.ts';
import * as events from '../events.ts';
import { fateOf, type Staying } from '../model/related-pods.ts';
import { type Blocked, sessionOf } from '../model/report.ts';
import { noteReturns } from '../model/returns.ts';
import { isOfMachine } from '../model/taints.ts';
import { displacedWorkloads } from '../model/workloads.ts';
import type { FailureReason, MaintenanceTaint } from '../names.ts';
import type { QueuePlace } from '../rules/queue.ts';
import { questionOf, type Verdict } from '../rules/rule.ts';
import { judge } from '../rules/verdict.ts';
import { type DrainPlan, planDrain } from './evictions.ts';
import { countPods, type Draft, enter, iso, type Memory, markAll, type Request, type Session } from './transition.ts';

type Later = Extract<Verdict, { is: 'later' | 'never' }>;

/** Forms the verdict on all related Pods and enters the phase that it allows. */
export function check(request: Request, session: Session): Draft {
  const { observed, related, settings, ownPod } = request;
  const before = observed.report.is === 'valid' ? observed.report.report : undefined;
  const verdict = judge(questionOf(observed, related, settings, ownPod));
  switch (verdict.is) {
    case 'proceed':
      return admit(request, session);
    case 'queue':
      return queue(request, session, verdict);
    case 'never':
      return reject(request, session, verdict.reason, verdict.message, verdict.blockedBy);
    case 'later': {
      const sinceMs = before?.phase === 'Checking' ? Date.parse(before.since) : observed.nowMs;
      if (observed.nowMs >= sinceMs + settings.admissionTimeoutMs && verdict.otherwise === 'proceed')
        return admit(request, session);
      return observed.nowMs >= sinceMs + settings.admissionTimeoutMs
        ? reject(request, session, verdict.reason, verdict.message, verdict.blockedBy)
        : wait(request, session, sinceMs, verdict);
    }
  }
}

function wait(request: Request, session: Session, sinceMs: number, { message, blockedBy, nextAtMs }: Later): Draft {
  const { observed, node, settings } = request;
  const deadlineMs = sinceMs + settings.admissionTimeoutMs;
  const draft = enter(request, session, {
    because: 'AdmissionPending',
    phase: 'Checking',
    sinceMs,
    deadlineMs,
    message,
    pods: countPods(request, session.pods?.gone ?? 0),
    blockedBy,
    event: events.maintenanceWaiting(node, settings.admissionTimeoutMs, message),
  });
  return { ...draft, requeueAfterMs: Math.max(0, Math.min(deadlineMs, nextAtMs ?? deadlineMs) - observed.nowMs) };
}

function queue(request: Request, session: Session, { message, nextAtMs }: QueuePlace): Draft {
  const { observed, node } = request;
  const before = sessionOf(observed.report);
  const draft = enter(request, session, {
    because: 'Queued',
    phase: 'Queued',
    sinceMs: before?.phase === 'Queued' ? Date.parse(before.since) : observed.nowMs,
    message,
    pods: countPods(request, session.pods?.gone ?? 0),
    event: events.maintenanceQueued(node, message),
  });
  return { ...draft, ...(nextAtMs !== undefined && { requeueAfterMs: nextAtMs - observed.nowMs }) };
}

function admit(request: Request, session: Session): Draft {
  const { observed, node, related, settings } = request;
  const gone = session.pods?.gone ?? 0;
  if (related.length === 0) return drained(request, session, gone);
  const { nowMs } = observed;
  const deadlineMs = nowMs + settings.drainTimeoutMs;
  const pods = countPods(request, gone);
  const workloads = displacedWorkloads(related, observed.members, session.workloads);
  const draft = enter(request, session, {
    because: 'Admitted',
    phase: 'Draining',
    sinceMs: nowMs,
    deadlineMs,
    message: `0 of ${related.length} Pods gone`,
    pods,
    // They are stored before the first eviction, so that a crash at any later point loses none of them.
    workloads,
    notModelled: observed.room?.notModelled ?? [],
    event: events.maintenanceAdmitted(node, related.length, pods.staying, settings.drainTimeoutMs),
  });
  const plan = plannedEvictions(request, session);
  return {
    ...draft,
    actions: [...draft.actions, ...plan.stores],
    evictions: plan.wanted,
    questions: plan.questions,
    admitted: { session: session.session, started: session.started, since: iso(nowMs), workloads },
    memory: { ...request.memory, returns: firstLook(request, session) },
    blockedBy: plan.blockedBy,
    requeueAfterMs: Math.max(0, Math.min(deadlineMs, plan.nextAtMs ?? deadlineMs) - nowMs),
  };
}

/** The Pods that leave: whatever comes after them has come back, even if they have gone by the next pass. */
function firstLook({ related, observed }: Request, { session }: Session): NonNullable<Memory['returns']> {
  const pods = related.map(({ pod }) => pod);
  return { session, owners: noteReturns({}, pods, observed.nowMs) };
}

/** The last related Pod has gone, or there was none. */
export function drained(request: Request, session: Session, gone: number): Draft {
  const { observed, node } = request;
  const { nowMs } = observed;
  const before = sessionOf(observed.report);
  const drainMs = before?.phase === 'Draining' ? nowMs - Date.parse(before.since) : 0;
  const event = events.nodeDrained(node, gone, drainMs);
  // Pods that appeared during the maintenance have left again: it goes on.
  const goesOn = before?.phase === 'InMaintenance';
  const draft = enter(request, session, {
    because: 'Drained',
    phase: 'InMaintenance',
    sinceMs: goesOn ? Date.parse(before.since) : nowMs,
    message: `No related Pod runs here; ${describeStaying(request)}; ${howItEnds(request.taint)}`,
    pods: countPods(request, gone),
    event,
  });
  return goesOn ? { ...draft, actions: [...draft.actions, event] } : { ...draft, completed: { drainMs } };
}

function howItEnds(taint: MaintenanceTaint): string {
  return isOfMachine(taint) ? 'its Machine ends the maintenance' : 'remove the taint to end the maintenance';
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
  const draft = enter(request, session, {
    because: 'Rejected',
    phase: 'Rejected',
    sinceMs: observed.nowMs,
    reason,
    message,
    pods: countPods(request, gone),
    blockedBy,
    event: events.maintenanceRejected(node, reason, message, taint),
    marks: markAll(request, { session: session.session, reason, message }),
  });
  return { ...draft, completed: { rejected: reason } };
}

/** Describes how many Pods stay and why: switching the machine off ends these Pods as well. */
function describeStaying({ observed, taint, settings }: Request): string {
  const counts = new Map<Staying, number>();
  for (const facts of observed.pods) {
    const fate = fateOf(facts, taint, settings, observed.nowMs);
    if (fate.is === 'stays') counts.set(fate.why, (counts.get(fate.why) ?? 0) + 1);
  }
  if (counts.size === 0) return 'none stays';
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([why, count]) => `${count} ${why}`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return `${total} ${total === 1 ? 'stays' : 'stay'} (${parts.join(', ')})`;
}

export function plannedEvictions(
  { observed, node, related, settings, ownPod, memory }: Request,
  { session }: Session,
): DrainPlan {
  const { attempts, probed, unschedulable, kept, nodeName, nowMs } = observed;
  return planDrain({
    related,
    attempts,
    ...(probed !== undefined && { probed }),
    unschedulable,
    kept,
    returns: memory.returns?.session === session ? memory.returns.owners : {},
    nodeName,
    isUnreachable: isUnreachable(node),
    isCordoned: node.spec.unschedulable === true,
    session,
    settings,
    nowMs,
    ...(ownPod !== undefined && { ownPod }),
  });
}
