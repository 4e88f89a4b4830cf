/** Observe, decide, apply: one pass over one Machine, or over one host. */
import type { Action } from '../core/action.ts';
import type { NodeReadings } from '../core/clusters.ts';
import type { Result } from '../core/decision.ts';
import { BARE_METAL_HOST } from '../core/machine-objects.ts';
import type { Apply, Clock, Log } from '../core/ports.ts';
import { StaleCaches } from '../core/stale-caches.ts';
import { isConsumerUnknown, isWantedOff } from './claims.ts';
import { decide } from './decide.ts';
import type { EventReason } from './events.ts';
import { gated } from './gates.ts';
import { carriesOurs } from './hosts.ts';
import type { Metal3Meter } from './metrics.ts';
import { REBOOT_ANNOTATION } from './names.ts';
import { type Metal3Readers, observe } from './observe.ts';
import type { Metal3Settings } from './settings.ts';
import { decideSweep, leaveReasonOf } from './sweep.ts';

export interface Metal3Ports {
  readonly readers: Metal3Readers;
  /** Keys of hosts whose Machine this process has seen disappear; see `setupWatches`. */
  readonly orphans: Set<string>;
  /** Kinds whose caches may be stale, for people; empty while all are followed. */
  readonly unseen: () => readonly string[];
  /** Questions to the workload clusters, if a gate of the settings needs them. */
  readonly nodes?: NodeReadings;
  readonly apply: Apply;
  readonly clock: Clock;
  readonly meter: Metal3Meter;
  readonly settings: Metal3Settings;
}

export type Reconcile = (key: string, context: { readonly log: Log }) => Promise<Result>;

/** Clusters are mirrored beside Machines, so one cache is filled without the other only for a moment. */
const SYNC_POLL_MS = 2000;

/** @returns a reconciler whose keys are `namespace/name` of Machines. It throws the errors of writes; the runtime retries. */
export function reconcileMachines(ports: Metal3Ports): Reconcile {
  const { readers, nodes, unseen, clock, meter, settings } = ports;
  const blindness = new StaleCaches();
  return async (key, { log }) => {
    const seen = readers.machines.get(key);
    if (seen.is !== 'present') {
      if (seen.is === 'absent') meter.machine(key, 'NotRequested');
      blindness.isOver(key);
      return {};
    }
    const cached = observe(readers, seen.object, clock.now());
    if (cached === undefined) return { requeueAfterMs: SYNC_POLL_MS };
    const observed = await gated(cached, settings, nodes);
    // The workload cluster took time to answer: the approval may have been withdrawn meanwhile.
    const now = readers.machines.get(key);
    if (observed !== cached && (now.is !== 'present' || now.object !== seen.object)) return { requeueAfterMs: 0 };
    const decision = decide(observed, settings);
    const kinds = unseen();
    if (kinds.length > 0 && switchesPower(decision)) return blindness.leaveAlone(key, kinds, log);
    blindness.isOver(key);
    await carryOut(ports, decision, log);
    meter.machine(key, decision.because);
    return resultOf(decision);
  };
}

/** @returns a reconciler whose keys are `namespace/name` of BareMetalHosts; it throws like `reconcileMachines`. */
export function reconcileHosts(ports: Metal3Ports): Reconcile {
  const { readers, orphans, unseen, clock, meter } = ports;
  const blindness = new StaleCaches();
  return async (key, { log }) => {
    const seen = readers.hosts.get(key);
    if (seen.is === 'unknown') return {};
    meter.host(key, seen.is === 'present' ? seen.object : undefined, clock.now());
    if (seen.is === 'absent' || !carriesOurs(seen.object)) {
      orphans.delete(key);
      meter.left(key, undefined);
      blindness.isOver(key);
      return {};
    }
    const decision = decideSweep(seen.object, {
      isWantedOff: isWantedOff(seen.object, readers),
      isConsumerUnknown: !orphans.has(key) && isConsumerUnknown(seen.object, readers),
    });
    meter.left(key, leaveReasonOf(decision.because));
    const kinds = unseen();
    if (kinds.length > 0 && switchesPower(decision)) return blindness.leaveAlone(key, kinds, log);
    blindness.isOver(key);
    await carryOut(ports, decision, log);
    return resultOf(decision);
  };
}

interface Carried {
  readonly because: string;
  readonly actions: readonly Action[];
}

async function carryOut({ apply, meter }: Metal3Ports, { because, actions }: Carried, log: Log): Promise<void> {
  const writes = actions.filter((action) => action.do !== 'recordEvent').length;
  if (writes > 0) log.info('Applying decision', { reason: because, actions: actions.length });
  for (const action of actions) {
    await apply([action], log);
    const power = powerOf(action);
    if (power !== undefined) meter.requested(power);
    if (isStartTimeout(action)) meter.startTimedOut();
  }
}

/** Whether the actions must not be decided from stale caches: an approval may have been given or withdrawn unseen. */
function switchesPower({ actions }: Carried): boolean {
  return actions.some((action) => powerOf(action) !== undefined);
}

function powerOf(action: Action): 'on' | 'off' | undefined {
  if (action.do !== 'patchMeta' || action.target.resource !== BARE_METAL_HOST) return undefined;
  const value = action.annotations?.[REBOOT_ANNOTATION];
  return value === undefined ? undefined : value === null ? 'on' : 'off';
}

function isStartTimeout(action: Action): boolean {
  const reason: EventReason = 'StartTimedOut';
  return action.do === 'recordEvent' && action.reason === reason;
}

function resultOf({ requeueAfterMs }: Result): Result {
  return requeueAfterMs === undefined ? {} : { requeueAfterMs };
}
