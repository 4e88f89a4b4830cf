/** Reads all that one pass over a Machine needs. */
import type { WorkloadClusters } from '../core/clusters.ts';
import { APPROVE_DELETION_LABEL } from '../core/machine-keys.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { isDeleting, labelOf } from '../core/meta.ts';
import type { Lister, Seen } from '../core/ports.ts';
import { MACHINES_BY_NODE } from './indexes.ts';
import { clusterOf, hasHook, isEnabled } from './machines.ts';
import type { Observed } from './observed.ts';

export interface CapiReaders {
  readonly machines: Lister<Machine>;
  readonly clusters: Lister<Cluster>;
}

/** @returns undefined where the cache of Clusters has not synced: whether the Machine is paused is not known then. */
export function observe(
  readers: CapiReaders,
  clusters: WorkloadClusters,
  machine: Machine,
  nowMs: number,
): Observed | undefined {
  const key = clusterOf(machine);
  const cluster: Seen<Cluster> = key === undefined ? { is: 'absent' } : readers.clusters.get(key);
  if (cluster.is === 'unknown') return undefined;
  const { nodeName } = machine.status;
  return {
    machine,
    cluster: cluster.is === 'present' ? cluster.object : undefined,
    node: key === undefined || nodeName === undefined ? { is: 'none' } : clusters.node(key, nodeName),
    speaksForNode: speaksForNode(readers, machine),
    connection: key === undefined ? undefined : clusters.status(key),
    nowMs,
  };
}

/**
 * The same observation, after the API server itself was asked about a Node whose absence or approval would let a deletion go:
 * that cannot be taken back, and what the cache shows may be a moment old, or minutes where a watch has died without a word.
 */
export async function confirmed(observed: Observed, clusters: WorkloadClusters): Promise<Observed> {
  const { machine, node } = observed;
  const cluster = clusterOf(machine);
  const { nodeName } = machine.status;
  const isHeld = isEnabled(machine) && isDeleting(machine) && hasHook(machine);
  const letsGo =
    node.is === 'absent' || (node.is === 'present' && labelOf(node.object, APPROVE_DELETION_LABEL) === 'true');
  if (!isHeld || !letsGo || cluster === undefined || nodeName === undefined) return observed;
  return { ...observed, node: await clusters.confirmNode(cluster, nodeName) };
}

/**
 * Two Machines may name one Node for a while, when a host is used again under its old name. The younger one speaks for
 * it; if both did, each would undo what the other writes.
 */
function speaksForNode({ machines }: CapiReaders, machine: Machine): boolean {
  const [nodeKey] = MACHINES_BY_NODE.of(machine);
  if (nodeKey === undefined) return false;
  const namesakes = machines.byIndex(MACHINES_BY_NODE.name, nodeKey);
  if (namesakes.is === 'unknown') return false;
  const others = namesakes.value.filter(
    (other) => other.metadata.uid !== machine.metadata.uid && isEnabled(other) && !isOlder(other, machine),
  );
  return isEnabled(machine) ? others.length === 0 : !namesakes.value.some(isEnabled);
}

function isOlder(a: Machine, b: Machine): boolean {
  const [createdA, createdB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return createdA === createdB ? a.metadata.name < b.metadata.name : createdA < createdB;
}
