/** What manages the Machines and hosts of tests: Cluster API's own controller, or the sandbox's simulation of it. */
import { INFRASTRUCTURE_CRDS, installClusterApiCrds, startClusterApi } from '../controlplane/cluster-api.ts';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { simulateCluster } from '../sandbox/cluster.ts';
import { installHostCrd, PretendedMetal3 } from './metal3.ts';
import { sandboxOf } from './sandbox-cluster.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** Of the simulated hosts. */
const POWER_MS = 50;

/**
 * Manages Machines by Cluster API's own controller, or by the sandbox's simulation of it.
 *
 * @param workload the cluster of the Nodes of all Clusters.
 * @param hasHosts whether there are BareMetalHosts, and a Metal3 that switches them.
 */
export async function startMachines(
  management: ControlPlane,
  workload: ControlPlane,
  hasHosts = false,
): Promise<AsyncDisposable> {
  const [sandbox, nodes] = [sandboxOf(management), sandboxOf(workload)];
  if (sandbox === undefined || nodes === undefined) {
    await installClusterApiCrds(management);
    const running = await startClusterApi(management);
    return hasHosts ? withHosts(management, running) : running;
  }
  for (const crd of INFRASTRUCTURE_CRDS) await management.api.create(CRDS, crd);
  const clusterApi = { workload: () => nodes.api };
  const metal3 = { powerOffMs: POWER_MS, powerOnMs: POWER_MS };
  const simulated = simulateCluster(sandbox.api, sandbox.clock, { clusterApi, ...(hasHosts && { metal3 }) });
  return { [Symbol.asyncDispose]: async () => simulated.stop() };
}

async function withHosts(management: ControlPlane, clusterApi: AsyncDisposable): Promise<AsyncDisposable> {
  await installHostCrd(management);
  const metal3 = new PretendedMetal3(management, 'kept');
  return {
    [Symbol.asyncDispose]: async () => {
      await metal3.stop();
      await clusterApi[Symbol.asyncDispose]();
    },
  };
}
