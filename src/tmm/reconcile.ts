/** Observe, decide, apply: one pass over one Node. */
import type { Result } from '../core/decision.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Apply, Clock, Evictor, Log } from '../core/ports.ts';
import { decide } from './decide.ts';
import { TmmMeter } from './metrics.ts';
import { observe, type TmmReaders } from './observe.ts';
import type { Memory, TmmDecision } from './request.ts';
import type { TmmSettings } from './settings.ts';

export interface TmmPorts {
  readonly readers: TmmReaders;
  readonly apply: Apply;
  readonly evictor: Evictor;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly settings: TmmSettings;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
}

/** @returns a reconciler whose keys are Node names. It throws what `Apply` throws; the runtime retries. */
export function makeReconcile(ports: TmmPorts): (nodeName: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, apply, evictor, clock, settings, ownPod } = ports;
  const memories = new Map<string, Memory>();
  const meter = new TmmMeter(ports.metrics);

  return async (nodeName, { log }) => {
    const observed = observe(readers, nodeName, evictor.attempts(nodeName), clock.now());
    if (observed.is === 'unknown') return {}; // The cache that is missing enqueues everything once it has synced.
    const memory = memories.get(nodeName) ?? {};
    const decision = decide(observed.value, { settings, memory, ...(ownPod !== undefined && { ownPod }) });
    // What is no longer wanted is withdrawn before anything that takes time; what is wanted waits for the phase to be written.
    if (decision.evictions.length === 0) evictor.want(nodeName, []);
    if (decision.actions.length > 0) {
      log.info('Applying decision', { reason: decision.because, actions: decision.actions.length });
    }
    await apply(decision.actions, log);
    if (decision.evictions.length > 0) evictor.want(nodeName, decision.evictions);
    remember(nodeName, decision);
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs };
  };

  function remember(nodeName: string, decision: TmmDecision): void {
    meter.record(nodeName, decision);
    if (decision.phase === undefined) evictor.forget(nodeName);
    const { hint = '', progressAtMs, stall } = decision.memory;
    const isWorthKeeping =
      hint !== '' || (decision.phase !== undefined && (progressAtMs !== undefined || stall !== undefined));
    if (isWorthKeeping) memories.set(nodeName, decision.memory);
    else memories.delete(nodeName);
  }
}
