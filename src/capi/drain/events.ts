/** The Events of machine drain. They are about the Machine, since nobody has set a taint and watches the Node. */
import { type RecordEvent, refOf } from '../../core/action.ts';
import { MAINTENANCE_LABEL } from '../../core/machine-keys.ts';
import { MACHINE, type Machine } from '../../core/machine-objects.ts';
import type { Question } from '../questions.ts';

export const DRAIN_EVENT_REASONS = [
  'DrainStarted',
  'DrainWaiting',
  'NodeDrained',
  'MaintenanceRejected',
  'DeletionHeldByMaintenance',
  'DrainUnseen',
] as const;

function event(
  machine: Machine,
  type: RecordEvent['type'],
  reason: (typeof DRAIN_EVENT_REASONS)[number],
  note: string,
): RecordEvent {
  return { do: 'recordEvent', regarding: refOf(MACHINE, machine), type, reason, action: 'DrainNode', note };
}

const nodeOf = ({ status }: Machine): string => `Node ${status.nodeName ?? '(none)'}`;

export function drainStarted(machine: Machine, question: Question): RecordEvent {
  const purpose = question === 'deletion' ? 'its deletion' : 'the maintenance that was requested';
  return event(machine, 'Normal', 'DrainStarted', `${nodeOf(machine)} is fenced and drained for ${purpose}`);
}

export function drainWaiting(machine: Machine, message: string): RecordEvent {
  return event(machine, 'Normal', 'DrainWaiting', message);
}

export function nodeDrained(machine: Machine, questions: readonly Question[]): RecordEvent {
  return event(machine, 'Normal', 'NodeDrained', `${nodeOf(machine)} is empty; approved: ${questions.join(', ')}`);
}

export function rejected(machine: Machine, reason: string, message: string): RecordEvent {
  const note = `${nodeOf(machine)} may not be drained (${reason}): ${message}. It is judged anew when something has changed`;
  return event(machine, 'Warning', 'MaintenanceRejected', note);
}

export function deletionHeldByMaintenance(machine: Machine): RecordEvent {
  const note =
    `The deletion is held while maintenance is approved: somebody may be at the machine. ` +
    `It goes on when the label ${MAINTENANCE_LABEL} is removed`;
  return event(machine, 'Warning', 'DeletionHeldByMaintenance', note);
}

export function drainUnseen(machine: Machine, why: string): RecordEvent {
  return event(machine, 'Warning', 'DrainUnseen', `Nothing is evicted from ${nodeOf(machine)} at present: ${why}`);
}
