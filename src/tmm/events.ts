/** The Events that this feature records, each made by a named function. All are about the Node. */
import { type ObjectRef, type RecordEvent, type RestoreOutcome, refOf } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { formatTaint } from '../core/meta.ts';
import { NODE, type Node } from '../core/objects.ts';
import type { FailureReason, MaintenanceTaint } from './names.ts';
import type { NearMiss } from './taints.ts';

export const EVENT_REASONS = [
  'MaintenanceWaiting',
  'MaintenanceQueued',
  'MaintenanceAdmitted',
  'MaintenanceRejected',
  'MaintenanceBlocked',
  'NodeDrained',
  'MaintenanceExiting',
  'MaintenanceExitIncomplete',
  'MaintenanceEnded',
  'PodRestored',
  'PodNotRestored',
  'UnrecognisedMaintenanceTaint',
  'MaintenanceReportUnreadable',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

function event(node: Node, type: RecordEvent['type'], reason: EventReason, action: string, note: string): RecordEvent {
  const regarding: ObjectRef = refOf(NODE, node);
  return { do: 'recordEvent', regarding, type, reason, action, note };
}

const pods = (count: number): string => (count === 1 ? '1 Pod' : `${count} Pods`);

export function maintenanceWaiting(node: Node, timeoutMs: number, message: string): RecordEvent {
  return event(
    node,
    'Normal',
    'MaintenanceWaiting',
    'JudgeMaintenance',
    `Waiting up to ${formatDuration(timeoutMs)} before rejecting: ${message}`,
  );
}

export function maintenanceQueued(node: Node, message: string): RecordEvent {
  return event(node, 'Normal', 'MaintenanceQueued', 'QueueMaintenance', message);
}

export function maintenanceAdmitted(node: Node, evicting: number, staying: number, timeoutMs: number): RecordEvent {
  const note = `Evicting ${pods(evicting)} within ${formatDuration(timeoutMs)}; ${pods(staying)} may stay`;
  return event(node, 'Normal', 'MaintenanceAdmitted', 'AdmitMaintenance', note);
}

export function maintenanceRejected(
  node: Node,
  reason: FailureReason,
  message: string,
  taint: MaintenanceTaint,
): RecordEvent {
  const note = `${reason}: ${message}. To end this request: kubectl taint node ${node.metadata.name} ${formatTaint(taint)}-`;
  return event(node, 'Warning', 'MaintenanceRejected', 'RejectMaintenance', note);
}

export function maintenanceBlocked(node: Node, blocked: number, message: string): RecordEvent {
  return event(node, 'Warning', 'MaintenanceBlocked', 'EvictPods', `${pods(blocked)} cannot leave yet: ${message}`);
}

export function nodeDrained(node: Node, gone: number, durationMs: number): RecordEvent {
  const note = `${pods(gone)} gone in ${formatDuration(durationMs)}; the machine may be worked on`;
  return event(node, 'Normal', 'NodeDrained', 'EvictPods', note);
}

export function maintenanceExiting(node: Node, awaited: string): RecordEvent {
  return event(
    node,
    'Normal',
    'MaintenanceExiting',
    'ExitMaintenance',
    `Waiting for Pods to be ready again: ${awaited}`,
  );
}

export function maintenanceExitIncomplete(node: Node, timeoutMs: number, missing: string): RecordEvent {
  const note = `Not back ${formatDuration(timeoutMs)} after the taint was removed: ${missing}`;
  return event(node, 'Warning', 'MaintenanceExitIncomplete', 'ExitMaintenance', note);
}

export function maintenanceEnded(node: Node, durationMs: number, gone: number): RecordEvent {
  const note = `Maintenance ended after ${formatDuration(durationMs)}; ${pods(gone)} had left`;
  return event(node, 'Normal', 'MaintenanceEnded', 'ExitMaintenance', note);
}

/** A taint of a known key that asks for nothing: what was probably meant, as commands to copy. */
export function unrecognisedTaint(node: Node, { found, meant }: NearMiss): RecordEvent {
  const { name } = node.metadata;
  const note =
    `Taint ${formatTaint(found)} asks for nothing. To ask for maintenance: kubectl taint node ${name} ${formatTaint(meant)}. ` +
    `To remove it: kubectl taint node ${name} ${formatTaint(found)}-`;
  return event(node, 'Warning', 'UnrecognisedMaintenanceTaint', 'ReadTaints', note);
}

export function reportUnreadable(node: Node, annotation: string, why: string): RecordEvent {
  const note = `Annotation ${annotation} cannot be read (${why}); the maintenance is judged anew`;
  return event(node, 'Warning', 'MaintenanceReportUnreadable', 'ReadReport', note);
}

/** What is said when a stored Pod has come back, or never will. */
export function homecoming(node: Node, pod: string): Readonly<Record<RestoreOutcome, RecordEvent>> {
  const notRestored = (why: string): RecordEvent =>
    event(node, 'Warning', 'PodNotRestored', 'RestorePod', `Pod ${pod} was not created again: ${why}`);
  return {
    Restored: event(node, 'Normal', 'PodRestored', 'RestorePod', `Pod ${pod} was created again`),
    NameTaken: notRestored('somebody has created another Pod of that name'),
    NamespaceGone: notRestored('its namespace has gone'),
  };
}

/** @param secret `namespace/name` */
export function storedPodUnreadable(node: Node, secret: string): RecordEvent {
  const note = `Secret ${secret} does not hold the manifest of a Pod any more; it is left as it is`;
  return event(node, 'Warning', 'PodNotRestored', 'RestorePod', note);
}
