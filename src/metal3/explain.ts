/** Tells people how a host stands, by the very rules that the bridge acts on. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import { MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { annotationOf, keyOf } from '../core/meta.ts';
import { claimKeysOf } from './claims.ts';
import { decide } from './decide.ts';
import { heldSince, isHeld } from './hosts.ts';
import { MACHINES_BY_HOST } from './indexes.ts';
import { needsAttention, wantsOff } from './machines.ts';
import {
  type Because,
  HOST_DETACHED_ANNOTATION,
  HOST_PAUSED_ANNOTATION,
  POWER_ANNOTATION,
  REBOOT_ANNOTATION,
} from './names.ts';
import { type Metal3Readers, observe } from './observe.ts';
import type { Metal3Settings } from './settings.ts';

type Telling = Pick<Explanation, 'summary' | 'waitsFor' | 'release'>;

/** @param readers hold at least the Machines and Clusters of the host's namespace, and the host itself. */
export function explainHost(
  host: BareMetalHost,
  readers: Metal3Readers,
  settings: Metal3Settings,
  nowMs: number,
): Explanation {
  const machine = machineOf(host, readers);
  const seen = machine && observe(readers, machine, nowMs);
  // Whether a gate is open only the Node could say, and it is not asked here: not knowing is not the same as open.
  const hasGate = settings.requireDrained || settings.waitForVolumeDetach;
  const observed = seen && hasGate ? ({ ...seen, gate: 'NodeUnknown' } as const) : seen;
  const because = observed === undefined ? 'NotRequested' : decide(observed, settings).because;
  const since = heldSince(host);
  const isUnderWay = because !== 'NotRequested' || isHeld(host);
  const { errorType } = host.status;
  const isFailing = errorType !== undefined && (because === 'PoweringOff' || because === 'PoweringOn');
  return {
    kind: 'BareMetalHost',
    name: keyOf(host),
    state: because,
    outlook: isUnderWay ? (isFailing ? 'Stuck' : OUTLOOK[because]) : 'Idle',
    isUnderWay,
    ...(since !== undefined && { since }),
    ...tell(because, host, machine),
    ...(isFailing && { waitsFor: `Metal3, which reports: ${errorType}` }),
    details: [
      `Power wanted by us: ${isHeld(host) ? 'off' : 'on'}`,
      `Power observed by Metal3: ${powerOf(host)}`,
      `Machine: ${machine === undefined ? 'none' : keyOf(machine)}`,
      ...Object.entries({
        'Provisioning state': host.status.provisioningState,
        'Operational status': host.status.operationalStatus,
        Error: host.status.errorType,
      }).flatMap(([what, value]) => (value === undefined ? [] : [`${what}: ${value}`])),
      ...othersOn(host).map((key) => `Held off or rebooted by somebody else too: ${key}`),
    ],
  };
}

/** Of what is under way. */
const OUTLOOK: Readonly<Record<Because, Outlook>> = {
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
  VolumesAttached: 'Waiting',
  PoweringOff: 'Moving',
  HeldOff: 'Ready',
  AnnotationVanished: 'Stuck',
};

/** Of several Machines that name the host, the one whose wish counts. */
function machineOf(host: BareMetalHost, { machines }: Metal3Readers): Machine | undefined {
  const named = claimKeysOf(host).flatMap((value) => {
    const found = machines.byIndex(MACHINES_BY_HOST.name, value);
    return found.is === 'known' ? found.value : [];
  });
  const sorted = named.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return sorted.find(wantsOff) ?? sorted.find(needsAttention) ?? sorted[0];
}

const powerOf = ({ status: { poweredOn } }: BareMetalHost): string =>
  poweredOn === undefined ? 'unknown' : poweredOn ? 'on' : 'off';

const othersOn = ({ metadata }: BareMetalHost): readonly string[] =>
  Object.keys(metadata.annotations ?? {}).filter(
    (key) => key !== REBOOT_ANNOTATION && /^reboot\.metal3\.io($|\/)/.test(key),
  );

function tell(because: Because, host: BareMetalHost, machine: Machine | undefined): Telling {
  const { namespace, name } = host.metadata;
  const onHost = `kubectl -n ${namespace} annotate baremetalhost ${name}`;
  const onMachine = `kubectl -n ${namespace} label machine ${machine?.metadata.name} ${MAINTENANCE_LABEL}`;
  const end = `${onMachine}-`;
  switch (because) {
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
