/** What a host says about itself. */

import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import {
  type Because,
  HOST_DETACHED_ANNOTATION,
  HOST_PAUSED_ANNOTATION,
  POWER_ANNOTATION,
  POWERABLE_STATES,
  REBOOT_ANNOTATION,
} from './names.ts';

/** Whether Metal3 is asked, in our name, to keep the host off. */
export function isHeld(host: BareMetalHost): boolean {
  return annotationOf(host, REBOOT_ANNOTATION) !== undefined;
}

/** Why the host is out of Metal3's hands at present, by somebody's wish. */
export function absenceOf(host: BareMetalHost): 'HostDetached' | 'HostPaused' | undefined {
  const isDetached =
    annotationOf(host, HOST_DETACHED_ANNOTATION) !== undefined || host.status.operationalStatus === 'detached';
  if (isDetached) return 'HostDetached';
  return annotationOf(host, HOST_PAUSED_ANNOTATION) === undefined ? undefined : 'HostPaused';
}

/** Whether anything of ours is on the host. */
export function carriesOurs(host: BareMetalHost): boolean {
  return isHeld(host) || annotationOf(host, POWER_ANNOTATION) !== undefined;
}

/** Whether the host has been switched off for the request that this Machine has now. */
export function isNotedFor(host: BareMetalHost, machine: Machine): boolean {
  return annotationOf(host, POWER_ANNOTATION)?.startsWith(`${machine.metadata.uid}/`) === true;
}

export function noteFor(machine: Machine, nowMs: number): string {
  return `${machine.metadata.uid}/${new Date(nowMs).toISOString()}`;
}

/** RFC 3339; when the host was asked to be off. */
export function heldSince(host: BareMetalHost): string | undefined {
  const since = annotationOf(host, POWER_ANNOTATION)?.split('/')[1];
  return since === undefined || Number.isNaN(Date.parse(since)) ? undefined : since;
}

/**
 * Why Metal3 would not switch the host off now, or should not be asked to. The annotation could be set nevertheless, and
 * would work later; but then the host might go off at a moment when nobody looks whether that is still wanted.
 */
export function obstacleOf(host: BareMetalHost): Because | undefined {
  const { operationalStatus, provisioningState } = host.status;
  if (host.spec.disablePowerOff === true) return 'PowerOffDisabled';
  if (isDeleting(host)) return 'HostDeleting';
  const absence = absenceOf(host);
  if (absence !== undefined) return absence;
  if (operationalStatus === 'servicing') return 'HostServicing';
  // A host without a word on it is taken at its Machine's, which has a provider ID only once it was provisioned.
  const isPowerable = provisioningState === undefined || POWERABLE_STATES.has(provisioningState);
  return isPowerable ? undefined : 'HostNotProvisioned';
}
