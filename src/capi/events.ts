/** The Events that this feature records, each made by a named function. */
import { type ObjectRef, type RecordEvent, refOf } from '../core/action.ts';
import type { ClusterKey, ConnectionStatus } from '../core/clusters.ts';
import { formatDuration } from '../core/duration.ts';
import { APPROVE_DELETION_LABEL, APPROVE_MAINTENANCE_LABEL, HOOK_ANNOTATION } from '../core/machine-keys.ts';
import { CLUSTER, type Cluster, MACHINE, type Machine } from '../core/machine-objects.ts';
import { clusterOf, deletedAtMs } from './machines.ts';
import type { Completed } from './names.ts';
import type { Observed } from './observed.ts';

export const EVENT_REASONS = [
  'MaintenanceRequested',
  'MaintenanceApproved',
  'MaintenanceEnded',
  'MaintenanceHookWaiting',
  'DeletionApproved',
  'NodeGone',
  'HookTimedOut',
  'KeyForcedByTemplate',
  'KubeconfigRefused',
  'ClusterUnreachable',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

function event(
  regarding: ObjectRef,
  type: RecordEvent['type'],
  reason: EventReason,
  action: string,
  note: string,
): RecordEvent {
  return { do: 'recordEvent', regarding, type, reason, action, note };
}

const nodeOf = (machine: Machine): string =>
  `Node ${machine.status.nodeName ?? '(none yet)'} of cluster ${clusterOf(machine) ?? '(none)'}`;

export function maintenanceRequested(machine: Machine): RecordEvent {
  const note = `Told ${nodeOf(machine)}; it approves with label ${APPROVE_MAINTENANCE_LABEL}=true`;
  return event(refOf(MACHINE, machine), 'Normal', 'MaintenanceRequested', 'PropagateMaintenance', note);
}

export function maintenanceEnded(machine: Machine): RecordEvent {
  const note = `Told ${nodeOf(machine)} that no maintenance is wanted any more`;
  return event(refOf(MACHINE, machine), 'Normal', 'MaintenanceEnded', 'PropagateMaintenance', note);
}

export function hookWaiting({ machine, node, connection }: Observed, ageMs: number): RecordEvent {
  const waitsFor =
    node.is === 'present'
      ? `label ${APPROVE_DELETION_LABEL}=true on ${nodeOf(machine)}`
      : `${nodeOf(machine)}, which cannot be seen (${connection?.detail ?? connection?.state ?? 'no connection'})`;
  const note = `The deletion has been held for ${formatDuration(ageMs)} and waits for ${waitsFor}`;
  return event(refOf(MACHINE, machine), 'Normal', 'MaintenanceHookWaiting', 'HoldDeletion', note);
}

/** That something came to its end, by approval or otherwise. */
export function completed(machine: Machine, what: Completed, nowMs: number): RecordEvent {
  const regarding = refOf(MACHINE, machine);
  const heldFor = formatDuration(nowMs - (deletedAtMs(machine) ?? nowMs));
  switch (what) {
    case 'MaintenanceApproved':
      return event(regarding, 'Normal', what, 'ApproveMaintenance', `Approved by ${nodeOf(machine)}`);
    case 'DeletionApproved':
      return event(
        regarding,
        'Normal',
        what,
        'ReleaseDeletion',
        `Approved by ${nodeOf(machine)}; the deletion was held for ${heldFor} and goes on`,
      );
    case 'NodeGone':
      return event(
        regarding,
        'Normal',
        what,
        'ReleaseDeletion',
        `There is no ${nodeOf(machine)} any more that could approve; the deletion goes on`,
      );
    case 'HookTimedOut':
      return event(
        regarding,
        'Warning',
        what,
        'ReleaseDeletion',
        `${nodeOf(machine)} has not approved within ${heldFor}; the deletion goes on without its approval`,
      );
  }
}

export function keyForcedByTemplate(machine: Machine, key: string): RecordEvent {
  const kind = key === HOOK_ANNOTATION ? 'Annotation' : 'Label';
  const note = `${kind} ${key} comes from a template, which would undo every change; it is left alone until the template lets go of it`;
  return event(refOf(MACHINE, machine), 'Warning', 'KeyForcedByTemplate', 'PatchMachine', note);
}

/**
 * What people should know of a connection's new state; nothing while all goes well.
 *
 * @param about the Cluster, or one of its Machines where there is no such object.
 */
export function connectionChanged(
  about: { readonly cluster: Cluster } | { readonly machine: Machine },
  key: ClusterKey,
  { state, detail = 'no reason given' }: ConnectionStatus,
): readonly RecordEvent[] {
  const regarding = 'cluster' in about ? refOf(CLUSTER, about.cluster) : refOf(MACHINE, about.machine);
  switch (state) {
    case 'Refused':
      return [event(regarding, 'Warning', 'KubeconfigRefused', 'ConnectCluster', `Kubeconfig of ${key}: ${detail}`)];
    case 'Unreachable':
    case 'Unauthorized': {
      const note = `${key} is ${state}, so its Machines wait: ${detail}`;
      return [event(regarding, 'Warning', 'ClusterUnreachable', 'ConnectCluster', note)];
    }
    case 'Connecting':
    case 'Connected':
      return [];
  }
}
