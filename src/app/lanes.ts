/** Shares workers among workload clusters: a slow cluster occupies only its own share, never the workers of the others. */

import { clusterOf } from '../capi/machines.ts';
import type { Machine } from '../core/machine-objects.ts';
import type { Lister } from '../core/ports.ts';
import type { WorkQueueOptions } from '../runtime/queue.ts';

/** How many passes may act for one cluster at a time. */
const WORKERS_PER_CLUSTER = 4;
/**
 * For passes that mostly wait for answers: a waiting worker costs next to nothing, and with this many, thirty clusters that are slow at
 * once leave some for the others.
 */
export const CLUSTER_WORKERS = 128;

type Lanes = NonNullable<WorkQueueOptions['lanes']>;

/** For keys of Machines. A Machine that is gone needs no cluster, and no place. */
export function machineLanes(machines: Lister<Machine>): Lanes {
  const laneOf = (key: string): string | undefined => {
    const seen = machines.get(key);
    return seen.is === 'present' ? clusterOf(seen.object) : undefined;
  };
  return { laneOf, limit: WORKERS_PER_CLUSTER };
}

/** For keys that begin with the cluster's key, like those of Nodes. */
export const NODE_LANES: Lanes = {
  laneOf: (key) => key.split('/').slice(0, 2).join('/'),
  limit: WORKERS_PER_CLUSTER,
};
