/** Observe, decide, apply: one pass over one Machine. */
import type { Action, RecordEvent } from '../core/action.ts';
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Result } from '../core/decision.ts';
import type { Machine } from '../core/machine-objects.ts';
import type { Apply, Clock, Log } from '../core/ports.ts';
import type { ClusterReferences } from './cluster-references.ts';
import { decide } from './decide.ts';
import type { CapiDecision, Memory } from './desired.ts';
import { completed, nodeWriteRefused } from './events.ts';
import { clusterOf, needsCluster } from './machines.ts';
import type { CapiMeter } from './metrics.ts';
import type { Release } from './names.ts';
import { sweepNode } from './node-sweep.ts';
import { type CapiReaders, confirmed, observe } from './observe.ts';
import type { Observed } from './observed.ts';
import type { CapiSettings } from './settings.ts';

export interface CapiPorts {
  readonly readers: CapiReaders;
  readonly clusters: WorkloadClusters;
  /** For the management cluster. */
  readonly apply: Apply;
  readonly references: ClusterReferences;
  readonly clock: Clock;
  readonly meter: CapiMeter;
  readonly settings: CapiSettings;
  /** See `Context`. */
  readonly guardsScaleDown?: boolean;
  readonly answerOf: (error: unknown) => WriteAnswer;
  /**
   * Records an Event that has an `onceAs`, and waits for it.
   *
   * @returns whether this call was the first to record it.
   * @throws errors that are worth a retry.
   */
  readonly tellOnce: (event: RecordEvent) => Promise<boolean>;
}

/**
 * How a write in a workload cluster failed: it was `refused` with a message of the API server, it was `lost` on the way or met a conflict,
 * or it is `none`, a bug.
 */
export type WriteAnswer =
  | { readonly is: 'refused'; readonly words: string }
  | { readonly is: 'lost' }
  | { readonly is: 'none' };

/** Clusters are mirrored beside Machines, so one cache is filled without the other only for a moment. */
const SYNC_POLL_MS = 2000;
/** An unanswered question is retried after this time, even if the connection has noticed nothing. */
const ASK_AGAIN_MS = 5000;

/**
 * @returns a reconciler whose keys are `namespace/name` of Machines. It throws the errors of writes to the two clusters; the runtime
 * retries.
 */
export function makeReconcile(ports: CapiPorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, clusters, apply, references, clock, meter, settings, guardsScaleDown = false } = ports;
  const memories = new Map<string, Memory>();

  return async (key, { log }) => {
    const seen = readers.machines.get(key);
    if (seen.is === 'unknown') return {};
    if (seen.is === 'absent') {
      await tellOfLast(key);
      const isLeft = await cleanLastNode(key, log);
      if (isLeft) return { requeueAfterMs: ASK_AGAIN_MS };
      forget(key);
      return {};
    }
    const cached = observe(readers, clusters, seen.object, clock.now());
    if (cached === undefined) return { requeueAfterMs: SYNC_POLL_MS };
    const observed = await confirmed(cached, clusters, settings);
    const { machine } = observed;
    const decision = decide(observed, { settings, guardsScaleDown, memory: memories.get(key) ?? {} });
    const refused = await carryOut(key, observed, decision, log);
    if (decision.owed !== undefined) await tellReleased(machine, decision.owed, observed);
    remember(key, observed, decision);
    // The Machine's own part is done; the runtime retries the Node with backoff.
    if (refused !== undefined) throw refused.error;
    const isUnanswered = cached.node.is !== 'unknown' && observed.node.is === 'unknown';
    const times = [decision.requeueAfterMs ?? [], isUnanswered ? ASK_AGAIN_MS : []].flat();
    return times.length === 0 ? {} : { requeueAfterMs: Math.min(...times) };
  };

  /** @returns the write that the workload cluster refused. */
  async function carryOut(
    key: string,
    { machine }: Observed,
    { because, steps, releasing }: CapiDecision,
    log: Log,
  ): Promise<{ readonly error: unknown } | undefined> {
    if (steps.length === 0) return undefined;
    const Cluster = clusterOf(machine);
    log.info('Applying decision', {
      reason: because,
      actions: steps.flatMap(({ actions }) => actions).length,
      Cluster,
    });
    if (releasing !== undefined) memories.set(key, { ...memories.get(key), releasing: { what: releasing, machine } });
    let refused: { readonly error: unknown } | undefined;
    for (const step of steps) {
      if (step.onceToldOnly === true && refused !== undefined) continue;
      if (step.in === 'management') await apply(step.actions, log);
      else if (Cluster !== undefined) refused = await tellNode(Cluster, machine, step.actions, log);
    }
    return refused;
  }

  /**
   * A Node that cannot be labelled holds up nothing: neither a deletion nor an approval waits for a write that a workload cluster refuses.
   */
  async function tellNode(
    cluster: ClusterKey,
    machine: Machine,
    actions: readonly Action[],
    log: Log,
  ): Promise<{ readonly error: unknown } | undefined> {
    try {
      await clusters.apply(cluster, actions, log);
      return undefined;
    } catch (error) {
      const answer = ports.answerOf(error);
      if (answer.is === 'none') throw error;
      if (answer.is === 'refused') await apply([nodeWriteRefused(machine, answer.words)], log);
      return { error };
    }
  }

  /** Reports a Machine that was deleted before we saw the removal of our hook. */
  async function tellOfLast(key: string): Promise<void> {
    const { releasing } = memories.get(key) ?? {};
    if (releasing === undefined) return;
    const { what, machine } = releasing;
    await tellReleased(machine, what, { node: { is: 'none' }, nowMs: clock.now() });
  }

  /** Reports and counts the release once, though another process may have removed the hook. */
  async function tellReleased(machine: Machine, what: Release, about: Pick<Observed, 'node' | 'nowMs'>): Promise<void> {
    if (await ports.tellOnce(completed(machine, what, about))) meter.completed([what]);
  }

  /**
   * Cluster API deletes the Node before the Machine goes, and our labels with it; but not if somebody removed the Machine's finalizers by
   * hand. The cluster stays connected until then.
   *
   * @returns whether the Node is yet to be seen.
   */
  async function cleanLastNode(key: string, log: Log): Promise<boolean> {
    const node = references.nodeOf(key);
    if (node === undefined || readers.clusters.get(node.cluster).is !== 'present') return false;
    try {
      const { because } = await sweepNode({ readers, clusters }, node.cluster, node.name, log);
      return because === 'Unknown';
    } catch (error) {
      const answer = ports.answerOf(error);
      if (answer.is !== 'refused') throw error;
      // There is no Machine left to record an Event on.
      log.warn('The Node of a Machine that has gone keeps our labels', {
        Cluster: node.cluster,
        Node: node.name,
        err: error,
      });
      return false;
    }
  }

  function remember(key: string, { machine, node }: Observed, decision: CapiDecision): void {
    const { because, memory, steps } = decision;
    // The writes of this pass come back as an event, whose pass finds them done.
    const isWritten = steps.some(({ actions }) => actions.some((action) => action.do !== 'recordEvent'));
    const keeps = memory.toldAtMs !== undefined || memory.toldReleased === true;
    const isClean = because === 'NotEnabled' && node.is !== 'unknown' && !needsCluster(machine) && !isWritten;
    if (isClean) forget(key);
    if (keeps) memories.set(key, memory);
    else memories.delete(key);
    if (isClean) return;
    // Not enabled and never tracked: the pass only ran because its cluster was connected.
    if (because === 'NotEnabled' && !references.has(key)) return;
    meter.record(key, decision);
  }

  function forget(key: string): void {
    references.release(key);
    meter.forget(key);
    memories.delete(key);
  }
}
