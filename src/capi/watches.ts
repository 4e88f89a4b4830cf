/** Which Machines a change concerns. The work per event does not grow with the number of Machines. */
import type { RecordEvent } from '../core/action.ts';
import type { ClusterKey, ConnectionStatus } from '../core/clusters.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { isDeleting, keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import type { ClusterReferences } from './cluster-references.ts';
import { connectionChanged } from './events.ts';
import { MACHINES_BY_CLUSTER, MACHINES_BY_NODE, MACHINES_BY_NODE_NAME, nodeIndexKey } from './indexes.ts';
import { needsCluster, releasedBy } from './machines.ts';
import { carriesMarks } from './node-marks.ts';

export interface CapiSources {
  readonly machines: Source<Machine>;
  readonly clusters: Source<Cluster>;
}

/** The events of workload clusters. */
export interface ClusterListener {
  /** A Node came, went, or changed its labels. */
  onNodeChange(cluster: ClusterKey, nodeName: string): void;
  onStateChange(cluster: ClusterKey, status: ConnectionStatus): void;
}

export interface WiringPorts {
  readonly references: ClusterReferences;
  readonly enqueue: (machineKey: string) => void;
  readonly enqueueCluster: (cluster: ClusterKey) => void;
  /** Accepts that the workload cluster may be another one than before. */
  readonly trustAnew: (cluster: ClusterKey) => void;
  /** Takes keys of `nodeIndexKey`. */
  readonly enqueueNode: (nodeKey: string) => void;
  /** The cached Nodes of a connected cluster. */
  readonly nodesOf: (cluster: ClusterKey) => readonly KubeObject[];
  readonly tell: (events: readonly RecordEvent[]) => void;
}

/** Declares the indexes and enqueues the Machines that a change concerns. */
export function setupWatches(
  { machines, clusters }: CapiSources,
  { references, enqueue, enqueueCluster, trustAnew, enqueueNode, nodesOf, tell }: WiringPorts,
): ClusterListener {
  for (const { name, of } of [MACHINES_BY_CLUSTER, MACHINES_BY_NODE, MACHINES_BY_NODE_NAME])
    machines.addIndex(name, of);

  const enqueueNodeOf = (machine: Machine): void => MACHINES_BY_NODE.of(machine).forEach(enqueueNode);
  const look = (machine: Machine): void => {
    const key = keyOf(machine);
    if (needsCluster(machine)) references.engage(key, machine);
    // The process that removed the hook may have been killed before it reported this.
    if (references.has(key) || releasedBy(machine) !== undefined) enqueue(key);
  };
  machines.addHandler({
    onAdd: look,
    onUpdate: (old, now) => {
      // Cluster API writes a Machine's status all the time.
      if (relevantFields(old) === relevantFields(now)) return;
      look(now);
      // The Node that it named before may belong to no Machine now.
      if (old.status.nodeName !== now.status.nodeName) enqueueNodeOf(old);
    },
    onDelete: (last) => {
      enqueue(keyOf(last));
      enqueueNodeOf(last);
    },
  });

  const enqueueAll = (index: string, value: string): readonly Machine[] => {
    const found = machines.byIndex(index, value);
    if (found.is === 'unknown') return []; // The Machines themselves are enqueued when they come.
    for (const machine of found.value) enqueue(keyOf(machine));
    return found.value;
  };
  const ofCluster = (cluster: Cluster): void => {
    enqueueAll(MACHINES_BY_CLUSTER.name, keyOf(cluster));
    enqueueCluster(keyOf(cluster));
  };
  const cameOrWent = (cluster: Cluster): void => {
    references.clusterChanged(keyOf(cluster));
    ofCluster(cluster);
  };
  clusters.addHandler({
    onAdd: (cluster) => {
      references.remember(keyOf(cluster), cluster.knownNodes !== undefined);
      cameOrWent(cluster);
    },
    onUpdate: (old, now) => {
      references.remember(keyOf(now), now.knownNodes !== undefined);
      if (old.knownNodes !== undefined && now.knownNodes === undefined) {
        trustAnew(keyOf(now));
        enqueueCluster(keyOf(now));
      }
      if (old.spec.paused !== now.spec.paused || isDeleting(old) !== isDeleting(now)) ofCluster(now);
    },
    onDelete: (cluster) => {
      references.remember(keyOf(cluster), false);
      cameOrWent(cluster);
    },
  });

  return {
    onNodeChange: (cluster, nodeName) => {
      enqueueAll(MACHINES_BY_NODE.name, nodeIndexKey(cluster, nodeName));
      enqueueNode(nodeIndexKey(cluster, nodeName));
      enqueueCluster(cluster);
    },
    onStateChange: (cluster, status) => {
      enqueueCluster(cluster);
      for (const node of references.needs(cluster) ? nodesOf(cluster) : []) {
        if (carriesMarks(node)) enqueueNode(nodeIndexKey(cluster, node.metadata.name));
      }
      // Includes Machines that do not take part: a Node may still carry marks that the last process had no time to remove.
      const [machine] = enqueueAll(MACHINES_BY_CLUSTER.name, cluster);
      const seen = clusters.get(cluster);
      if (seen.is === 'present') tell(connectionChanged({ cluster: seen.object }, cluster, status));
      else if (machine !== undefined) tell(connectionChanged({ machine }, cluster, status));
    },
  };
}

/** Every field of a Machine that a decision depends on, besides its version. */
function relevantFields({ metadata, spec, status, forcedKeys }: Machine): string {
  const { uid, labels, annotations, deletionTimestamp } = metadata;
  return JSON.stringify([uid, labels, annotations, deletionTimestamp, spec, status, forcedKeys]);
}
