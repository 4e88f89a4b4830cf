/** Machines on a real API server, and Nodes on one small simulated server per workload cluster. */
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { WorkloadServer } from '../harness/doubles/workload-server.ts';

export const API = '/apis/cluster.x-k8s.io/v1beta2';
export const IN_FLIGHT = 32;

export interface BenchMachine {
  readonly name: string;
  readonly path: string;
  readonly namespace: string;
  readonly server: WorkloadServer;
}

/** Runs `work` for each item with `IN_FLIGHT` at once. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/**
 * Clusters with their Secrets, and Machines spread over them, each with a Node.
 *
 * @param first number of the first cluster, if others exist already.
 */
export async function populate(
  management: ControlPlane,
  count: number,
  clusters: number,
  first = 0,
): Promise<readonly BenchMachine[]> {
  const { api } = management;
  const servers = await Promise.all(Array.from({ length: clusters }, () => WorkloadServer.start()));
  await forEach([...servers.entries()], async ([index, server]) => {
    const name = `cluster-${first + index}`;
    await api.create('/api/v1/namespaces', { metadata: { name } });
    await api.create(`/api/v1/namespaces/${name}/secrets`, {
      metadata: { name: `${name}-kubeconfig` },
      data: { value: Buffer.from(server.kubeconfig()).toString('base64') },
    });
    await api.create(`${API}/namespaces/${name}/clusters`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: { name },
      spec: {
        infrastructureRef: { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureCluster', name },
      },
    });
  });
  const machines = Array.from({ length: count }, (_, index) => {
    const namespace = `cluster-${first + (index % clusters)}`;
    const server = servers[index % clusters] as WorkloadServer;
    const name = `machine-${first}-${index}`;
    return { name, namespace, server, path: `${API}/namespaces/${namespace}/machines/${name}` };
  });
  await forEach(machines, async ({ name, namespace, server, path }) => {
    server.put(name);
    const reference = { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureMachine', name };
    await api.create(`${API}/namespaces/${namespace}/machines`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Machine',
      metadata: { name },
      spec: { clusterName: namespace, bootstrap: { dataSecretName: 'none' }, infrastructureRef: reference },
    });
    await api.patch(`${path}/status`, { status: { nodeRef: { name } } }, 'merge');
  });
  return machines;
}
