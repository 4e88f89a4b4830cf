/**
 * Removes our annotations from a host as soon as no Machine wants it off: after the end of a maintenance, the deletion of the Machine, and
 * for anything left behind. From baremetal-operator 0.14 on nothing else would remove the reboot annotation, and the next Machine on that
 * host would be switched off as soon as it was provisioned.
 *
 * Hosts that we cannot judge are left alone: a host that Metal3 was told to leave alone, and one whose consumer is an unknown Machine
 * (`LeaveReason`). A Machine whose deletion this process has seen is known to be gone.
 */
import { refOf } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import { BARE_METAL_HOST, type BareMetalHost } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import * as events from './events.ts';
import { absenceOf, carriesOurs, isHeld } from './hosts.ts';
import { LEAVE_REASONS, type LeaveReason, POWER_ANNOTATION, REBOOT_ANNOTATION } from './names.ts';

/** `Clean`: the host carries none of our annotations. `Unknown`: not all Machines are known, so they stay. */
export type SweepBecause = 'Clean' | 'Wanted' | 'Unknown' | 'Unwanted' | LeaveReason;

/** How Machines use a host. */
export interface Use {
  /** Whether a Machine with a valid claim wants the host off. `unknown` while not all Machines are known. */
  readonly isWantedOff: boolean | 'unknown';
  /** Whether its consumer is a Metal3Machine without a known Machine, whose deletion was not seen. */
  readonly isConsumerUnknown: boolean;
}

/** @returns undefined if the host is not left alone for a particular reason. */
export function leaveReasonOf(because: SweepBecause): LeaveReason | undefined {
  return LEAVE_REASONS.find((reason) => reason === because);
}

/** Machines come from another cache, whose first list causes no event for a host that no Machine names. */
const SYNC_POLL_MS = 5000;

export function decideSweep(host: BareMetalHost, { isWantedOff, isConsumerUnknown }: Use): Decision<SweepBecause> {
  if (!carriesOurs(host)) return { because: 'Clean', actions: [] };
  if (isWantedOff === 'unknown') return { because: 'Unknown', actions: [], requeueAfterMs: SYNC_POLL_MS };
  if (isWantedOff) return { because: 'Wanted', actions: [] };
  // An event of the host, or of the Machine that appears, triggers another pass. With `disablePowerOff` the annotation does not keep the
  // host off: Metal3 would reboot the host again and again.
  const keepsOff = host.spec.disablePowerOff !== true;
  const leave = absenceOf(host) ?? (isConsumerUnknown && keepsOff ? 'ConsumerUnknown' : undefined);
  if (leave !== undefined) return { because: leave, actions: [] };
  const present = [REBOOT_ANNOTATION, POWER_ANNOTATION].filter((key) => annotationOf(host, key) !== undefined);
  const patch = {
    do: 'patchMeta',
    target: refOf(BARE_METAL_HOST, host),
    // The decision also read the consumer.
    resourceVersion: host.metadata.resourceVersion,
    annotations: Object.fromEntries(present.map((key) => [key, null])),
  } as const;
  return { because: 'Unwanted', actions: isHeld(host) ? [patch, events.powerOnRequested(host)] : [patch] };
}
