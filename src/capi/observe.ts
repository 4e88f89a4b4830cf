/** Reads everything that one pass over a Machine needs. */
import type { WorkloadClusters } from '../core/clusters.ts';
import { APPROVE_DELETION_LABEL } from '../core/machine-keys.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { isDeleting, keyOf, labelOf } from '../core/meta.ts';
import type { Lister, Seen } from '../core/ports.ts';
import { MACHINES_BY_NODE } from './indexes.ts';
import { clusterOf, hasHook, isEnabled, isSelected } from './machines.ts';
import type { NodeSeen, Observed } from './observed.ts';
import type { CapiSettings } from './settings.ts';

export interface CapiReaders {
  readonly machines: Lister<Machine>;
  readonly clusters: Lister<Cluster>;
}

/** @returns undefined if the cache of Clusters has not synced: whether the Machine is paused is not known then. */
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
  const rivals = rivalsOf(readers, machine);
  return {
    machine,
    cluster: cluster.is === 'present' ? cluster.object : undefined,
    node: nodeOf(clusters, key, nodeName, rivals),
    ownsNode: rivals.ownsNode,
    hasPredecessor: rivals.hasPredecessor,
    connection: key === undefined ? undefined : clusters.status(key),
    nowMs,
  };
}

function nodeOf(
  clusters: WorkloadClusters,
  cluster: string | undefined,
  nodeName: string | undefined,
  { younger }: Rivals,
): NodeSeen {
  if (cluster === undefined || nodeName === undefined) return { is: 'none' };
  return younger === undefined ? clusters.node(cluster, nodeName) : { is: 'taken', by: younger };
}

/**
 * The same observation, after asking the API server itself about a Node that would release a deletion, by its approval, its absence, or the
 * lack of the label of `capi.requireNodeLabel`: a release cannot be taken back, and the cache may be a moment old, or minutes if a watch
 * has died silently. The Machine's own fields are confirmed by the resourceVersion of the patch that removes the hook.
 */
export async function confirmed(
  observed: Observed,
  clusters: WorkloadClusters,
  settings: CapiSettings,
): Promise<Observed> {
  const { machine, node } = observed;
  const cluster = clusterOf(machine);
  const { nodeName } = machine.status;
  const isHeld = isEnabled(machine) && isDeleting(machine) && hasHook(machine);
  const releasesDeletion =
    node.is === 'absent' ||
    (node.is === 'present' &&
      (labelOf(node.object, APPROVE_DELETION_LABEL) === 'true' || !isSelected(node.object, settings)));
  if (!isHeld || !releasesDeletion || cluster === undefined || nodeName === undefined) return observed;
  return { ...observed, node: await clusters.confirmNode(cluster, nodeName) };
}

interface Rivals {
  readonly ownsNode: boolean;
  readonly hasPredecessor: boolean;
  /** The youngest enabled Machine that names the same Node and is younger than this one, by its key. */
  readonly younger?: string;
}

/**
 * Two Machines may name one Node for a while, when a host is reused under its old name. The younger one owns it; if both did, each would
 * undo the other's writes. Nothing is requested from the Node for the older one any more.
 */
function rivalsOf({ machines }: CapiReaders, machine: Machine): Rivals {
  const [nodeKey] = MACHINES_BY_NODE.of(machine);
  const nobodys = { ownsNode: false, hasPredecessor: false };
  if (nodeKey === undefined) return nobodys;
  const namesakes = machines.byIndex(MACHINES_BY_NODE.name, nodeKey);
  if (namesakes.is === 'unknown') return nobodys;
  const others = namesakes.value.filter((other) => other.metadata.uid !== machine.metadata.uid && isEnabled(other));
  if (!isEnabled(machine)) return { ownsNode: others.length === 0, hasPredecessor: false };
  const younger = others.filter((other) => isOlder(machine, other));
  const [youngest] = younger.sort((a, b) => (isOlder(a, b) ? 1 : -1));
  return {
    ownsNode: youngest === undefined,
    hasPredecessor: others.length > younger.length,
    ...(youngest !== undefined && { younger: keyOf(youngest) }),
  };
}

function isOlder(a: Machine, b: Machine): boolean {
  const [createdA, createdB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return createdA === createdB ? a.metadata.name < b.metadata.name : createdA < createdB;
}
