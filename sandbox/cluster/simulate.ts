/**
 * A small cluster behind the sandbox's API server: the behaviour of kube-controller-manager, the scheduler, the kubelets and, optionally,
 * Cluster API and Metal3, as far as it matters for maintenance.
 *
 * Every controller is level-triggered: it reads the current state and moves it one step towards the desired one. All state is in the
 * objects, except for the kubelets' memory of Pods that they have just started or are about to stop.
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
  /** Stops the controllers; the objects stay, and another simulation may continue with them. */
  stop(): void;
}

/**
 * Starts with the existing objects, and runs until it is stopped.
 *
 * A failed pass of a controller is reported to `options.onError` and retried with growing delays; a running simulation never throws.
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
