/**
 * Removes our marks from a Node as soon as no enabled Machine names it: after a changed `nodeRef`, for a Machine that was disabled while no
 * process ran, or for one whose finalizers were removed by hand.
 */
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Decision, Result } from '../core/decision.ts';
import { PAUSED_ANNOTATION } from '../core/machine-keys.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Log } from '../core/ports.ts';
import { MACHINES_BY_NODE, MACHINES_BY_NODE_NAME, nodeIndexKey } from './indexes.ts';
import { clusterOf, isEnabled } from './machines.ts';
import { carriesMarks, NO_MARKS, patchOfMarks } from './node-marks.ts';
import type { CapiReaders } from './observe.ts';

/**
 * - `Clean`: the Node carries none of our marks.
 * - `Named`: an enabled Machine names it, here or in another Cluster object of the same workload cluster.
 * - `Unknown`: not all Machines that could name it are known.
 * - `Paused`: the Cluster or the Machine that names it is paused, or the Cluster is being deleted: nothing is done.
 * - `Left`: the marks on it belong to no Machine any more.
 */
export type NodeBecause = 'Clean' | 'Named' | 'Unknown' | 'Paused' | 'Left';

/** Retry interval if another cluster that may be the same one is not connected, since no event of this Node will come. */
const ASK_AGAIN_MS = 30_000;

function decideNode(node: KubeObject, claim: Exclude<NodeBecause, 'Clean'>): Decision<NodeBecause> {
  if (!carriesMarks(node)) return { because: 'Clean', actions: [] };
  switch (claim) {
    case 'Named':
    case 'Paused':
      return { because: claim, actions: [] };
    case 'Unknown':
      return { because: 'Unknown', actions: [], requeueAfterMs: ASK_AGAIN_MS };
    case 'Left':
      return { because: 'Left', actions: patchOfMarks(node, NO_MARKS, false) };
  }
}

export interface NodePorts {
  readonly readers: CapiReaders;
  readonly clusters: WorkloadClusters;
}

/** Checks one Node. @throws the errors of the write. @returns the result; `Unknown` while the Node cannot be seen. */
export async function sweepNode(
  { readers, clusters }: NodePorts,
  cluster: ClusterKey,
  name: string,
  log: Log,
): Promise<Decision<NodeBecause>> {
  const node = clusters.node(cluster, name);
  if (node.is === 'unknown') return { because: 'Unknown', actions: [] };
  if (node.is === 'absent') return { because: 'Clean', actions: [] };
  const decision = decideNode(node.object, claimOn(readers, clusters, cluster, node.object));
  if (decision.actions.length > 0) {
    log.info('Cleaning a Node that no Machine names', { reason: decision.because, Cluster: cluster, Node: name });
    await clusters.apply(cluster, decision.actions, log);
  }
  return decision;
}

/** @returns a reconciler whose keys are those of `nodeIndexKey`. */
export function reconcileNodes(ports: NodePorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  return async (key, { log }) => {
    const slash = key.lastIndexOf('/');
    const { requeueAfterMs } = await sweepNode(ports, key.slice(0, slash), key.slice(slash + 1), log);
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  };
}

function claimOn(
  { machines, clusters: owners }: CapiReaders,
  clusters: WorkloadClusters,
  cluster: ClusterKey,
  node: KubeObject,
): Exclude<NodeBecause, 'Clean'> {
  const { name, uid } = node.metadata;
  const owner = owners.get(cluster);
  const namesakes = machines.byIndex(MACHINES_BY_NODE.name, nodeIndexKey(cluster, name));
  const elsewhere = machines.byIndex(MACHINES_BY_NODE_NAME.name, name);
  if (owner.is === 'unknown' || namesakes.is === 'unknown' || elsewhere.is === 'unknown') return 'Unknown';
  if (owner.is === 'present' && (owner.object.spec.paused === true || isDeleting(owner.object))) return 'Paused';
  if (namesakes.value.some(isEnabled)) return 'Named';
  if (namesakes.value.some((machine) => annotationOf(machine, PAUSED_ANNOTATION) !== undefined)) return 'Paused';
  // Two Cluster objects may lead to one workload cluster: its Nodes are the same ones, by their UIDs.
  const others = elsewhere.value.filter(isEnabled).flatMap((machine) => clusterOf(machine) ?? []);
  const seen = others.filter((other) => other !== cluster).map((other) => clusters.node(other, name));
  if (seen.some((other) => other.is === 'present' && other.object.metadata.uid === uid)) return 'Named';
  return seen.some((other) => other.is === 'unknown') ? 'Unknown' : 'Left';
}
