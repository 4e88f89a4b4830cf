/** The cache indexes by which an event of a cluster or of a Node finds its Machines. */

import type { ClusterKey } from '../core/clusters.ts';
import type { Machine } from '../core/machine-objects.ts';
import type { Index } from '../core/ports.ts';
import { clusterOf } from './machines.ts';

export const MACHINES_BY_CLUSTER: Index<Machine> = {
  name: 'cluster',
  of: (machine) => {
    const cluster = clusterOf(machine);
    return cluster === undefined ? [] : [cluster];
  },
};

/** Under the Node that the Machine itself names. What a Node says of its Machine is never asked: anybody there may write it. */
export const MACHINES_BY_NODE: Index<Machine> = {
  name: 'node',
  of: (machine) => {
    const cluster = clusterOf(machine);
    const { nodeName } = machine.status;
    return cluster === undefined || nodeName === undefined ? [] : [nodeIndexKey(cluster, nodeName)];
  },
};

/** Under the bare name of the Node, whatever the cluster. */
export const MACHINES_BY_NODE_NAME: Index<Machine> = {
  name: 'node-name',
  of: ({ status }) => (status.nodeName === undefined ? [] : [status.nodeName]),
};

/** Neither part can hold the slash that would make two of them look alike. */
export function nodeIndexKey(cluster: ClusterKey, nodeName: string): string {
  return `${cluster}/${nodeName}`;
}
