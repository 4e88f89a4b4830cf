/**
 * Decides whether a Machine's host has to be off, and whether the Machine is protected from remediation meanwhile. The rules:
 *
 * - A host is switched off while maintenance is approved, once per request. The note that it was done for this request is written together
 *   with the annotation that does it, so no crash comes between the two.
 * - A reboot annotation that somebody removed is not restored: each time, the host would go off again.
 * - Remediation is suspended before the host goes off, and until it is back, or until `metal3.startTimeout`: a MachineHealthCheck would
 *   take a starting host for a failed one. Only our own annotation is removed again.
 * - If a Machine is deleted while our hook holds the deletion, its host stays off, with a Warning on both: the person who was promised that
 *   the machine is off may still be working on it.
 * - A paused Machine is not written to.
 * - Only an approved Machine keeps a host off. Switching it on again is not part of this pass but of the host's own (`sweep.ts`), so that
 *   it also happens if the Machine is gone.
 */
import { type Action, type PatchMeta, type RecordEvent, refOf } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import { SKIP_REMEDIATION_ANNOTATION, SKIP_REMEDIATION_OWNER } from '../core/machine-keys.ts';
import { BARE_METAL_HOST, type BareMetalHost, MACHINE, type Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import * as events from './events.ts';
import { isHeld, isNotedFor, noteFor, obstacleOf } from './hosts.ts';
import { holdsRemediation, skipsRemediation, wantsOff } from './machines.ts';
import { type Because, POWER_ANNOTATION, REBOOT_ANNOTATION } from './names.ts';
import type { Gate, Observed } from './observed.ts';
import type { Metal3Settings } from './settings.ts';

type Metal3Decision = Decision<Because>;

/** Nodes of workload clusters are polled, not watched, for the gates' conditions. */
const GATE_POLL_MS = 10_000;
const GATES: ReadonlySet<Because> = new Set<Gate & Because>([
  'NodeUnknown',
  'NodeNotDrained',
  'NodeNotEmpty',
  'VolumesAttached',
]);

export function decide(observed: Observed, settings: Metal3Settings): Metal3Decision {
  return wantsOff(observed.machine) ? decideOff(observed, settings) : decideEnd(observed, settings);
}

function decideOff(observed: Observed, settings: Metal3Settings): Metal3Decision {
  const { machine, claim } = observed;
  switch (claim.is) {
    case 'notOurs':
      return { because: 'NotOurs', actions: [] };
    case 'unknown':
      return { because: 'HostUnknown', actions: [] };
    case 'malformed':
      return { because: 'ProviderIDMalformed', actions: [events.providerIDMalformed(machine)] };
    case 'notFound':
      return { because: 'BareMetalHostNotFound', actions: [events.hostNotFound(machine, claim.what)] };
    case 'mismatch':
      return { because: 'BareMetalHostMismatch', actions: [events.hostMismatch(machine, claim.what)] };
    case 'host': {
      const { because, actions } = isHeld(claim.host)
        ? decideHeld(observed, claim.host)
        : decideUnheld(observed, claim.host, settings);
      return {
        because,
        // A crash in between leaves a Machine without remediation and a host that is on; the next pass continues.
        actions: observed.isPaused ? actions : [...withoutRemediation(machine), ...actions],
        // Nothing else needs a requeue: an event of the host, the Machine or the Cluster will come.
        ...(GATES.has(because) && { requeueAfterMs: GATE_POLL_MS }),
      };
    }
  }
}

function decideHeld({ machine, nowMs }: Observed, host: BareMetalHost): Metal3Decision {
  const isNoted = isNotedFor(host, machine);
  // The note is kept or added, so that the end of `disablePowerOff` does not switch the host off for an old request.
  const note = isNoted ? {} : { [POWER_ANNOTATION]: noteFor(machine, nowMs) };
  if (host.spec.disablePowerOff === true) {
    const patch = patchOfHost(host, { [REBOOT_ANNOTATION]: null, ...note });
    return { because: 'PowerOffDisabled', actions: [patch, events.powerOffDisabled(machine, host)] };
  }
  // Somebody else, perhaps the reference controller, may have set it before us.
  const actions = isNoted ? [] : [patchOfHost(host, note)];
  if (isDeleting(machine)) {
    const told = events.machineDeletedInMaintenance(machine, host);
    return { because: 'MachineDeletedInMaintenance', actions: [...actions, ...told] };
  }
  return { because: host.status.poweredOn === false ? 'HeldOff' : (obstacleOf(host) ?? 'PoweringOff'), actions };
}

function decideUnheld(observed: Observed, host: BareMetalHost, settings: Metal3Settings): Metal3Decision {
  const { machine, isPaused, gate, gateDetail, nowMs } = observed;
  const obstacle = obstacleOf(host);
  if (obstacle === 'PowerOffDisabled') {
    return { because: obstacle, actions: [events.powerOffDisabled(machine, host)] };
  }
  if (isNotedFor(host, machine)) {
    return { because: 'AnnotationVanished', actions: [events.annotationVanished(machine, host)] };
  }
  const why = isPaused ? 'MachinePaused' : (obstacle ?? (gate === 'open' ? undefined : gate));
  if (why !== undefined) {
    const detail = why === gate ? gateDetail : undefined;
    return { because: why, actions: [events.powerOffWaiting(machine, host, why, detail)] };
  }
  const value = settings.rebootMode === 'hard' ? '{"mode":"hard"}' : '';
  const patch = patchOfHost(host, {
    [REBOOT_ANNOTATION]: value,
    [POWER_ANNOTATION]: noteFor(machine, nowMs),
  });
  return { because: 'PoweringOff', actions: [patch, events.powerOffRequested(machine, host)] };
}

function decideEnd({ machine, claim, isPaused, nowMs }: Observed, { startTimeoutMs }: Metal3Settings): Metal3Decision {
  if (!holdsRemediation(machine)) return { because: 'NotRequested', actions: [] };
  if (isPaused) return { because: 'MachinePaused', actions: [] };
  if (isDeleting(machine)) return { because: 'NotRequested', actions: [withRemediation(machine)] };
  if (claim.is === 'unknown') return { because: 'HostUnknown', actions: [] };
  if (claim.is !== 'host') return { because: 'NotRequested', actions: [withRemediation(machine)] };
  // The host's own pass removes the annotation, and its event triggers the next pass.
  if (isHeld(claim.host)) return { because: 'PoweringOn', actions: [] };
  const isBack = claim.host.status.poweredOn !== false && machine.status.nodeReady !== false;
  if (isBack || startTimeoutMs === 0) return { because: 'NotRequested', actions: [withRemediation(machine)] };
  const endedAtMs = Date.parse(annotationOf(machine, SKIP_REMEDIATION_OWNER) ?? '');
  if (Number.isNaN(endedAtMs)) {
    const patch = patchOfMachine(machine, { [SKIP_REMEDIATION_OWNER]: new Date(nowMs).toISOString() });
    return { because: 'PoweringOn', actions: [patch], requeueAfterMs: startTimeoutMs };
  }
  const leftMs = endedAtMs + startTimeoutMs - nowMs;
  if (leftMs > 0) return { because: 'PoweringOn', actions: [], requeueAfterMs: leftMs };
  const told: RecordEvent = events.startTimedOut(machine, startTimeoutMs);
  return { because: 'NotRequested', actions: [withRemediation(machine), told] };
}

/** Suspends remediation by a MachineHealthCheck; an annotation that somebody else has set for this purpose is left alone. */
function withoutRemediation(machine: Machine): readonly Action[] {
  if (holdsRemediation(machine)) {
    const isCurrent = annotationOf(machine, SKIP_REMEDIATION_OWNER) === '';
    return isCurrent ? [] : [patchOfMachine(machine, { [SKIP_REMEDIATION_OWNER]: '' })];
  }
  if (skipsRemediation(machine)) return [];
  return [patchOfMachine(machine, { [SKIP_REMEDIATION_ANNOTATION]: '', [SKIP_REMEDIATION_OWNER]: '' })];
}

function withRemediation(machine: Machine): PatchMeta {
  return patchOfMachine(machine, { [SKIP_REMEDIATION_ANNOTATION]: null, [SKIP_REMEDIATION_OWNER]: null });
}

/** The rules read the whole object: any change in between has to be considered first. */
function patchOfMachine(machine: Machine, annotations: NonNullable<PatchMeta['annotations']>): PatchMeta {
  const { resourceVersion } = machine.metadata;
  return { do: 'patchMeta', target: refOf(MACHINE, machine), resourceVersion, annotations };
}

function patchOfHost(host: BareMetalHost, annotations: NonNullable<PatchMeta['annotations']>): PatchMeta {
  const { resourceVersion } = host.metadata;
  return { do: 'patchMeta', target: refOf(BARE_METAL_HOST, host), resourceVersion, annotations };
}
