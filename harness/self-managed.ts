/** A Machine with its host, and its Node in a workload cluster that is the same API server, seen by another account. */
import { readFile } from 'node:fs/promises';
import type { ControlPlane, ServiceAccountName } from '../controlplane/controlplane.ts';
import type { Rack } from './metal3.ts';

/**
 * @param machine name of the Machine, its host and its Node.
 * @param hasNode whether there is a Node of that name already.
 * @param account the account of the Cluster's kubeconfig.
 */
export async function addSelfManagedMachine(
  controlPlane: ControlPlane,
  rack: Rack,
  machine: string,
  account: ServiceAccountName,
  { hasNode = false }: { readonly hasNode?: boolean } = {},
): Promise<void> {
  const { api } = controlPlane;
  const { namespace } = rack;
  const kubeconfig = await readFile(await controlPlane.kubeconfigFor(account), 'utf8');
  const cluster = 'shop';
  await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
  if (!hasNode) await controlPlane.addNodes([machine]);
  const apiVersion = 'cluster.x-k8s.io/v1beta2';
  const path = `/apis/${apiVersion}/namespaces/${namespace}`;
  await api.create(`${path}/clusters`, { apiVersion, kind: 'Cluster', metadata: { name: cluster }, spec: {} });
  await api.create(`/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: `${cluster}-kubeconfig`, labels: { 'cluster.x-k8s.io/cluster-name': cluster } },
    type: 'cluster.x-k8s.io/secret',
    data: { value: Buffer.from(kubeconfig).toString('base64') },
  });
  await rack.add(machine);
  await api.patch(`${path}/machines/${machine}/status`, { status: { nodeRef: { name: machine } } }, 'merge');
}
