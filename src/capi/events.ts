/** The Events that this feature records, each made by a named function. */
import { type ObjectRef, type RecordEvent, refOf } from '../core/action.ts';
import type { ClusterKey, ConnectionStatus } from '../core/clusters.ts';
import { formatDuration } from '../core/duration.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
} from '../core/machine-keys.ts';
import { CLUSTER, type Cluster, MACHINE, type Machine } from '../core/machine-objects.ts';
import { clusterOf, deletedAtMs } from './machines.ts';
import { type Completed, REASON_OF_RELEASE, type Release } from './names.ts';
import type { Observed } from './observed.ts';
import { KEYS, type Question } from './questions.ts';
import type { CapiSettings } from './settings.ts';

export const EVENT_REASONS = [
  'MaintenanceRequested',
  'MaintenanceApproved',
  'MaintenanceEnded',
  'MaintenanceHookWaiting',
  'DeletionApproved',
  'NodeGone',
  'NotSelected',
  'Disabled',
  'HookTimedOut',
  'StaleApproval',
  'NodeWriteRefused',
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

/** A maintenance or a held deletion has completed, by approval or otherwise. The note of a released deletion begins with the reason. */
export function completed(
  machine: Machine,
  what: Completed,
  { node, nowMs }: Pick<Observed, 'node' | 'nowMs'>,
): RecordEvent {
  const regarding = refOf(MACHINE, machine);
  if (what === 'MaintenanceApproved') {
    return event(regarding, 'Normal', what, 'ApproveMaintenance', `Approved by ${nodeOf(machine)}`);
  }
  const heldFor = formatDuration(nowMs - (deletedAtMs(machine) ?? nowMs));
  const type = what === 'DeletionApproved' || what === 'NodeGone' ? 'Normal' : 'Warning';
  const note = `${REASON_OF_RELEASE[what]}: ${whyReleased(machine, what, node)}; held for ${heldFor}, the deletion goes on`;
  return { ...event(regarding, type, what, 'ReleaseDeletion', note), onceAs: `released-${machine.metadata.uid}` };
}

function whyReleased(machine: Machine, what: Release, node: Observed['node']): string {
  switch (what) {
    case 'DeletionApproved':
      return `${nodeOf(machine)} has approved`;
    case 'NodeGone':
      return node.is === 'taken'
        ? `${nodeOf(machine)} belongs to Machine ${node.by} now`
        : `there is no ${nodeOf(machine)} any more that could approve`;
    case 'NotSelected':
      return `${nodeOf(machine)} lacks the label of capi.requireNodeLabel and has not approved`;
    case 'Disabled':
      return `the Machine is not labelled ${ENABLED_LABEL}=true any more, and ${nodeOf(machine)} has not approved`;
    case 'HookTimedOut':
      return `${nodeOf(machine)} has not approved within capi.hookTimeout`;
  }
}

/** An approval existed before it was requested: perhaps it is left from the last time, and nobody has prepared the Node. */
export function staleApproval(machine: Machine, question: Question, { staleApprovals }: CapiSettings): RecordEvent {
  const meaning =
    staleApprovals === 'ignore'
      ? 'it is ignored until it is taken back and given anew'
      : 'it counts at once (capi.staleApprovals)';
  const note = `${nodeOf(machine)} was labelled ${KEYS[question].approval}=true before it was asked; ${meaning}`;
  return event(refOf(MACHINE, machine), 'Warning', 'StaleApproval', 'AskNode', note);
}

/** @param words the API server's message. */
export function nodeWriteRefused(machine: Machine, words: string): RecordEvent {
  const note = `${nodeOf(machine)} does not take our labels, which holds up nothing here: ${words}`;
  return event(refOf(MACHINE, machine), 'Warning', 'NodeWriteRefused', 'LabelNode', note);
}

export function keyForcedByTemplate(machine: Machine, key: string): RecordEvent {
  const kind = key === HOOK_ANNOTATION ? 'Annotation' : 'Label';
  const note = `${kind} ${key} comes from a template, which would undo every change; it is left alone until the template lets go of it`;
  return event(refOf(MACHINE, machine), 'Warning', 'KeyForcedByTemplate', 'PatchMachine', note);
}

/**
 * Reports a connection's new state; nothing while the connection is well.
 *
 * @param about the Cluster, or one of its Machines if there is no such object.
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
