/** The Events that this feature records, each made by a named function. All are about the Node. */
import { type ObjectRef, type RecordEvent, type RestoreOutcome, refOf } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { formatTaint } from '../core/meta.ts';
import { NODE, type Node } from '../core/objects.ts';
import { clip } from '../core/text.ts';
import type { Blocked } from './model/report.ts';
import { isOfMachine, type NearMiss } from './model/taints.ts';
import type { FailureReason, MaintenanceTaint } from './names.ts';

export const EVENT_REASONS = [
  'MaintenanceWaiting',
  'MaintenanceQueued',
  'MaintenanceAdmitted',
  'MaintenanceRejected',
  'MaintenanceBlocked',
  'CordonRefused',
  'NodeDrained',
  'NodeNotDrained',
  'MaintenanceExiting',
  'MaintenanceExitIncomplete',
  'MaintenanceEnded',
  'PodRestored',
  'PodNotRestored',
  'StoredPodDiscarded',
  'UnrecognisedMaintenanceTaint',
  'TaintNotConfigured',
  'MaintenanceReportUnreadable',
  'MaintenanceReportRefused',
  'MaintenanceReportRemoved',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

function event(node: Node, type: RecordEvent['type'], reason: EventReason, action: string, note: string): RecordEvent {
  const regarding: ObjectRef = refOf(NODE, node);
  return { do: 'recordEvent', regarding, type, reason, action, note };
}

/** Limit of a message that is followed by a command, since the command must stay whole for people to copy. */
const MAX_MESSAGE_BYTES = 600;

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
  const next = isOfMachine(taint)
    ? 'Its Machine asks for the maintenance: the Node is taken back into service, and judged again when something has changed'
    : `To end this request: kubectl taint node ${node.metadata.name} ${formatTaint(taint)}-`;
  const note = `${reason}: ${clip(message, MAX_MESSAGE_BYTES)}. ${next}`;
  return event(node, 'Warning', 'MaintenanceRejected', 'RejectMaintenance', note);
}

export function maintenanceBlocked(node: Node, blocked: number, message: string): RecordEvent {
  return event(node, 'Warning', 'MaintenanceBlocked', 'EvictPods', `${pods(blocked)} cannot leave yet: ${message}`);
}

/** @param isSetting whether the Node was to be cordoned; otherwise the cordon was to be lifted. */
export function cordonRefused(node: Node, isSetting: boolean, why: string): RecordEvent {
  const what = isSetting
    ? `Cordoning was refused, and workloads that move only from a cordoned Node may stay: kubectl cordon ${node.metadata.name}`
    : `Lifting the cordon was refused: kubectl uncordon ${node.metadata.name}`;
  return event(node, 'Warning', 'CordonRefused', 'CordonNode', `${what}. ${clip(why, MAX_MESSAGE_BYTES)}`);
}

export function nodeDrained(node: Node, gone: number, durationMs: number): RecordEvent {
  const note = `${pods(gone)} gone in ${formatDuration(durationMs)}; the machine may be worked on`;
  return event(node, 'Normal', 'NodeDrained', 'EvictPods', note);
}

/** @param first one of the related Pods that have appeared on a drained Node. */
export function nodeNotDrained(node: Node, count: number, first: Blocked): RecordEvent {
  const note = `${pods(count)} appeared after the Node was drained; Pod ${first.pod}: ${first.detail}. ${first.remedy}`;
  return event(node, 'Warning', 'NodeNotDrained', 'EvictPods', note);
}

/** @param message what the session waits for, as in the report. */
export function maintenanceExiting(node: Node, message: string): RecordEvent {
  return event(node, 'Normal', 'MaintenanceExiting', 'ExitMaintenance', message);
}

/** @param isAwaited whether the report stays, and Nodes with Pods of the same workloads keep waiting. */
export function maintenanceExitIncomplete(
  node: Node,
  timeoutMs: number,
  missing: string,
  isAwaited: boolean,
): RecordEvent {
  const note =
    `Not as before ${formatDuration(timeoutMs)} after the taint was removed: ${clip(missing, MAX_MESSAGE_BYTES)}` +
    (isAwaited ? '. The slot is free; Nodes with Pods of the same workloads wait until these are ready' : '');
  return event(node, 'Warning', 'MaintenanceExitIncomplete', 'ExitMaintenance', note);
}

export function maintenanceEnded(node: Node, durationMs: number, gone: number): RecordEvent {
  const note = `Maintenance ended after ${formatDuration(durationMs)}; ${pods(gone)} had left`;
  return event(node, 'Normal', 'MaintenanceEnded', 'ExitMaintenance', note);
}

/** A taint with a known key that asks for nothing: suggests the taint that was probably meant, as commands to copy. */
export function unrecognisedTaint(node: Node, { found, meant }: NearMiss): RecordEvent {
  const { name } = node.metadata;
  const note =
    `Taint ${formatTaint(found)} asks for nothing. To ask for maintenance: kubectl taint node ${name} ${formatTaint(meant)}. ` +
    `To remove it: kubectl taint node ${name} ${formatTaint(found)}-`;
  return event(node, 'Warning', 'UnrecognisedMaintenanceTaint', 'ReadTaints', note);
}

/** @param taint keeps a maintenance going although the settings no longer name it. */
export function taintNotConfigured(node: Node, taint: MaintenanceTaint): RecordEvent {
  const note =
    `The settings do not name taint ${formatTaint(taint)} any more; the maintenance that it asked for goes on until it is removed: ` +
    `kubectl taint node ${node.metadata.name} ${formatTaint(taint)}-`;
  return event(node, 'Warning', 'TaintNotConfigured', 'ReadTaints', note);
}

/** @param storedIn the namespace of the Secrets. */
export function storedPodsStranded(node: Node, storedIn: string): RecordEvent {
  const note =
    `Pods of this Node are stored in namespace ${storedIn}, and nobody creates them again: run there with tmm.unmanagedPods: recreate. ` +
    `To see them: kubectl -n ${storedIn} get secrets -l maintenance-bridge.io/stored-pod`;
  return event(node, 'Warning', 'PodNotRestored', 'RestorePod', note);
}

export function reportUnreadable(node: Node, annotation: string, why: string): RecordEvent {
  const note = `Annotation ${annotation} cannot be read (${why}); the maintenance is judged anew`;
  return event(node, 'Warning', 'MaintenanceReportUnreadable', 'ReadReport', note);
}

/** Without the report nothing may be evicted, and the Node shows nothing else of the request. */
export function reportRefused(node: Node, why: string): RecordEvent {
  const note =
    'The API server refuses the report of the maintenance, and no further step is taken before it is written; it is tried again. ' +
    `Look at the webhook, the policy or the permission that it names: ${clip(why, MAX_MESSAGE_BYTES)}`;
  return event(node, 'Warning', 'MaintenanceReportRefused', 'WriteReport', note);
}

/** Recorded with each session that begins after a removal, so at most once a minute in the long run. */
export function reportRemoved(node: Node, annotation: string): RecordEvent {
  const note =
    `Somebody removes the annotation ${annotation} again and again while the taint is there. Each time the maintenance begins anew, ` +
    'from now on after pauses of up to a minute';
  return event(node, 'Warning', 'MaintenanceReportRemoved', 'BeginMaintenance', note);
}

/** The Events about a stored Pod that has come back, or never will. */
export function restoreEvents(node: Node, pod: string, session: string): Readonly<Record<RestoreOutcome, RecordEvent>> {
  const told = (type: RecordEvent['type'], reason: EventReason, note: string): RecordEvent => ({
    ...event(node, type, reason, 'RestorePod', note),
    scope: session,
  });
  const notRestored = (why: string): RecordEvent =>
    told('Warning', 'PodNotRestored', `Pod ${pod} was not created again: ${why}`);
  return {
    Restored: told('Normal', 'PodRestored', `Pod ${pod} was created again`),
    NameTaken: notRestored('somebody has created another Pod of that name'),
    NamespaceGone: notRestored('its namespace has gone'),
  };
}

export function storedPodEnded(node: Node, pod: string): RecordEvent {
  const note = `Pod ${pod} has finished or was deleted, and not because of the maintenance; it is not created again`;
  return event(node, 'Normal', 'StoredPodDiscarded', 'RestorePod', note);
}

/** @param secret `namespace/name` */
export function storedPodUnreadable(node: Node, secret: string): RecordEvent {
  const note = `Secret ${secret} does not hold the manifest of a Pod any more; it is left as it is`;
  return event(node, 'Warning', 'PodNotRestored', 'RestorePod', note);
}
