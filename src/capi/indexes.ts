/** The cache indexes that lead from an event of a cluster or of a Node to its Machines. */

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

/** By the Node that the Machine itself names. A Node's own claim about its Machine is never used: anyone in that cluster may write it. */
export const MACHINES_BY_NODE: Index<Machine> = {
  name: 'node',
  of: (machine) => {
    const cluster = clusterOf(machine);
    const { nodeName } = machine.status;
    return cluster === undefined || nodeName === undefined ? [] : [nodeIndexKey(cluster, nodeName)];
  },
};

/** By the bare name of the Node, whatever the cluster. */
export const MACHINES_BY_NODE_NAME: Index<Machine> = {
  name: 'node-name',
  of: ({ status }) => (status.nodeName === undefined ? [] : [status.nodeName]),
};

/** The slash separates the parts unambiguously: neither of them can contain one. */
export function nodeIndexKey(cluster: ClusterKey, nodeName: string): string {
  return `${cluster}/${nodeName}`;
}
