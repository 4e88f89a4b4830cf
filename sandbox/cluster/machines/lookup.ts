/** Finds Machines, their Clusters and their Nodes. */
import type { Stored } from '../../api.ts';
import type { Cluster, Machine, MachineReference } from '../base/machine-kinds.ts';
import type { World } from '../base/world.ts';
import { resourceName } from '../upkeep/resources.ts';

export const MACHINES = 'machines.cluster.x-k8s.io';
export const CLUSTERS = 'clusters.cluster.x-k8s.io';

export function clusterOf(world: World, { metadata, spec }: Machine): Cluster | undefined {
  return world.mirror(CLUSTERS).get(`${metadata.namespace}/${spec.clusterName}`);
}

export function nodesByProvider(workload: World) {
  return workload.mirror('nodes').index('provider', ({ spec }) => spec?.providerID);
}

/** Resolves a reference of Cluster API: the plural of its kind, in its group. */
export function resourceOf({ apiGroup, apiVersion, kind }: MachineReference): string {
  return resourceName(`${kind.toLowerCase()}s`, apiGroup ?? apiVersion?.split('/')[0] ?? '');
}

export function referencedBy(world: World, namespace: string, reference: MachineReference): Stored | undefined {
  return world.mirrorOf(resourceOf(reference)).get(`${namespace}/${reference.name}`);
}
