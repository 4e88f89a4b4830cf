/** Which changes concern which Machines. The work per event does not grow with the number of Machines. */
import type { RecordEvent } from '../core/action.ts';
import type { ClusterKey, ConnectionStatus } from '../core/clusters.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { isDeleting, keyOf } from '../core/meta.ts';
import type { Source } from '../core/ports.ts';
import { connectionChanged } from './events.ts';
import { MACHINES_BY_CLUSTER, MACHINES_BY_NODE, nodeIndexKey } from './indexes.ts';
import { needsCluster } from './machines.ts';
import type { Roster } from './roster.ts';

export interface CapiSources {
  readonly machines: Source<Machine>;
  readonly clusters: Source<Cluster>;
}

/** What workload clusters report. */
export interface ClusterListener {
  /** A Node came, went, or changed its labels. */
  onNodeChange(cluster: ClusterKey, nodeName: string): void;
  onStateChange(cluster: ClusterKey, status: ConnectionStatus): void;
}

export interface WiringPorts {
  readonly roster: Roster;
  readonly enqueue: (machineKey: string) => void;
  readonly tell: (events: readonly RecordEvent[]) => void;
}

/** Declares the indexes and has Machines enqueued that a change concerns. */
export function wire({ machines, clusters }: CapiSources, { roster, enqueue, tell }: WiringPorts): ClusterListener {
  for (const { name, of } of [MACHINES_BY_CLUSTER, MACHINES_BY_NODE]) machines.addIndex(name, of);

  const look = (machine: Machine): void => {
    const key = keyOf(machine);
    if (needsCluster(machine)) roster.engage(key, machine);
    if (roster.has(key)) enqueue(key);
  };
  machines.addHandler({
    onAdd: look,
    onUpdate: (old, now) => {
      // Cluster API writes a Machine's status all the time.
      if (essenceOf(old) !== essenceOf(now)) look(now);
    },
    onDelete: (last) => enqueue(keyOf(last)),
  });

  const enqueueAll = (index: string, value: string): readonly Machine[] => {
    const found = machines.byIndex(index, value);
    if (found.is === 'unknown') return []; // The Machines themselves are enqueued when they come.
    for (const machine of found.value) enqueue(keyOf(machine));
    return found.value;
  };
  const ofCluster = (cluster: Cluster): void => void enqueueAll(MACHINES_BY_CLUSTER.name, keyOf(cluster));
  clusters.addHandler({
    onAdd: ofCluster,
    onUpdate: (old, now) => {
      if (old.spec.paused !== now.spec.paused || isDeleting(old) !== isDeleting(now)) ofCluster(now);
    },
    onDelete: ofCluster,
  });

  return {
    onNodeChange: (cluster, nodeName) => {
      enqueueAll(MACHINES_BY_NODE.name, nodeIndexKey(cluster, nodeName));
    },
    onStateChange: (cluster, status) => {
      // Also those that do not take part: a Node may still carry what the last process had no time to remove.
      const [machine] = enqueueAll(MACHINES_BY_CLUSTER.name, cluster);
      const seen = clusters.get(cluster);
      if (seen.is === 'present') tell(connectionChanged({ cluster: seen.object }, cluster, status));
      else if (machine !== undefined) tell(connectionChanged({ machine }, cluster, status));
    },
  };
}

/** Everything of a Machine that a decision depends on, besides its version. */
function essenceOf({ metadata, spec, status, forcedKeys }: Machine): string {
  const { uid, labels, annotations, deletionTimestamp } = metadata;
  return JSON.stringify([uid, labels, annotations, deletionTimestamp, spec, status, forcedKeys]);
}
