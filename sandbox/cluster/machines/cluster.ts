/** Clusters (Cluster API, internal/controllers/cluster): deleting one deletes its Machines, and it is removed after the last of them. */
import { keyOf } from '../../../src/core/meta.ts';
import { withConditions } from '../base/conditions.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import { CLUSTERS, MACHINES } from './lookup.ts';

const FINALIZER = 'cluster.cluster.x-k8s.io';

export function startClusters(world: World): void {
  const machines = world.mirror(MACHINES);
  const ofCluster = machines.index('cluster', ({ metadata, spec }) => `${metadata.namespace}/${spec.clusterName}`);
  const work = world.controller('Cluster', (key) => {
    const cluster = world.fresh(CLUSTERS, key);
    if (cluster === undefined || cluster.spec?.paused === true) return;
    const { finalizers = [] } = cluster.metadata;
    if (!isTerminating(cluster)) {
      if (!finalizers.includes(FINALIZER)) {
        world.patch(CLUSTERS, cluster, { metadata: { finalizers: [...finalizers, FINALIZER] } });
      }
      const present = world.fresh(CLUSTERS, key);
      if (present === undefined) return;
      const claim = { type: 'Available', status: 'True', reason: 'Available' };
      const conditions = withConditions(present.status?.conditions, [claim], world.now());
      world.patchStatus(CLUSTERS, present, { phase: 'Provisioned', conditions });
      return;
    }
    world.patchStatus(CLUSTERS, cluster, { phase: 'Deleting' });
    for (const machine of ofCluster.get(key)) if (!isTerminating(machine)) world.delete(MACHINES, machine);
    const present = world.fresh(CLUSTERS, key);
    if (ofCluster.get(key).length > 0 || present === undefined) return;
    world.patch(CLUSTERS, present, { metadata: { finalizers: finalizers.filter((each) => each !== FINALIZER) } });
  });
  world.mirror(CLUSTERS).onChange(({ object }) => work.add(keyOf(object)));
  machines.onChange(({ type, object }) => {
    if (type === 'DELETED') work.add(`${object.metadata.namespace}/${object.spec.clusterName}`);
  });
}
