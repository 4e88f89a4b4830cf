/** The Events that this feature records, each made by a named function. */
import { type RecordEvent, refOf } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { BARE_METAL_HOST, type BareMetalHost, MACHINE, type Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import type { Because } from './names.ts';

export const EVENT_REASONS = [
  'PowerOffRequested',
  'PowerOnRequested',
  'PowerOffWaiting',
  'PowerOffDisabled',
  'AnnotationVanished',
  'MachineDeletedInMaintenance',
  'ProviderIDMalformed',
  'BareMetalHostNotFound',
  'BareMetalHostMismatch',
  'StartTimedOut',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

const onMachine = (
  machine: Machine,
  type: RecordEvent['type'],
  reason: EventReason,
  action: string,
  note: string,
): RecordEvent => ({ do: 'recordEvent', regarding: refOf(MACHINE, machine), type, reason, action, note });

export function powerOffRequested(machine: Machine, host: BareMetalHost): RecordEvent {
  const note = `Asked Metal3 to keep host ${keyOf(host)} off until the maintenance ends`;
  return onMachine(machine, 'Normal', 'PowerOffRequested', 'PowerOff', note);
}

const onHost = (
  host: BareMetalHost,
  type: RecordEvent['type'],
  reason: EventReason,
  action: string,
  note: string,
): RecordEvent => ({ do: 'recordEvent', regarding: refOf(BARE_METAL_HOST, host), type, reason, action, note });

export function powerOnRequested(host: BareMetalHost): RecordEvent {
  const note = 'No Machine with approved maintenance uses this host; it is not kept off any more';
  return onHost(host, 'Normal', 'PowerOnRequested', 'PowerOn', note);
}

/** On the Machine and on its host: users who look at either must be warned before they touch the other. */
export function machineDeletedInMaintenance(machine: Machine, host: BareMetalHost): readonly RecordEvent[] {
  const why = 'somebody may be at the machine; it stays off until our pre-drain hook goes';
  const reason: EventReason = 'MachineDeletedInMaintenance';
  return [
    onMachine(machine, 'Warning', reason, 'PowerOff', `Deleted while its host ${keyOf(host)} is held off: ${why}`),
    onHost(host, 'Warning', reason, 'PowerOff', `Machine ${keyOf(machine)} is deleted while it is held off: ${why}`),
  ];
}

export function powerOffWaiting(machine: Machine, host: BareMetalHost, why: Because, detail?: string): RecordEvent {
  const note = `Host ${keyOf(host)} is not switched off yet: ${why}${detail === undefined ? '' : ` (${detail})`}`;
  return onMachine(machine, 'Normal', 'PowerOffWaiting', 'PowerOff', note);
}

export function powerOffDisabled(machine: Machine, host: BareMetalHost): RecordEvent {
  const note = `Host ${keyOf(host)} has spec.disablePowerOff: Metal3 would reboot it again and again, so it stays on`;
  return onMachine(machine, 'Warning', 'PowerOffDisabled', 'PowerOff', note);
}

export function annotationVanished(machine: Machine, host: BareMetalHost): RecordEvent {
  const note = `Somebody took our reboot annotation from host ${keyOf(host)}; it is set again with the next request, since the host would else go off once more`;
  return onMachine(machine, 'Warning', 'AnnotationVanished', 'PowerOff', note);
}

export function providerIDMalformed(machine: Machine): RecordEvent {
  const found = JSON.stringify((machine.spec.providerID ?? '').slice(0, 200));
  const note = `Wanted provider ID metal3://namespace/host/metal3machine, found ${found}`;
  return onMachine(machine, 'Warning', 'ProviderIDMalformed', 'PowerOff', note);
}

export function hostNotFound(machine: Machine, what: string): RecordEvent {
  return onMachine(machine, 'Warning', 'BareMetalHostNotFound', 'PowerOff', `There is no BareMetalHost ${what}`);
}

export function hostMismatch(machine: Machine, what: string): RecordEvent {
  return onMachine(machine, 'Warning', 'BareMetalHostMismatch', 'PowerOff', `Not switched off: ${what}`);
}

export function startTimedOut(machine: Machine, afterMs: number): RecordEvent {
  const note = `The Node was not ready ${formatDuration(afterMs)} after the maintenance; remediation is allowed again`;
  return onMachine(machine, 'Warning', 'StartTimedOut', 'AllowRemediation', note);
}
