/** Which changes concern which Nodes in a drain. */
import type { ClusterKey } from '../../core/clusters.ts';
import { CONTROL_PLANE_LABEL, DRAIN_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { keyOf, labelOf } from '../../core/meta.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Source } from '../../core/ports.ts';
import { MACHINES_BY_NODE, nodeIndexKey } from '../indexes.ts';
import { clusterOf, isEnabled, maintenanceOf } from '../machines.ts';
import { holdsSlot, recordOf } from './record.ts';
import { MACHINES_BY_GROUP, MACHINES_IN_DRAIN } from './slots.ts';

export interface DrainListener {
  /** A Node came, went, or changed its labels. */
  onNodeChange(cluster: ClusterKey, nodeName: string): void;
  /** The cluster is connected, or not any more. */
  onStateChange(cluster: ClusterKey): void;
}

/**
 * Declares the indexes and enqueues Nodes. Of those that wait for slots, only the first for each kind of slot are enqueued when one becomes
 * free: each Machine that goes triggers the next.
 *
 * @param enqueue takes keys of `nodeIndexKey`.
 * @param nodesOf the cached Nodes of a connected cluster.
 */
export function setupDrainWatches(
  machines: Source<Machine>,
  enqueue: (nodeKey: string) => void,
  nodesOf: (cluster: ClusterKey) => readonly KubeObject[],
): DrainListener {
  for (const { name, of } of [MACHINES_IN_DRAIN, MACHINES_BY_GROUP]) machines.addIndex(name, of);
  const enqueueNodeOf = (machine: Machine): void => MACHINES_BY_NODE.of(machine).forEach(enqueue);
  const concerns = (machine: Machine): boolean =>
    recordOf(machine) !== undefined ||
    (isEnabled(machine) && (machine.metadata.deletionTimestamp !== undefined || maintenanceOf(machine) !== 'none'));
  const wakeWaiting = (): void => {
    const waiting = machines.byIndex(MACHINES_IN_DRAIN.name, 'waiting');
    if (waiting.is === 'known') for (const machine of firstOfEach(waiting.value)) enqueueNodeOf(machine);
  };
  machines.addHandler({
    onAdd: (machine) => {
      if (concerns(machine)) enqueueNodeOf(machine);
    },
    onUpdate: (old, now) => {
      if (old.status.nodeName !== now.status.nodeName) enqueueNodeOf(old);
      if (concerns(now) || concerns(old)) enqueueNodeOf(now);
      const wasAhead = recordOf(old)?.state === 'Waiting' && recordOf(old)?.reason !== recordOf(now)?.reason;
      if ((holdsSlot(old) && !holdsSlot(now)) || wasAhead || old.status.nodeReady !== now.status.nodeReady)
        wakeWaiting();
    },
    onDelete: (last) => {
      enqueueNodeOf(last);
      // A control-plane Machine that is not enabled is waited for as well.
      if (recordOf(last) !== undefined || labelOf(last, CONTROL_PLANE_LABEL) !== undefined) wakeWaiting();
    },
  });
  return {
    onNodeChange: (cluster, nodeName) => enqueue(nodeIndexKey(cluster, nodeName)),
    onStateChange: (cluster) => {
      // Includes Nodes of Machines that have gone meanwhile.
      for (const node of nodesOf(cluster)) {
        const key = nodeIndexKey(cluster, node.metadata.name);
        const owners = machines.byIndex(MACHINES_BY_NODE.name, key);
        const isMeant = owners.is === 'known' && owners.value.some(concerns);
        if (isMeant || labelOf(node, DRAIN_LABEL) !== undefined) enqueue(key);
      }
    },
  };
}

/**
 * The first Machine that waits for each kind of slot, per cluster: its slot may be shared only with others of that cluster. Every Machine
 * that waits for its control plane: which of them may go does not depend on how long each has waited.
 */
function firstOfEach(waiting: readonly Machine[]): readonly Machine[] {
  const first = new Map<string, Machine>();
  for (const machine of waiting) {
    const record = recordOf(machine);
    const reason = record?.reason ?? '';
    const sharers = reason === 'ControlPlane' ? keyOf(machine) : MACHINES_BY_GROUP.of(machine).join();
    const kind = `${reason}/${reason === 'AllMachines' ? '' : clusterOf(machine)}/${sharers}`;
    const before = first.get(kind);
    const order = (since: string | undefined, each: Machine): string => `${since ?? ''} ${keyOf(each)}`;
    if (before === undefined || order(record?.since, machine) < order(recordOf(before)?.since, before)) {
      first.set(kind, machine);
    }
  }
  return [...first.values()];
}
