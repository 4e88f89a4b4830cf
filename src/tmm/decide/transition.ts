/** What the phases of a session share: their input, their result, and the functions that build it. */

import {
  type Action,
  type EvictPod,
  type PatchNodeStatus,
  type RecordEvent,
  refOf,
  type SetUnschedulable,
} from '../../core/action.ts';
import type { Decision } from '../../core/decision.ts';
import { annotationOf, conditionOf, isDeleting } from '../../core/meta.ts';
import { NODE, type Node } from '../../core/objects.ts';
import type { Repeats } from '../../core/repeated-writes.ts';
import type { Observed } from '../model/observed.ts';
import type { RelatedPod } from '../model/related-pods.ts';
import { type Blocked, boundReport, type Report, type Workload } from '../model/report.ts';
import type { ReturnsByOwner } from '../model/returns.ts';
import type { Reservation } from '../model/slots.ts';
import type { AskingTaint } from '../model/taints.ts';
import { CORDON_ANNOTATION, type FailureReason, type Phase } from '../names.ts';
import type { TmmSettings } from '../settings.ts';
import { writeReport } from './node-status.ts';
import { belongsTo, mark, unmark } from './pod-annotations.ts';

/**
 * - `Idle`: no request.
 * - `NodeGone`: the Node was deleted; only marks on Pods are left to clean.
 * - `ReportRemoved`: somebody removes the report again and again, and the next session begins after a pause.
 * - `AdmissionPending`: the verdict may still become better.
 * - `Queued`: other Nodes have to be finished first.
 * - `Admitted`: all related Pods may leave.
 * - `Rejected`: they may not, or did not in time.
 * - `RejectionHeld`: the rejection lasts until the taint goes.
 * - `Draining`: evictions are under way.
 * - `Drained`: the last related Pod has gone.
 * - `InMaintenance`: the Node is free to be worked on.
 * - `Uncordoning`: the taint has gone, and so does our cordon.
 * - `Exiting`: displaced Pods are awaited.
 * - `Ended`: the session is over.
 * - `Restoring`: the session is over, and Pods without a controller are still to be created again.
 */
export type Because =
  | 'Idle'
  | 'NodeGone'
  | 'ReportRemoved'
  | 'AdmissionPending'
  | 'Queued'
  | 'Admitted'
  | 'Rejected'
  | 'RejectionHeld'
  | 'Draining'
  | 'Drained'
  | 'InMaintenance'
  | 'Uncordoning'
  | 'Exiting'
  | 'Ended'
  | 'Restoring';

/**
 * What the process remembers of a Node between passes, only to avoid repeated writes and Events. A new process starts without it and at
 * worst repeats some of them.
 */
export interface Memory {
  readonly hint?: string;
  /** Sessions in a row that began without a report while the request stayed. */
  readonly begun?: Repeats;
  /** When progress within a phase was last written. */
  readonly progressAtMs?: number;
  /** How many Pods were gone at the last look, since when, and whether a Warning was recorded. */
  readonly stall?: { readonly gone: number; readonly sinceMs: number; readonly told: boolean };
  /** Pods that come back, for the session under way. */
  readonly returns?: { readonly session: string; readonly owners: ReturnsByOwner };
  /** When the API server last refused to set or to lift the cordon. */
  readonly cordonRefusedAtMs?: number;
  /** Since when no related Pod is left on a Node that is being drained. */
  readonly emptySinceMs?: number;
  /** Since when stored Pods that never left are seen although the session is over. */
  readonly hereSinceMs?: number;
}

export interface TmmDecision extends Decision<Because> {
  /** All evictions that are wanted now; those that were wanted earlier and not sent yet are withdrawn. */
  readonly evictions: readonly EvictPod[];
  /** Evictions about which admission is asked before any is sent. */
  readonly questions: readonly EvictPod[];
  /** The phase once the actions are carried out; absent without a session. */
  readonly phase?: Phase;
  readonly blockedBy: readonly Blocked[];
  readonly memory: Memory;
  /** The slot that this decision takes, until the caches show it. */
  readonly admitted?: Reservation;
  /** What this decision completes, for the metrics. */
  readonly completed?: {
    readonly rejected?: FailureReason;
    readonly drainMs?: number;
    readonly maintenanceMs?: number;
  };
}

export interface Context {
  readonly settings: TmmSettings;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
  /** The namespace in which this process stores Pods. */
  readonly storesIn?: string;
  readonly memory: Memory;
}

/** A Node with a request, and the input of the rules. */
export interface Request extends Context {
  readonly observed: Observed;
  readonly node: Node;
  readonly taint: AskingTaint;
  readonly related: readonly RelatedPod[];
}

/** The state of a session when its verdict is formed; a new session has no history. */
export type Session = Pick<Report, 'session' | 'started' | 'workloads' | 'returns'> & Partial<Pick<Report, 'pods'>>;

export type Draft = Omit<TmmDecision, 'evictions' | 'questions' | 'blockedBy' | 'memory'> &
  Partial<TmmDecision> & {
    /** When progress was written, or will be: see `enter()`. */
    readonly progress?: { readonly writtenAtMs: number } | { readonly dueAtMs: number };
  };

export const iso = (ms: number): string => new Date(ms).toISOString();

/** The subject of a session: a Node that is asked to go, or one whose request has gone. */
export type Subject = Pick<Request, 'observed' | 'node' | 'memory'>;

/**
 * Progress within a phase is written at most this often. Members of a large workload become ready, or fail, many times a second, and every
 * write of a Node goes to all who watch Nodes.
 */
const PROGRESS_EVERY_MS = 1000;

/** The next phase of a session, or a change within its phase. */
export interface Next extends Pick<Report, 'phase' | 'message' | 'pods'> {
  readonly because: Because;
  readonly sinceMs: number;
  readonly deadlineMs?: number;
  readonly reason?: FailureReason;
  readonly blockedBy?: readonly Blocked[];
  /** The session's own workloads if absent. */
  readonly workloads?: readonly Workload[];
  readonly notModelled?: readonly string[];
  readonly recreated?: readonly string[];
  /** The session's own returns if absent. */
  readonly returns?: Report['returns'];
  readonly overdue?: boolean;
  /** Recorded when the phase begins. */
  readonly event?: RecordEvent;
  /** The marks that this phase wants on Pods; if absent, all of our marks are removed. */
  readonly marks?: readonly Action[];
}

/**
 * The only way into a phase, and from one pass to the next within it: first the report with its conditions, then the Event, then the marks
 * on Pods. The Node comes first, since a mark on a Pod is only valid, and cleaned up, according to the Node's report. After a crash in
 * between, the next pass finds the phase and writes the missing marks; the Event is lost.
 *
 * What only people read is progress, and is written with a pause; everything else is written at once.
 */
export function enter(subject: Subject, session: Session, next: Next): Draft {
  const { observed, node, memory } = subject;
  const { because, sinceMs, deadlineMs, blockedBy = [], event, marks = sweep(subject), ...part } = next;
  const { notModelled = [], recreated = [], overdue = false, ...others } = part;
  const { workloads = session.workloads ?? [], returns = session.returns ?? [], ...rest } = others;
  const before = observed.report.is === 'valid' ? observed.report.report : undefined;
  const same = before?.session === session.session ? before : undefined;
  const taint = observed.asked ?? same?.taint;
  const stored = observed.kept.stored.find((each) => each.session === session.session);
  const storedIn = stored?.secret.metadata.namespace ?? same?.storedIn;
  const report: Report = {
    session: session.session,
    started: session.started,
    ...rest,
    ...(taint !== undefined && { taint: { key: taint.key, value: taint.value, effect: taint.effect } }),
    ...(storedIn !== undefined && { storedIn }),
    since: iso(sinceMs),
    ...(deadlineMs !== undefined && { deadline: iso(deadlineMs) }),
    ...(overdue && { overdue }),
    blockedBy,
    ...(notModelled.length > 0 && { notModelled }),
    ...(workloads.length > 0 && { workloads }),
    ...(returns.length > 0 && { returns }),
    ...(recreated.length > 0 && { recreated }),
  };
  const begins = before?.session !== session.session || before.phase !== next.phase;
  const writes = writeReport(node, report, observed.nowMs);
  const isProgress = same !== undefined && writes.length > 0 && isOnlyProgress(node, same, report, writes);
  const dueAtMs = isProgress ? progressDueAtMs(memory, observed.nowMs) : observed.nowMs;
  const isDue = observed.nowMs >= dueAtMs;
  return {
    because,
    phase: next.phase,
    actions: [
      ...(isDue ? writes : []),
      // A request that is rejected again for the same reason gets a new Event.
      ...(begins && event !== undefined ? [{ ...event, scope: session.session }] : []),
      ...marks,
    ],
    blockedBy,
    ...(isProgress && { progress: isDue ? { writtenAtMs: observed.nowMs } : { dueAtMs } }),
  };
}

/** Whether the write changes nothing that a later pass, or another program, decides by. */
function isOnlyProgress(node: Node, before: Report, now: Report, writes: readonly PatchNodeStatus[]): boolean {
  const changesStatus = writes
    .flatMap(({ conditions }) => conditions)
    .some(({ type, status }) => conditionOf(node.status.conditions, type)?.status !== status);
  return !changesStatus && JSON.stringify(lasting(before)) === JSON.stringify(lasting(boundReport(now)));
}

/** The parts of a report that are not progress, in one order. */
function lasting({
  message: _,
  pods,
  blockedBy,
  notModelled,
  returns,
  ...rest
}: Report): readonly (readonly [string, unknown])[] {
  return Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** When progress may be written; a clock that was set back must not keep it from being written. */
function progressDueAtMs({ progressAtMs }: Memory, nowMs: number): number {
  return progressAtMs === undefined || nowMs < progressAtMs ? nowMs : Math.max(nowMs, progressAtMs + PROGRESS_EVERY_MS);
}

/** Counts the Pods, once `gone` have left since the session began. */
export function countPods({ observed, related }: Request, gone: number): Report['pods'] {
  return { total: gone + related.length, gone, staying: observed.pods.length - related.length };
}

/** Writes the rejection on every related Pod, and removes marks from Pods that do not belong to it. */
export function markAll(
  { observed, node, taint, settings, related }: Request,
  { session, reason, message }: Pick<Report, 'session' | 'reason' | 'message'>,
): readonly Action[] {
  const { name } = node.metadata;
  const annotation = taint.rejectionAnnotation ?? settings.rejectionAnnotation;
  const rejection = { node: name, session, annotation, reason: reason ?? 'GenericFailure', message };
  return [
    ...observed.marked.filter((pod) => !belongsTo(pod, name, session)).flatMap(unmark),
    ...related.filter(({ pod }) => !isDeleting(pod)).flatMap(({ pod }) => mark(pod, rejection)),
  ];
}

/** Removes all marks of this Node's sessions from Pods. */
export function sweep({ observed }: Pick<Subject, 'observed'>): readonly Action[] {
  return observed.marked.flatMap(unmark);
}

/** Delay before retrying after the API server refused to set or to lift the cordon. The session does not depend on it. */
export const CORDON_RETRY_MS = 30_000;

/** @returns until when a refused cordon is not retried; undefined if it may be tried now. */
export function cordonHeldUntilMs({ cordonRefusedAtMs }: Memory, nowMs: number): number | undefined {
  if (cordonRefusedAtMs === undefined || nowMs < cordonRefusedAtMs) return undefined;
  const heldMs = cordonRefusedAtMs + CORDON_RETRY_MS;
  return nowMs < heldMs ? heldMs : undefined;
}

function needsCordon({ observed, node, related, settings, memory }: Request): boolean {
  const isWanted =
    settings.cordon === 'always' ||
    (settings.cordon === 'auto' && related.some(({ pod, fate }) => fate.needsCordon && !isDeleting(pod)));
  if (!isWanted || cordonHeldUntilMs(memory, observed.nowMs) !== undefined) return false;
  return node.spec.unschedulable !== true && annotationOf(node, CORDON_ANNOTATION) === undefined;
}

export function cordon(request: Request, { session }: Report): readonly Action[] {
  return needsCordon(request) ? [setUnschedulable(request.node, session)] : [];
}

/** @param session null lifts the cordon. */
export function setUnschedulable(node: Node, session: string | null): SetUnschedulable {
  return {
    do: 'setUnschedulable',
    target: refOf(NODE, node),
    resourceVersion: node.metadata.resourceVersion,
    unschedulable: session !== null,
    annotations: { [CORDON_ANNOTATION]: session },
  };
}
