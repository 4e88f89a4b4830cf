/** Machines on a real API server, and Nodes on one small simulated server per workload cluster. */
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { WorkloadServer } from '../harness/doubles/workload-server.ts';

export const API = '/apis/cluster.x-k8s.io/v1beta2';
export const IN_FLIGHT = 32;

/** `prefix-0`, `prefix-1`, … */
export const numbered = (count: number, prefix: string): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

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

/** The Cluster `name` in a Namespace of its own, and its Secret. */
export async function addCluster({ api }: ControlPlane, name: string, kubeconfig: string): Promise<void> {
  await api.create('/api/v1/namespaces', { metadata: { name } });
  await api.create(`/api/v1/namespaces/${name}/secrets`, {
    metadata: { name: `${name}-kubeconfig` },
    data: { value: Buffer.from(kubeconfig).toString('base64') },
  });
  await api.create(`${API}/namespaces/${name}/clusters`, {
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'Cluster',
    metadata: { name },
    spec: {
      infrastructureRef: { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureCluster', name },
    },
  });
}

/** A Machine of the Cluster `cluster` with a Node of the same name. @returns its path */
export async function addMachine(
  { api }: ControlPlane,
  cluster: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const path = `${API}/namespaces/${cluster}/machines`;
  const reference = { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureMachine', name };
  await api.create(path, {
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'Machine',
    metadata: { name, labels },
    spec: { clusterName: cluster, bootstrap: { dataSecretName: 'none' }, infrastructureRef: reference },
  });
  await api.patch(`${path}/${name}/status`, { status: { nodeRef: { name } } }, 'merge');
  return `${path}/${name}`;
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
  const servers = await Promise.all(Array.from({ length: clusters }, () => WorkloadServer.start()));
  await forEach([...servers.entries()], ([index, server]) =>
    addCluster(management, `cluster-${first + index}`, server.kubeconfig()),
  );
  const machines = Array.from({ length: count }, (_, index) => {
    const namespace = `cluster-${first + (index % clusters)}`;
    const server = servers[index % clusters] as WorkloadServer;
    const name = `machine-${first}-${index}`;
    return { name, namespace, server, path: `${API}/namespaces/${namespace}/machines/${name}` };
  });
  await forEach(machines, async ({ name, namespace, server }) => {
    server.put(name);
    await addMachine(management, namespace, name);
  });
  return machines;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
}

/** Requests of the bridge to the API server and to the workload clusters, without Events and the requests that open watches. */
export async function requestsOf(
  management: ControlPlane,
  machines: readonly BenchMachine[],
): Promise<readonly Sent[]> {
  const managed = (await management.auditEvents())
    .filter(
      ({ userAgent, requestURI }) =>
        userAgent?.startsWith('maintenance-bridge') === true && !requestURI.includes('watch=true'),
    )
    .map(({ verb, requestURI }) => ({ method: verb, path: requestURI }));
  const servers = [...new Set(machines.map(({ server }) => server))];
  const elsewhere = servers.flatMap(({ requests }) => requests.filter(({ query }) => query.get('watch') !== 'true'));
  return [...managed, ...elsewhere].filter(({ path }) => !path.includes('/events'));
}

export const isWrite = ({ method }: Sent): boolean =>
  ['create', 'update', 'patch', 'delete', 'PATCH', 'PUT', 'POST', 'DELETE'].includes(method);
