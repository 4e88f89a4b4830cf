/** The state of a host as its own fields show it. */

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

/** Whether Metal3 is asked by our annotation to keep the host off. */
export function isHeld(host: BareMetalHost): boolean {
  return annotationOf(host, REBOOT_ANNOTATION) !== undefined;
}

/** Why Metal3 was told not to control the host. */
export function absenceOf(host: BareMetalHost): 'HostDetached' | 'HostPaused' | undefined {
  const isDetached =
    annotationOf(host, HOST_DETACHED_ANNOTATION) !== undefined || host.status.operationalStatus === 'detached';
  if (isDetached) return 'HostDetached';
  return annotationOf(host, HOST_PAUSED_ANNOTATION) === undefined ? undefined : 'HostPaused';
}

/** Whether the host carries any of our annotations. */
export function carriesOurs(host: BareMetalHost): boolean {
  return isHeld(host) || annotationOf(host, POWER_ANNOTATION) !== undefined;
}

/** Whether the host has been switched off for this Machine's current request. */
export function isNotedFor(host: BareMetalHost, machine: Machine): boolean {
  return annotationOf(host, POWER_ANNOTATION)?.startsWith(`${machine.metadata.uid}/`) === true;
}

export function noteFor(machine: Machine, nowMs: number): string {
  return `${machine.metadata.uid}/${new Date(nowMs).toISOString()}`;
}

/** RFC 3339; when the power-off was requested. */
export function heldSince(host: BareMetalHost): string | undefined {
  const since = annotationOf(host, POWER_ANNOTATION)?.split('/')[1];
  return since === undefined || Number.isNaN(Date.parse(since)) ? undefined : since;
}

/**
 * Why Metal3 would not switch the host off now, or should not be asked to. The annotation could be set nevertheless, and would take effect
 * later; but then the host might go off at a moment when nobody checks whether that is still wanted.
 */
export function obstacleOf(host: BareMetalHost): Because | undefined {
  const { operationalStatus, provisioningState } = host.status;
  if (host.spec.disablePowerOff === true) return 'PowerOffDisabled';
  if (isDeleting(host)) return 'HostDeleting';
  const absence = absenceOf(host);
  if (absence !== undefined) return absence;
  if (operationalStatus === 'servicing') return 'HostServicing';
  // If the host does not show its state, its Machine's provider ID counts, which is set only after provisioning.
  const isPowerable = provisioningState === undefined || POWERABLE_STATES.has(provisioningState);
  return isPowerable ? undefined : 'HostNotProvisioned';
}
