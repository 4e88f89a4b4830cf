/**
 * Takes from a host what is ours as soon as no Machine wants it off: the end of a maintenance, the deletion of the Machine,
 * and whatever was left behind. From baremetal-operator 0.14 on nothing else would take it away, and the next Machine
 * on that host would be switched off as soon as it was provisioned.
 */
import { refOf } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import { BARE_METAL_HOST, type BareMetalHost } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import * as events from './events.ts';
import { carriesOurs, isHeld } from './hosts.ts';
import { POWER_ANNOTATION, REBOOT_ANNOTATION } from './names.ts';

/** `Clean`: nothing of ours is there. `Unknown`: not all Machines are known, so it stays. */
export type SweepBecause = 'Clean' | 'Wanted' | 'Unknown' | 'Unwanted';

/** Machines come from another cache, whose first list brings no event for a host that no Machine names. */
const SYNC_POLL_MS = 5000;

export function decideSweep(host: BareMetalHost, isWantedOff: boolean | 'unknown'): Decision<SweepBecause> {
  if (!carriesOurs(host)) return { because: 'Clean', actions: [] };
  if (isWantedOff === 'unknown') return { because: 'Unknown', actions: [], requeueAfterMs: SYNC_POLL_MS };
  if (isWantedOff) return { because: 'Wanted', actions: [] };
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
