/** The cache indexes by which a change of one object finds the others that it concerns. */
import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { needsAttention } from './machines.ts';
import { parseProviderID } from './provider-id.ts';

export interface Index<T> {
  readonly name: string;
  readonly of: (object: T) => readonly string[];
}

/** Names begin with the feature's, since the Cluster API bridge has indexes of its own on the same cache. */
export const MACHINES_BY_HOST: Index<Machine> = {
  name: 'metal3-host',
  of: ({ metadata, spec }) => {
    const id = parseProviderID(spec.providerID);
    if (id.is === 'legacy') return [`uid:${id.uid}`];
    // A name in another namespace is never followed.
    return id.is === 'named' && id.namespace === metadata.namespace ? [`${id.namespace}/${id.host}`] : [];
  },
};

/** Only Machines that there is something to do for. */
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
