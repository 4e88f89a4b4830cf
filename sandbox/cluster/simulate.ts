/**
 * A small cluster behind the sandbox's API server: what kube-controller-manager, the scheduler, the kubelets and, where wanted,
 * Cluster API and Metal3 do, as far as a user of maintenance sees it.
 *
 * Every controller is level-triggered: it looks at what is there and brings it one step nearer to what should be. All state is in
 * the objects, but for what a kubelet knows of the Pods that it has just started or is about to stop.
 */
import type { SandboxClock } from '../api.ts';
import { startApprover } from './approver.ts';
import type { ClusterAccess } from './base/cluster-access.ts';
import { WorkLoop } from './base/work-loop.ts';
import { World } from './base/world.ts';
import { startHosts } from './hosts/power.ts';
import { startClusters } from './machines/cluster.ts';
import { serveClusterApi, serveMetal3 } from './machines/definitions.ts';
import { startMachines } from './machines/machine.ts';
import { Workloads } from './machines/workloads.ts';
import { startNodeKubelets } from './nodes/kubelet-node.ts';
import { startPodKubelets } from './nodes/kubelet-pods.ts';
import { startNodeLifecycle } from './nodes/lifecycle.ts';
import { startPodRemoval } from './nodes/pod-removal.ts';
import { type SimulationOptions, timingOf } from './options.ts';
import { startEphemeralClaims } from './scheduling/ephemeral-claims.ts';
import { startScheduler } from './scheduling/scheduler.ts';
import { createStorageClasses, startVolumes } from './scheduling/volumes.ts';
import { startDisruption } from './upkeep/disruption.ts';
import { startGarbageCollector } from './upkeep/garbage-collector.ts';
import { startNamespaces } from './upkeep/namespaces.ts';
import { startVolumeProtection } from './upkeep/volume-protection.ts';
import { startDaemonSets } from './workloads/daemon-set.ts';
import { startDeployments } from './workloads/deployment.ts';
import { startJobs } from './workloads/job.ts';
import { startReplicaSets } from './workloads/replica-set.ts';
import { startStatefulSets } from './workloads/stateful-set.ts';

/** A running simulation. */
export interface SimulatedCluster {
  /** Nothing happens any more; what is there stays, and another simulation may go on with it. */
  stop(): void;
}

/**
 * Begins with whatever is there, and goes on until it is stopped.
 *
 * A pass of a controller that throws is told to `options.onError` and tried again, later each time; nothing is thrown out of
 * a running simulation.
 */
export function simulateCluster(
  api: ClusterAccess,
  clock: SandboxClock,
  options: SimulationOptions = {},
): SimulatedCluster {
  const loop = new WorkLoop(clock, options.onError ?? (() => undefined));
  const world = new World(api, clock, loop);
  const timing = timingOf(options);
  if (options.storageClasses !== false) createStorageClasses(world);
  startNamespaces(world, options.rootCertificate);
  startNodeKubelets(world, timing);
  startNodeLifecycle(world, timing);
  startPodRemoval(world, timing);
  startDeployments(world);
  startReplicaSets(world);
  startStatefulSets(world);
  startDaemonSets(world);
  startJobs(world);
  startEphemeralClaims(world);
  startVolumes(world);
  startVolumeProtection(world);
  startScheduler(world);
  startPodKubelets(world, timing);
  startDisruption(world);
  startGarbageCollector(world);
  if (options.approver !== undefined) startApprover(world, options.approver);
  const workloads = new Workloads(world, clock, loop, options.clusterApi?.workload);
  if (options.clusterApi !== undefined) {
    serveClusterApi(world);
    startClusters(world);
    startMachines(world, workloads);
  }
  if (options.metal3 !== undefined) {
    serveMetal3(world);
    startHosts(world, workloads, options.metal3);
  }
  return {
    stop: () => {
      loop.stop();
      workloads.stop();
      world.stop();
    },
  };
}
