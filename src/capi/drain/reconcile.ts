/** Observe, decide, apply: one pass over the Node of a Machine, in whichever workload cluster. */
import type { ClusterKey, WorkloadClusters } from '../../core/clusters.ts';
import type { Result } from '../../core/decision.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { labelOf } from '../../core/meta.ts';
import type { Apply, Clock, Log } from '../../core/ports.ts';
import { MACHINES_BY_NODE } from '../indexes.ts';
import { isEnabled, isSelected } from '../machines.ts';
import type { CapiReaders } from '../observe.ts';
import { type DrainDecision, decideDrain, JUDGE_AGAIN_MS } from './decide.ts';
import type { DrainMeter } from './metrics.ts';
import { MAINTENANCE_STATE_LABEL, OPERATIONAL, type Wait } from './names.ts';
import type { DrainObserved, NodeInDrain, Outlook } from './observed.ts';
import { holdsSlot, recordOf } from './record.ts';
import type { DrainSettings } from './settings.ts';
import { type SlotLimits, slotToWaitFor } from './slots.ts';
import { isOpen, opensAtMs } from './window.ts';

/** Temporary Maintenance Mode in the workload clusters: its caches are open while a Node wants them. */
export interface Drains {
  /** @param nodeKey see `nodeIndexKey`. */
  want(cluster: ClusterKey, nodeKey: string, isWanted: boolean): void;
  /** undefined while the caches are not filled. */
  nodeIn(cluster: ClusterKey, nodeName: string): NodeInDrain | undefined;
  /** Why the caches are not filled, or not followed at present, for people. */
  blindnessOf(cluster: ClusterKey): string | undefined;
  /** A number that grows with each change that verdicts in that cluster depend on. */
  revisionOf(cluster: ClusterKey): number;
  /** What the answer to a request would be now; undefined if a cache cannot answer. */
  outlook(cluster: ClusterKey, nodeName: string): Promise<Outlook | undefined>;
}

export interface DrainPorts {
  readonly readers: CapiReaders;
  readonly clusters: WorkloadClusters;
  readonly drains: Drains;
  /** For the management cluster. */
  readonly apply: Apply;
  readonly clock: Clock;
  readonly settings: DrainSettings;
  readonly limits: SlotLimits;
  readonly meter: DrainMeter;
  /** `capi.requireNodeLabel` */
  readonly requireNodeLabel: string;
}

/**
 * @returns a reconciler whose keys are those of `nodeIndexKey`. It throws the errors of writes to the two clusters; the runtime retries.
 */
export function makeDrainReconcile(
  ports: DrainPorts,
): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, clusters, drains, apply, clock, settings, limits, meter } = ports;
  /** By Node: Machines whose drain began a moment ago, which the cache may not show yet. */
  const reserved = new Map<string, Machine>();
  /** By Node: the cluster's revision when its rejection was last judged. */
  const judged = new Map<string, number>();

  return async (key, { log }) => {
    const slash = key.lastIndexOf('/');
    const [cluster, nodeName] = [key.slice(0, slash), key.slice(slash + 1)];
    const machine = ownerOf(key);
    if (machine === 'unknown') return {};
    if (machine === undefined || holdsSlot(machine)) reserved.delete(key);
    const outlook = machine === undefined ? undefined : await lookAgain(key, cluster, nodeName, machine);
    // From here on nothing is awaited: another pass may take the slot.
    const observed = observeNode(cluster, nodeName, machine, outlook);
    const decision = decideDrain(observed);
    drains.want(cluster, key, decision.needsCaches);
    if (decision.begins && machine !== undefined) reserved.set(key, machine);
    try {
      await carryOut(cluster, decision, log);
    } catch (error) {
      reserved.delete(key);
      throw error;
    }
    meter.record(key, decision.because);
    return decision.requeueAfterMs === undefined ? {} : { requeueAfterMs: decision.requeueAfterMs };
  };

  async function carryOut(cluster: ClusterKey, { because, steps }: DrainDecision, log: Log): Promise<void> {
    if (steps.length === 0) return;
    const actions = steps.flatMap((step) => step.actions).length;
    log.info('Applying decision', { reason: because, actions, Cluster: cluster });
    for (const step of steps) {
      if (step.in === 'management') await apply(step.actions, log);
      else await clusters.apply(cluster, step.actions, log);
    }
  }

  /** The youngest enabled Machine that names the Node; else one that took part and has not released the Node yet. */
  function ownerOf(nodeKey: string): Machine | undefined | 'unknown' {
    const found = readers.machines.byIndex(MACHINES_BY_NODE.name, nodeKey);
    if (found.is === 'unknown') return 'unknown';
    const byAge = [...found.value].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
    return byAge.find(isEnabled) ?? byAge.find((machine) => recordOf(machine) !== undefined) ?? byAge[0];
  }

  function observeNode(
    cluster: ClusterKey,
    nodeName: string,
    machine: Machine | undefined,
    outlook: Outlook | undefined,
  ): DrainObserved {
    const nowMs = clock.now();
    const node = clusters.node(cluster, nodeName);
    const inDrain = drains.nodeIn(cluster, nodeName);
    const blindness = drains.blindnessOf(cluster);
    const opens = isOpen(settings.window, nowMs) ? undefined : opensAtMs(settings.window, nowMs);
    return {
      nodeName,
      ...(machine !== undefined && { machine }),
      cluster: readers.clusters.get(cluster),
      node,
      isSelected: node.is !== 'present' || isSelected(node.object, ports),
      ...(inDrain !== undefined && { inDrain }),
      ...(blindness !== undefined && { blindness }),
      wait: waitOf(machine, node.is === 'present' ? labelOf(node.object, MAINTENANCE_STATE_LABEL) : undefined, nowMs),
      ...(opens !== undefined && { opensAtMs: opens }),
      ...(outlook !== undefined && { outlook }),
      nowMs,
    };
  }

  function waitOf(machine: Machine | undefined, state: string | undefined, nowMs: number): DrainObserved['wait'] {
    const first: Wait | undefined = !isOpen(settings.window, nowMs)
      ? 'Window'
      : state !== undefined && state !== OPERATIONAL
        ? 'MaintenanceController'
        : undefined;
    if (first !== undefined || machine === undefined) return { is: 'known', value: first };
    return slotToWaitFor(machine, { machines: readers.machines, reserved }, limits);
  }

  /** A rejection is judged again when the cluster has changed since, at most every half minute. */
  async function lookAgain(
    key: string,
    cluster: ClusterKey,
    nodeName: string,
    machine: Machine,
  ): Promise<Outlook | undefined> {
    const record = recordOf(machine);
    if (record?.state !== 'Rejected') {
      judged.delete(key);
      return undefined;
    }
    if (clock.now() < Date.parse(record.since) + JUDGE_AGAIN_MS) return undefined;
    if (drains.nodeIn(cluster, nodeName) === undefined) return undefined;
    const revision = drains.revisionOf(cluster);
    if (judged.get(key) === revision) return undefined;
    const outlook = await drains.outlook(cluster, nodeName);
    if (outlook !== undefined) judged.set(key, revision);
    return outlook;
  }
}

const bornAt = ({ metadata }: Machine): string => `${metadata.creationTimestamp ?? ''}/${metadata.name}`;
