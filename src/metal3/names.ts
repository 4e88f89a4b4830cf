/** The words of the Metal3 integration. Keys of Machines are in `core/machine-keys.ts`. */

/**
 * Host annotation: Metal3 keeps the host off while it is there (`reboot.metal3.io/<key>`: baremetal-operator,
 * docs/api.md "Reboot annotations"). It is ours by its name, whoever wrote it.
 */
export const REBOOT_ANNOTATION = 'reboot.metal3.io/runtime-extension-maintenance-controller';
/**
 * Host annotation: for which request the host was switched off, as `<UID of the Machine>/<RFC 3339>`. It comes and goes in
 * one request with the reboot annotation. Alone, it says that somebody else took the reboot annotation away: putting it
 * back would switch the host off once more for the same request.
 */
export const POWER_ANNOTATION = 'maintenance-bridge.io/metal3-power';

/** Host annotations by which Metal3 is told to leave the host alone; any value. */
export const HOST_PAUSED_ANNOTATION = 'baremetalhost.metal3.io/paused';
export const HOST_DETACHED_ANNOTATION = 'baremetalhost.metal3.io/detached';

/** States of a host in which Metal3 acts on reboot annotations. */
export const POWERABLE_STATES: ReadonlySet<string> = new Set(['provisioned', 'externally provisioned']);

/**
 * Why a pass over a Machine did what it did; also the state that the Machine's host is in for us.
 *
 * - `NotRequested`: maintenance is not approved, and nothing of ours is left on the Machine.
 * - `PoweringOn`: maintenance has ended; the host or its Node is not back yet, and remediation is still held off.
 * - `NotOurs`: the Machine has no provider ID yet, or one of another provider.
 * - `ProviderIDMalformed`: it begins with `metal3://` and goes on in a way that nobody understands.
 * - `HostUnknown`: Metal3 is not installed, or its hosts are not known yet; nothing is concluded.
 * - `BareMetalHostNotFound`: there is no such host.
 * - `BareMetalHostMismatch`: the host is not this Machine's to switch off.
 * - `MachinePaused`: the Machine or its Cluster is paused; no host is switched off for it.
 * - `HostDeleting`, `HostDetached`, `HostPaused`, `HostServicing`, `HostNotProvisioned`: Metal3 would not act on the
 *   annotation now, or in the middle of something else; it is set as soon as that is over.
 * - `PowerOffDisabled`: Metal3 would reboot the host again and again instead of keeping it off; it is never asked to.
 * - `NodeUnknown`, `NodeNotDrained`, `NodeNotEmpty`, `VolumesAttached`: a gate of the configuration is closed.
 * - `PoweringOff`: the annotation is set, and the host is not seen to be off yet.
 * - `HeldOff`: the host is off; the machine may be worked on.
 * - `MachineDeletedInMaintenance`: the Machine is being deleted, and our hook holds the deletion; the host stays off, since
 *   somebody may still be at the machine.
 * - `AnnotationVanished`: somebody took our annotation away; it is set again with the next request.
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
 * - `HostDetached`, `HostPaused`: somebody has taken the host out of Metal3's hands, as `clusterctl move` does.
 * - `ConsumerUnknown`: its `consumerRef` names a Metal3Machine for which no Machine stands (yet): after a restore, in the
 *   middle of a move, or where a GitOps tool creates hosts first.
 */
export const LEAVE_REASONS = ['HostDetached', 'HostPaused', 'ConsumerUnknown'] as const;
export type LeaveReason = (typeof LEAVE_REASONS)[number];
