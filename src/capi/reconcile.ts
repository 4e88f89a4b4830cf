/** Observe, decide, apply: one pass over one Machine. */
import type { WorkloadClusters } from '../core/clusters.ts';
import type { Result } from '../core/decision.ts';
import type { Apply, Clock, Log } from '../core/ports.ts';
import { decide } from './decide.ts';
import { clusterOf, hasHook } from './machines.ts';
import type { CapiMeter } from './metrics.ts';
import { type CapiReaders, confirmed, observe } from './observe.ts';
import type { Observed } from './observed.ts';
import type { Roster } from './roster.ts';
import type { CapiSettings } from './settings.ts';
import type { CapiDecision, Memory } from './steps.ts';

export interface CapiPorts {
  readonly readers: CapiReaders;
  readonly clusters: WorkloadClusters;
  /** For the management cluster. */
  readonly apply: Apply;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly meter: CapiMeter;
  readonly settings: CapiSettings;
}

/** Clusters are mirrored beside Machines, so one is without the other only for a moment. */
const SYNC_POLL_MS = 2000;
/** A question that got no answer is asked again, though the connection may not have noticed anything. */
const ASK_AGAIN_MS = 5000;

/** @returns a reconciler whose keys are `namespace/name` of Machines. It throws what the two clusters' writes throw; the runtime retries. */
export function makeReconcile(ports: CapiPorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, clusters, apply, roster, clock, meter, settings } = ports;
  const memories = new Map<string, Memory>();

  return async (key, { log }) => {
    const seen = readers.machines.get(key);
    if (seen.is === 'unknown') return {};
    if (seen.is === 'absent') {
      // Cluster API deletes the Node before the Machine goes, and our labels with it.
      forget(key);
      return {};
    }
    const cached = observe(readers, clusters, seen.object, clock.now());
    if (cached === undefined) return { requeueAfterMs: SYNC_POLL_MS };
    const observed = await confirmed(cached, clusters);
    const decision = decide(observed, { settings, memory: memories.get(key) ?? {} });
    await carryOut(observed, decision, log);
    remember(key, observed, decision);
    const isUnanswered = cached.node.is !== 'unknown' && observed.node.is === 'unknown';
    const times = [decision.requeueAfterMs ?? [], isUnanswered ? ASK_AGAIN_MS : []].flat();
    return times.length === 0 ? {} : { requeueAfterMs: Math.min(...times) };
  };

  async function carryOut({ machine }: Observed, { because, steps }: CapiDecision, log: Log): Promise<void> {
    if (steps.length === 0) return;
    const Cluster = clusterOf(machine);
    log.info('Applying decision', {
      reason: because,
      actions: steps.flatMap(({ actions }) => actions).length,
      Cluster,
    });
    for (const step of steps) {
      if (step.in === 'management') await apply(step.actions, log);
      else if (Cluster !== undefined) await clusters.apply(Cluster, step.actions, log);
    }
  }

  function remember(key: string, { machine, node }: Observed, decision: CapiDecision): void {
    const { because, memory, steps } = decision;
    // What this pass wrote comes back as an event, and the next one finds it done.
    const isClean = because === 'NotEnabled' && node.is !== 'unknown' && !hasHook(machine) && steps.length === 0;
    if (isClean) {
      forget(key);
      return;
    }
    // Not enabled and never on the roster: it was only looked at because its cluster was connected.
    if (because === 'NotEnabled' && !roster.has(key)) return;
    meter.record(key, decision);
    if (memory.toldAtMs === undefined) memories.delete(key);
    else memories.set(key, memory);
  }

  function forget(key: string): void {
    roster.release(key);
    meter.forget(key);
    memories.delete(key);
  }
}
