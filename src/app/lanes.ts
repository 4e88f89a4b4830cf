/** Whose turn it is among workload clusters: one that is slow keeps some workers busy, and never those of the others. */

import { clusterOf } from '../capi/machines.ts';
import type { Machine } from '../core/machine-objects.ts';
import type { Lister } from '../core/ports.ts';
import type { WorkQueueOptions } from '../runtime/queue.ts';

/** How many passes may act for one cluster at a time. */
const WORKERS_PER_CLUSTER = 4;
/**
 * For passes that mostly wait for answers: a worker that waits costs next to nothing, and with so many as these, thirty clusters
 * that are slow at once leave some for the others.
 */
export const CLUSTER_WORKERS = 128;

type Lanes = NonNullable<WorkQueueOptions['lanes']>;

/** For keys of Machines. One that is not there any more needs no cluster, and no place. */
export function machineLanes(machines: Lister<Machine>): Lanes {
  const laneOf = (key: string): string | undefined => {
    const seen = machines.get(key);
    return seen.is === 'present' ? clusterOf(seen.object) : undefined;
  };
  return { laneOf, limit: WORKERS_PER_CLUSTER };
}

/** For keys that begin with the cluster's, as those of Nodes do. */
export const NODE_LANES: Lanes = {
  laneOf: (key) => key.split('/').slice(0, 2).join('/'),
  limit: WORKERS_PER_CLUSTER,
};
