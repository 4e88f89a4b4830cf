/** The cache indexes that lead from a change of one object to the others that it concerns. */

import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import type { Index } from '../core/ports.ts';
import { parseProviderID } from '../core/provider-id.ts';
import { needsAttention } from './machines.ts';

/** Index names begin with the feature's name, since the Cluster API bridge has other indexes on the same cache. */
export const MACHINES_BY_HOST: Index<Machine> = {
  name: 'metal3-host',
  of: ({ metadata, spec }) => {
    const id = parseProviderID(spec.providerID);
    if (id.is === 'legacy') return [`uid:${id.uid}`];
    // A name in another namespace is never followed.
    return id.is === 'named' && id.namespace === metadata.namespace ? [`${id.namespace}/${id.host}`] : [];
  },
};

/** By the Metal3Machine that a Machine stands for, according to its reference to the host. */
export const MACHINES_BY_METAL3_MACHINE: Index<Machine> = {
  name: 'metal3-machine',
  of: (machine) => {
    const name = metal3MachineOf(machine);
    return name === undefined ? [] : [`${machine.metadata.namespace}/${name}`];
  },
};

/** undefined while the Machine names no host. With a legacy provider ID, the `infrastructureRef` counts. */
export function metal3MachineOf({ spec }: Machine): string | undefined {
  const id = parseProviderID(spec.providerID);
  if (id.is === 'named') return id.metal3Machine;
  return id.is === 'legacy' ? spec.infrastructureName : undefined;
}

/** Only Machines for which there is something to do. */
export const MACHINES_BY_CLUSTER: Index<Machine> = {
  name: 'metal3-cluster',
  of: (machine) => {
    const { clusterName } = machine.spec;
    return clusterName === undefined || !needsAttention(machine)
      ? []
      : [`${machine.metadata.namespace}/${clusterName}`];
  },
};

export const HOSTS_BY_UID: Index<BareMetalHost> = {
  name: 'metal3-uid',
  of: ({ metadata }) => [metadata.uid.toLowerCase()],
};
