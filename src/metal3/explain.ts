/** Explains the state of a host to people, by the very rules that the bridge acts on. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import { MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { annotationOf, keyOf } from '../core/meta.ts';
import { claimKeysOf, isConsumerUnknown, isWantedOff } from './claims.ts';
import { decide } from './decide.ts';
import { heldSince, isHeld } from './hosts.ts';
import { MACHINES_BY_HOST } from './indexes.ts';
import { needsAttention, wantsOff } from './machines.ts';
import {
  type Because,
  HOST_DETACHED_ANNOTATION,
  HOST_PAUSED_ANNOTATION,
  type LeaveReason,
  POWER_ANNOTATION,
  REBOOT_ANNOTATION,
} from './names.ts';
import { clusterOf, type Metal3Readers, observe } from './observe.ts';
import type { Metal3Settings } from './settings.ts';
import { decideSweep, leaveReasonOf } from './sweep.ts';

type Telling = Pick<Explanation, 'summary' | 'waitsFor' | 'release'>;

/** @param readers hold at least the Machines and Clusters of the host's namespace, and the host itself. */
export function explainHost(
  host: BareMetalHost,
  readers: Metal3Readers,
  settings: Metal3Settings,
  nowMs: number,
): Explanation {
  if (isWantedOff(host, readers) === 'unknown') return withoutMachines(host);
  const machine = machineOf(host, readers);
  // If Clusters may not be read, a host is explained as if nothing were paused, and the last detail says so.
  const isClusterUnseen = machine !== undefined && readers.clusters.get(clusterOf(machine)).is === 'unknown';
  const seen = machine && observe(isClusterUnseen ? { ...readers, clusters: NO_CLUSTERS } : readers, machine, nowMs);
  // Only the Node shows whether a gate is open, and it is not read here: unknown is not the same as open.
  const hasGate = settings.requireDrained || settings.waitForVolumeDetach;
  const observed = seen && hasGate ? ({ ...seen, gate: 'NodeUnknown' } as const) : seen;
  const because = observed === undefined ? 'NotRequested' : decide(observed, settings).because;
  const left = because === 'NotRequested' ? leftAlone(host, readers) : undefined;
  const since = heldSince(host);
  const isUnderWay = because !== 'NotRequested' || isHeld(host);
  const { errorType } = host.status;
  const isFailing = errorType !== undefined && (because === 'PoweringOff' || because === 'PoweringOn');
  return {
    kind: 'BareMetalHost',
    name: keyOf(host),
    state: left ?? because,
    outlook: outlookOf(left ?? because, isUnderWay, isFailing),
    isUnderWay,
    ...(since !== undefined && { since }),
    ...(left === undefined ? tell(because, host, machine) : tellLeft(left, host)),
    ...(isFailing && { waitsFor: `Metal3, which reports: ${errorType}` }),
    details: [
      `Power wanted by us: ${isHeld(host) ? 'off' : 'on'}`,
      `Power observed by Metal3: ${powerOf(host)}`,
      `Machine: ${machine === undefined ? 'none' : keyOf(machine)}`,
      ...ofHost(host),
      ...(isClusterUnseen ? ['Not seen: the Cluster of its Machine, which may be paused'] : []),
    ],
  };
}

/** The part that the host itself shows, for users who may not read Machines. */
function withoutMachines(host: BareMetalHost): Explanation {
  const since = heldSince(host);
  return {
    kind: 'BareMetalHost',
    name: keyOf(host),
    state: 'MachineUnseen',
    outlook: isHeld(host) ? 'Waiting' : 'Idle',
    isUnderWay: isHeld(host),
    ...(since !== undefined && { since }),
    summary: `${isHeld(host) ? 'We hold it off' : 'We do not hold it off'}; its Machine is not seen, so its wish is not known`,
    details: [
      `Power wanted by us: ${isHeld(host) ? 'off' : 'on'}`,
      `Power observed by Metal3: ${powerOf(host)}`,
      ...ofHost(host),
    ],
  };
}

const NO_CLUSTERS: Metal3Readers['clusters'] = {
  get: () => ({ is: 'absent' }),
  byIndex: () => ({ is: 'known', value: [] }),
};

function ofHost(host: BareMetalHost): readonly string[] {
  return [
    ...Object.entries({
      'Provisioning state': host.status.provisioningState,
      'Operational status': host.status.operationalStatus,
      Error: host.status.errorType,
    }).flatMap(([what, value]) => (value === undefined ? [] : [`${what}: ${value}`])),
    ...othersOn(host).map((key) => `Held off or rebooted by somebody else too: ${key}`),
  ];
}

function outlookOf(state: Because | LeaveReason, isUnderWay: boolean, isFailing: boolean): Outlook {
  if (!isUnderWay) return 'Idle';
  return isFailing ? 'Stuck' : OUTLOOK[state];
}

/** The outlook of each state while something is under way. */
const OUTLOOK: Readonly<Record<Because | LeaveReason, Outlook>> = {
  ConsumerUnknown: 'Stuck',
  NotRequested: 'Moving',
  PoweringOn: 'Moving',
  NotOurs: 'Stuck',
  ProviderIDMalformed: 'Stuck',
  HostUnknown: 'Stuck',
  BareMetalHostNotFound: 'Stuck',
  BareMetalHostMismatch: 'Stuck',
  MachinePaused: 'Waiting',
  HostDeleting: 'Moving',
  HostDetached: 'Stuck',
  HostPaused: 'Waiting',
  HostServicing: 'Moving',
  HostNotProvisioned: 'Moving',
  PowerOffDisabled: 'Stuck',
  NodeUnknown: 'Stuck',
  NodeNotDrained: 'Waiting',
  NodeNotEmpty: 'Waiting',
  VolumesAttached: 'Waiting',
  PoweringOff: 'Moving',
  HeldOff: 'Ready',
  MachineDeletedInMaintenance: 'Waiting',
  AnnotationVanished: 'Stuck',
};

/** If several Machines name the host, the one whose claim counts. */
function machineOf(host: BareMetalHost, { machines }: Metal3Readers): Machine | undefined {
  const named = claimKeysOf(host).flatMap((value) => {
    const found = machines.byIndex(MACHINES_BY_HOST.name, value);
    return found.is === 'known' ? found.value : [];
  });
  const sorted = named.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return sorted.find(wantsOff) ?? sorted.find(needsAttention) ?? sorted[0];
}

/** Why a host that no Machine wants off keeps our annotation. */
function leftAlone(host: BareMetalHost, readers: Metal3Readers): LeaveReason | undefined {
  const use = { isWantedOff: isWantedOff(host, readers), isConsumerUnknown: isConsumerUnknown(host, readers) };
  return leaveReasonOf(decideSweep(host, use).because);
}

const powerOf = ({ status: { poweredOn } }: BareMetalHost): string =>
  poweredOn === undefined ? 'unknown' : poweredOn ? 'on' : 'off';

const othersOn = ({ metadata }: BareMetalHost): readonly string[] =>
  Object.keys(metadata.annotations ?? {}).filter(
    (key) => key !== REBOOT_ANNOTATION && /^reboot\.metal3\.io($|\/)/.test(key),
  );

/** The host is off for no known Machine, and the bridge leaves it alone. */
function tellLeft(reason: LeaveReason, host: BareMetalHost): Telling {
  const { namespace, name } = host.metadata;
  const onHost = `kubectl -n ${namespace} annotate baremetalhost ${name}`;
  const consumer = host.spec.consumerRef?.name ?? '';
  switch (reason) {
    case 'HostDetached':
    case 'HostPaused': {
      const key = reason === 'HostPaused' ? HOST_PAUSED_ANNOTATION : HOST_DETACHED_ANNOTATION;
      return {
        summary: 'No Machine wants it off; our annotation is left while the host is out of Metal3’s hands',
        waitsFor: reason === 'HostPaused' ? 'whoever paused it' : 'whoever detached it',
        release: `${onHost} ${key}-`,
      };
    }
    case 'ConsumerUnknown':
      return {
        summary: `No Machine stands for its consumer ${consumer}, so it is not known whether it may be on`,
        waitsFor: 'the Machine to appear; the command lets the host be on without it',
        release: `${onHost} ${REBOOT_ANNOTATION}- ${POWER_ANNOTATION}-`,
      };
  }
}

function tell(because: Because, host: BareMetalHost, machine: Machine | undefined): Telling {
  const { namespace, name } = host.metadata;
  const onHost = `kubectl -n ${namespace} annotate baremetalhost ${name}`;
  const onMachine = `kubectl -n ${namespace} label machine ${machine?.metadata.name} ${MAINTENANCE_LABEL}`;
  const end = `${onMachine}-`;
  switch (because) {
    case 'MachineDeletedInMaintenance':
      return {
        summary: 'Its Machine is deleted, and it stays off while our hook holds the deletion',
        waitsFor: 'the approval of the deletion, once nobody is at the machine any more',
        release: `maintenance-bridge why machine/${machine?.metadata.name} -n ${namespace}`,
      };
    case 'NotRequested':
      return isHeld(host)
        ? {
            summary: 'No Machine wants it off, but our annotation is there',
            waitsFor: 'the bridge, which takes it away',
          }
        : { summary: 'Nobody asks for it to be off' };
    case 'PoweringOn':
      return { summary: 'The maintenance has ended', waitsFor: 'the host and its Node, which start again' };
    case 'HeldOff':
      return {
        summary: 'It is off and may be worked on',
        waitsFor: 'the user, who ends the maintenance',
        release: end,
      };
    case 'PoweringOff':
      return { summary: 'It is to be off', waitsFor: 'Metal3, which switches it off' };
    case 'HostDetached':
      return {
        summary: 'It is detached, so its power is not managed',
        waitsFor: 'whoever detached it',
        release: `${onHost} ${HOST_DETACHED_ANNOTATION}-`,
      };
    case 'HostPaused':
      return {
        summary: 'Metal3 is paused for it',
        waitsFor: 'whoever paused it',
        release: `${onHost} ${HOST_PAUSED_ANNOTATION}-`,
      };
    case 'HostServicing':
      return { summary: 'Firmware is being serviced', waitsFor: 'Metal3, which finishes that first' };
    case 'HostNotProvisioned':
      return { summary: 'It is not provisioned', waitsFor: 'Metal3, which provisions it' };
    case 'HostDeleting':
      return { summary: 'It is being deleted' };
    case 'PowerOffDisabled':
      return {
        summary: 'It has spec.disablePowerOff and is never switched off',
        waitsFor: 'whoever forbade it',
        release: `kubectl -n ${namespace} patch baremetalhost ${name} --type merge -p '{"spec":{"disablePowerOff":false}}'`,
      };
    case 'AnnotationVanished':
      return {
        summary: `Somebody took our reboot annotation away, so it stays on (${annotationOf(host, POWER_ANNOTATION)})`,
        waitsFor: 'the user, who ends the maintenance and asks again',
        release: end,
      };
    case 'BareMetalHostMismatch':
      return {
        summary: 'A Machine names it that may not switch it off',
        waitsFor: 'whoever can correct the provider ID',
      };
    case 'MachinePaused':
      return { summary: 'Its Machine or Cluster is paused', waitsFor: 'whoever paused it' };
    case 'NodeUnknown':
    case 'NodeNotDrained':
    case 'NodeNotEmpty':
    case 'VolumesAttached':
      return {
        summary: 'It is not off yet',
        waitsFor: 'its Node to be as metal3.requireDrained and metal3.waitForVolumeDetach want it',
      };
    case 'HostUnknown':
    case 'BareMetalHostNotFound':
    case 'ProviderIDMalformed':
    case 'NotOurs':
      return { summary: `It is not switched off: ${because}` };
  }
}
