/** The vocabulary of the Metal3 integration. Keys of Machines are in `core/machine-keys.ts`. */

/**
 * Host annotation: Metal3 keeps the host off while it is set (`reboot.metal3.io/<key>`: baremetal-operator, docs/api.md "Reboot
 * annotations"). By its name it is ours, whoever wrote it.
 */
export const REBOOT_ANNOTATION = 'reboot.metal3.io/runtime-extension-maintenance-controller';
/**
 * Host annotation: the request for which the host was switched off, as `<UID of the Machine>/<RFC 3339>`. It is set and removed in one
 * request with the reboot annotation. Without the reboot annotation, it shows that somebody else removed that one: restoring it would
 * switch the host off again for the same request.
 */
export const POWER_ANNOTATION = 'maintenance-bridge.io/metal3-power';

/** Host annotations that make Metal3 leave the host alone; any value. */
export const HOST_PAUSED_ANNOTATION = 'baremetalhost.metal3.io/paused';
export const HOST_DETACHED_ANNOTATION = 'baremetalhost.metal3.io/detached';

/** States of a host in which Metal3 acts on reboot annotations. */
export const POWERABLE_STATES: ReadonlySet<string> = new Set(['provisioned', 'externally provisioned']);

/**
 * Why a pass over a Machine did what it did; also the state of the Machine's host for us.
 *
 * - `NotRequested`: maintenance is not approved, and none of our annotations is left on the Machine.
 * - `PoweringOn`: maintenance has ended; the host or its Node is not back yet, and remediation is still suspended.
 * - `NotOurs`: the Machine has no provider ID yet, or one of another provider.
 * - `ProviderIDMalformed`: it begins with `metal3://` but its form is unknown.
 * - `HostUnknown`: Metal3 is not installed, or its hosts are not known yet; nothing is concluded.
 * - `BareMetalHostNotFound`: there is no such host.
 * - `BareMetalHostMismatch`: this Machine may not switch off the host.
 * - `MachinePaused`: the Machine or its Cluster is paused; no host is switched off for it.
 * - `HostDeleting`, `HostDetached`, `HostPaused`, `HostServicing`, `HostNotProvisioned`: Metal3 would not act on the annotation now, or is
 *   in the middle of something else; the annotation is set as soon as that is over.
 * - `PowerOffDisabled`: Metal3 would reboot the host again and again instead of keeping it off; it is never asked to.
 * - `NodeUnknown`, `NodeNotDrained`, `NodeNotEmpty`, `VolumesAttached`: a gate of the configuration is closed.
 * - `PoweringOff`: the annotation is set, and the host is not observed to be off yet.
 * - `HeldOff`: the host is off; the machine may be worked on.
 * - `MachineDeletedInMaintenance`: the Machine is being deleted, and our hook holds the deletion; the host stays off, since somebody may
 *   still be at the machine.
 * - `AnnotationVanished`: somebody removed our annotation; it is set again with the next request.
 */
export const STATES = [
  'NotRequested',
  'PoweringOn',
  'NotOurs',
  'ProviderIDMalformed',
  'HostUnknown',
  'BareMetalHostNotFound',
  'BareMetalHostMismatch',
  'MachinePaused',
  'HostDeleting',
  'HostDetached',
  'HostPaused',
  'HostServicing',
  'HostNotProvisioned',
  'PowerOffDisabled',
  'NodeUnknown',
  'NodeNotDrained',
  'NodeNotEmpty',
  'VolumesAttached',
  'PoweringOff',
  'HeldOff',
  'MachineDeletedInMaintenance',
  'AnnotationVanished',
] as const;
export type Because = (typeof STATES)[number];

/**
 * Why a host keeps our annotation although no Machine wants it off.
 *
 * - `HostDetached`, `HostPaused`: somebody has told Metal3 to leave the host alone, as `clusterctl move` does.
 * - `ConsumerUnknown`: its `consumerRef` names a Metal3Machine without a known Machine (yet): after a restore, in the middle of a move, or
 *   if a GitOps tool creates hosts first.
 */
export const LEAVE_REASONS = ['HostDetached', 'HostPaused', 'ConsumerUnknown'] as const;
export type LeaveReason = (typeof LEAVE_REASONS)[number];
