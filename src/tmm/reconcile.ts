/** Observe, decide, apply: one pass over one Node. */
import type { Result } from '../core/decision.ts';
import type { Apply, Clock, Evictor, Keeper, Log } from '../core/ports.ts';
import { decide } from './decide.ts';
import type { TmmMeter } from './metrics.ts';
import { observe } from './observe.ts';
import type { Observed } from './observed.ts';
import type { Memory, TmmDecision } from './request.ts';
import type { TmmSettings } from './settings.ts';
import type { Reservation } from './surroundings.ts';
import type { TmmReaders } from './view.ts';

export interface TmmPorts {
  readonly readers: TmmReaders;
  readonly apply: Apply;
  readonly evictor: Evictor;
  /** What `apply` stores and restores Pods with; only with `unmanagedPods: recreate`. */
  readonly keeper?: Keeper;
  readonly clock: Clock;
  readonly meter: TmmMeter;
  readonly settings: TmmSettings;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
}

/** @returns a reconciler whose keys are Node names. It throws what `Apply` throws; the runtime retries. */
export function makeReconcile(ports: TmmPorts): (nodeName: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, apply, evictor, keeper, clock, meter, settings, ownPod } = ports;
  const memories = new Map<string, Memory>();
  const reservations = new Map<string, Reservation>();

  return async (nodeName, { log }) => {
    const attempts = new Map(evictor.attempts(nodeName));
    const observed = observe(readers, nodeName, {
      attempts,
      ...(keeper !== undefined && { keeping: keeper.attempts(nodeName) }),
      reservations,
      failureDomainLabels: settings.failureDomainLabels,
      nowMs: clock.now(),
    });
    if (observed.is === 'unknown') return {}; // The cache that is missing enqueues everything once it has synced.
    const memory = memories.get(nodeName) ?? {};
    const decision = decide(observed.value, { settings, memory, ...(ownPod !== undefined && { ownPod }) });
    // In the same turn as the decision: another Node that is judged while this one is being written sees its slot taken. If
    // the write fails, the next pass decides again, and gives the slot back unless it is admitted anew.
    if (decision.admitted === undefined) reservations.delete(nodeName);
    else reservations.set(nodeName, decision.admitted);
    // What is no longer wanted is withdrawn before anything that takes time; what is wanted waits for the phase to be written.
    if (decision.evictions.length === 0) evictor.want(nodeName, []);
    if (decision.actions.length > 0) {
      log.info('Applying decision', { reason: decision.because, actions: decision.actions.length });
    }
    await apply(decision.actions, log);
    // What was answered while the phase was being written is for the next pass to judge, which the answer brings about.
    const answered = evictor.attempts(nodeName);
    const stillOpen = decision.evictions.filter(({ uid }) => answered.get(uid) === attempts.get(uid));
    if (decision.evictions.length > 0) evictor.want(nodeName, stillOpen);
    const { stored, unreadable } = observed.value.kept;
    if (decision.phase === undefined && stored.length + unreadable.length === 0) keeper?.forget(nodeName);
    meter.record(nodeName, decision, phaseSinceMs(observed.value, decision));
    remember(nodeName, decision);
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs };
  };

  function remember(nodeName: string, decision: TmmDecision): void {
    if (decision.phase === undefined) evictor.forget(nodeName);
    const { hint = '', progressAtMs, stall, hereSinceMs } = decision.memory;
    const isWorthKeeping =
      hint !== '' ||
      hereSinceMs !== undefined ||
      (decision.phase !== undefined && (progressAtMs !== undefined || stall !== undefined));
    if (isWorthKeeping) memories.set(nodeName, decision.memory);
    else memories.delete(nodeName);
  }
}

/** A phase that goes on began when the report says; any other begins with this decision. */
function phaseSinceMs({ report, nowMs }: Observed, { phase }: TmmDecision): number {
  return report.is === 'valid' && report.report.phase === phase ? Date.parse(report.report.since) : nowMs;
}
