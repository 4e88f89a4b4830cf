/** What the phases of a session share: what they are given, what they give back, and the pieces that they build it from. */
import { type Action, type EvictPod, refOf, type SetUnschedulable } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import { NODE, type Node } from '../core/objects.ts';
import { CORDON_ANNOTATION, type FailureReason, type MaintenanceTaint, type Phase } from './names.ts';
import type { Observed } from './observed.ts';
import type { RelatedPod } from './pods.ts';
import { belongsTo, mark, unmark } from './rejection.ts';
import type { Blocked, Report } from './report.ts';
import type { TmmSettings } from './settings.ts';
import type { Reservation } from './surroundings.ts';

/**
 * - `Idle`: nobody asks for anything.
 * - `NodeGone`: the Node was deleted; only marks on Pods are left to clean.
 * - `AdmissionPending`: the verdict may still become better.
 * - `Queued`: other Nodes have to be finished first.
 * - `Admitted`: all related Pods may leave.
 * - `Rejected`: they may not, or did not in time.
 * - `RejectionHeld`: the rejection lasts until the taint goes.
 * - `Draining`: evictions are under way.
 * - `Drained`: the last related Pod has gone.
 * - `InMaintenance`: the Node is free to be worked on.
 * - `Uncordoning`: the taint has gone, and so does our cordon.
 * - `Exiting`: what was removed is awaited.
 * - `Ended`: the session is over.
 * - `Restoring`: the session is over, and Pods without a controller are still to be created again.
 */
export type Because =
  | 'Idle'
  | 'NodeGone'
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
 * What the process remembers of a Node between passes, only to be calm: how often it wrote and what it has said. A new
 * process starts without it and is at worst a little more talkative.
 */
export interface Memory {
  readonly hint?: string;
  readonly progressAtMs?: number;
  /** Pods gone at the last look, since when, and whether a Warning was given. */
  readonly stall?: { readonly gone: number; readonly sinceMs: number; readonly told: boolean };
  /** Since when Pods are seen that were stored and have not left, though the session is over. */
  readonly hereSinceMs?: number;
}

export interface TmmDecision extends Decision<Because> {
  /** All evictions that are wanted now; those wanted earlier and not sent yet are withdrawn. */
  readonly evictions: readonly EvictPod[];
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
  readonly memory: Memory;
}

/** A Node with a request, and all that the rules look at. */
export interface Request extends Context {
  readonly observed: Observed;
  readonly node: Node;
  readonly taint: MaintenanceTaint;
  readonly related: readonly RelatedPod[];
}

/** Where a session stands when its verdict is formed; a new one has nothing behind it. */
export type Session = Pick<Report, 'session' | 'started' | 'workloads'> & Partial<Pick<Report, 'pods'>>;

export type Draft = Omit<TmmDecision, 'evictions' | 'blockedBy' | 'memory'> & Partial<TmmDecision>;

export const iso = (ms: number): string => new Date(ms).toISOString();

type ReportPart = Pick<
  Report,
  'phase' | 'since' | 'message' | 'blockedBy' | 'deadline' | 'reason' | 'workloads' | 'notModelled'
> & {
  readonly gone: number;
};

/** The report of a phase; `gone` Pods have left since the session began. */
export function reportOf(
  { observed, related }: Request,
  session: Session,
  { gone, workloads, ...part }: ReportPart,
): Report {
  const displaced = workloads ?? session.workloads;
  return {
    session: session.session,
    started: session.started,
    ...part,
    pods: { total: gone + related.length, gone, staying: observed.pods.length - related.length },
    ...(displaced !== undefined && displaced.length > 0 && { workloads: displaced }),
  };
}

/** Tells every related Pod of the rejection. */
export function markAll(
  { node, taint, settings, related }: Request,
  { session, reason, message }: Report,
): readonly Action[] {
  const annotation = taint.rejectionAnnotation ?? settings.rejectionAnnotation;
  const rejection = { node: node.metadata.name, session, annotation, reason: reason ?? 'GenericFailure', message };
  return related.filter(({ pod }) => !isDeleting(pod)).flatMap(({ pod }) => mark(pod, rejection));
}

/** Takes marks off Pods that do not belong to this Node's rejection; without one, off all of them. */
export function sweep({ observed, node }: Request, rejected?: Report): readonly Action[] {
  return observed.marked
    .filter((pod) => rejected === undefined || !belongsTo(pod, node.metadata.name, rejected.session))
    .flatMap(unmark);
}

function needsCordon({ node, settings }: Request): boolean {
  return settings.cordon && node.spec.unschedulable !== true && annotationOf(node, CORDON_ANNOTATION) === undefined;
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
