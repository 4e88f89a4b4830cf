/**
 * Takes from a host what is ours as soon as no Machine wants it off: the end of a maintenance, the deletion of the Machine,
 * and whatever was left behind. From baremetal-operator 0.14 on nothing else would take it away, and the next Machine
 * on that host would be switched off as soon as it was provisioned.
 *
 * What is not ours to judge is left alone: a host that somebody has taken out of Metal3's hands, and one whose consumer is a
 * Machine that is not known (`LeaveReason`). A Machine whose end this process has witnessed is known to have gone.
 */
import { refOf } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import { BARE_METAL_HOST, type BareMetalHost } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import * as events from './events.ts';
import { absenceOf, carriesOurs, isHeld } from './hosts.ts';
import { LEAVE_REASONS, type LeaveReason, POWER_ANNOTATION, REBOOT_ANNOTATION } from './names.ts';

/** `Clean`: nothing of ours is there. `Unknown`: not all Machines are known, so it stays. */
export type SweepBecause = 'Clean' | 'Wanted' | 'Unknown' | 'Unwanted' | LeaveReason;

/** What Machines have to do with a host. */
export interface Use {
  /** Whether some Machine that may do so wants the host off. `unknown` while not all Machines are known. */
  readonly isWantedOff: boolean | 'unknown';
  /** Whether its consumer is a Metal3Machine for which no Machine stands, and that nobody has seen go. */
  readonly isConsumerUnknown: boolean;
}

/** @returns undefined where a host is not left alone for a reason of its own. */
export function leaveReasonOf(because: SweepBecause): LeaveReason | undefined {
  return LEAVE_REASONS.find((reason) => reason === because);
}

/** Machines come from another cache, whose first list brings no event for a host that no Machine names. */
const SYNC_POLL_MS = 5000;

export function decideSweep(host: BareMetalHost, { isWantedOff, isConsumerUnknown }: Use): Decision<SweepBecause> {
  if (!carriesOurs(host)) return { because: 'Clean', actions: [] };
  if (isWantedOff === 'unknown') return { because: 'Unknown', actions: [], requeueAfterMs: SYNC_POLL_MS };
  if (isWantedOff) return { because: 'Wanted', actions: [] };
  // An event of the host, or of the Machine that appears, brings us back.
  // With `disablePowerOff` the annotation keeps nothing off: it would have Metal3 reboot the host again and again.
  const keepsOff = host.spec.disablePowerOff !== true;
  const leave = absenceOf(host) ?? (isConsumerUnknown && keepsOff ? 'ConsumerUnknown' : undefined);
  if (leave !== undefined) return { because: leave, actions: [] };
  const present = [REBOOT_ANNOTATION, POWER_ANNOTATION].filter((key) => annotationOf(host, key) !== undefined);
  const patch = {
    do: 'patchMeta',
    target: refOf(BARE_METAL_HOST, host),
    // The consumer was read too.
    resourceVersion: host.metadata.resourceVersion,
    annotations: Object.fromEntries(present.map((key) => [key, null])),
  } as const;
  return { because: 'Unwanted', actions: isHeld(host) ? [patch, events.powerOnRequested(host)] : [patch] };
}
