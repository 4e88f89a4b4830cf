/**
 * Records on each Cluster the Nodes by which its workload cluster is recognised. This has two effects, whichever process runs:
 *
 * - A kubeconfig that leads to another cluster is detected; in that cluster every Node would be missing, and would be taken for gone.
 * - A cluster to which we have written stays connected even if no Machine takes part in it any more, until none of our marks is left there.
 *   Then the record is removed from the Cluster.
 */
import { type Action, refOf } from '../core/action.ts';
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Decision, Result } from '../core/decision.ts';
import { formatKnownNodes, nextKnownNodes } from '../core/known-nodes.ts';
import { KNOWN_NODES_ANNOTATION } from '../core/machine-keys.ts';
import { CLUSTER, type Cluster } from '../core/machine-objects.ts';
import { isDeleting } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Apply, Log } from '../core/ports.ts';
import type { ClusterReferences } from './cluster-references.ts';
import { carriesMarks } from './node-marks.ts';
import { type NodeBecause, sweepNode } from './node-sweep.ts';
import type { CapiReaders } from './observe.ts';
import type { WriteAnswer } from './reconcile.ts';

/**
 * - `Paused`: the Cluster is paused or being deleted: nothing is done.
 * - `Known`: the cluster is recognised by enough of its Nodes.
 * - `Learned`: other Nodes are recorded.
 * - `Left`: no Machine takes part there, and Nodes carry our marks.
 * - `Forgotten`: no Machine takes part there, and no mark is left.
 */
export type ClusterBecause = 'Paused' | 'Known' | 'Learned' | 'Left' | 'Forgotten';

export interface ObservedCluster {
  readonly cluster: Cluster;
  /** Of the connected workload cluster. */
  readonly nodes: readonly KubeObject[];
  /** Whether any of them carries marks that belong to no Machine, as far as is known. */
  readonly isLeft: boolean;
  /** Whether a Machine takes part. */
  readonly isNeeded: boolean;
}

function decideCluster({ cluster, nodes, isLeft, isNeeded }: ObservedCluster): Decision<ClusterBecause> {
  const { knownNodes } = cluster;
  if (isAtRest(cluster)) return { because: 'Paused', actions: [] };
  if (!isNeeded) {
    if (isLeft || knownNodes === undefined) return { because: isLeft ? 'Left' : 'Forgotten', actions: [] };
    return { because: 'Forgotten', actions: [patchOf(cluster, null)] };
  }
  const next = nextKnownNodes(
    knownNodes ?? [],
    nodes.map(({ metadata }) => metadata.uid),
  );
  if (knownNodes !== undefined && formatKnownNodes(next) === formatKnownNodes(knownNodes)) {
    return { because: 'Known', actions: [] };
  }
  return { because: 'Learned', actions: [patchOf(cluster, formatKnownNodes(next))] };
}

function isAtRest(cluster: Cluster): boolean {
  return cluster.spec.paused === true || isDeleting(cluster);
}

function patchOf(cluster: Cluster, value: string | null): Action {
  return { do: 'patchMeta', target: refOf(CLUSTER, cluster), annotations: { [KNOWN_NODES_ANNOTATION]: value } };
}

export interface ClusterPorts {
  readonly readers: CapiReaders;
  readonly clusters: WorkloadClusters;
  readonly references: ClusterReferences;
  /** For the management cluster. */
  readonly apply: Apply;
  readonly answerOf: (error: unknown) => WriteAnswer;
}

/** Retry interval if another cluster that may be the same one is not connected, or the remaining marks belong to a paused Machine. */
const ASK_AGAIN_MS = 30_000;
/** Wait until the cache shows the write. */
const LOOK_AGAIN_MS = 1000;

/** @returns a reconciler whose keys are `namespace/name` of Clusters. It throws the errors of writes; the runtime retries. */
export function reconcileClusters(
  ports: ClusterPorts,
): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, clusters, references, apply, answerOf } = ports;
  const refused = new Set<ClusterKey>();

  return async (key, { log }) => {
    const seen = readers.clusters.get(key);
    if (seen.is !== 'present' || clusters.status(key)?.state !== 'Connected') return {};
    const [cluster, nodes, isNeeded] = [seen.object, clusters.nodes(key), references.needs(key)];
    const againMs = isNeeded || isAtRest(cluster) ? undefined : await cleanUp(key, nodes, log);
    const { because, actions } = decideCluster({ cluster, nodes, isLeft: againMs !== undefined, isNeeded });
    try {
      await apply(actions, log);
    } catch (error) {
      const answer = answerOf(error);
      if (answer.is !== 'refused') throw error;
      if (!refused.has(key)) {
        log.warn('A workload cluster is known again by this process alone', { Cluster: key, reason: answer.words });
      }
      refused.add(key);
      if (because === 'Forgotten') references.giveUp(key);
    }
    return againMs === undefined ? {} : { requeueAfterMs: againMs };
  };

  /**
   * Marks that cannot be removed are reported, once per process, and keep no connection open.
   *
   * @returns when to look again, in milliseconds; undefined if nothing is left.
   */
  async function cleanUp(key: ClusterKey, nodes: readonly KubeObject[], log: Log): Promise<number | undefined> {
    const left = new Set<NodeBecause>();
    for (const { metadata } of nodes.filter(carriesMarks)) {
      try {
        const { because } = await sweepNode({ readers, clusters }, key, metadata.name, log);
        left.add(because);
      } catch (error) {
        const answer = answerOf(error);
        if (answer.is !== 'refused') throw error;
        log.warn('Nodes keep our labels in a cluster where no Machine takes part any more', {
          Cluster: key,
          Node: metadata.name,
          reason: answer.words,
        });
        references.giveUp(key);
        return ASK_AGAIN_MS;
      }
    }
    if (left.has('Left')) return LOOK_AGAIN_MS;
    return left.has('Unknown') || left.has('Paused') ? ASK_AGAIN_MS : undefined;
  }
}
