/** Additions to a sandbox by the code that starts it: Nodes, Clusters, and Machines with their related objects. */
import { ApiError, type Draft, type ResourceName, type SandboxApi } from './api.ts';

const HOSTS = 'baremetalhosts.metal3.io';
const INFRASTRUCTURE = 'infrastructure.cluster.x-k8s.io';

export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Quantities by resource, on top of cpu 32, memory 256Gi, ephemeral-storage 1Ti and pods 110; also the capacity. */
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly providerID?: string;
}

export interface ClusterName {
  readonly namespace: string;
  readonly name: string;
}

export interface MachineOptions {
  /** Must have been added before. */
  readonly cluster: ClusterName;
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether a BareMetalHost of the same name is the machine; needs `metal3`. @default false */
  readonly hasHost?: boolean;
}

const ROOM = { cpu: '32', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '110' };

export function createNode(api: SandboxApi, name: string, { labels, allocatable, providerID }: NodeOptions): void {
  const room = { ...ROOM, ...allocatable };
  api.create('nodes', {
    metadata: { name, ...(labels !== undefined && { labels }) },
    spec: { ...(providerID !== undefined && { providerID }) },
    status: { capacity: room, allocatable: room },
  });
}

/** @param kubeconfig of the API server that its Nodes are on. */
export function createCluster(api: SandboxApi, { namespace, name }: ClusterName, kubeconfig: string): void {
  createUnlessThere(api, 'namespaces', { metadata: { name: namespace } });
  api.create(
    'secrets',
    {
      metadata: { name: `${name}-kubeconfig`, labels: { 'cluster.x-k8s.io/cluster-name': name } },
      type: 'cluster.x-k8s.io/secret',
      data: { value: Buffer.from(kubeconfig).toString('base64') },
    },
    namespace,
  );
  // A control plane of a kind that is not served here always counts as present, so Machines are drained before they are deleted.
  const controlPlaneRef = { apiGroup: 'controlplane.cluster.x-k8s.io', kind: 'SandboxControlPlane', name };
  api.create('clusters.cluster.x-k8s.io', { metadata: { name }, spec: { controlPlaneRef } }, namespace);
}

/** @returns the provider ID that connects the Machine with its Node. */
export function createMachine(api: SandboxApi, name: string, { cluster, labels, hasHost }: MachineOptions): string {
  const { namespace } = cluster;
  const kind = hasHost === true ? 'Metal3Machine' : 'SandboxMachine';
  const providerID = hasHost === true ? `metal3://${namespace}/${name}/${name}` : `sandbox:///${cluster.name}/${name}`;
  if (hasHost === true) {
    const consumerRef = { apiVersion: `${INFRASTRUCTURE}/v1beta1`, kind, namespace, name };
    api.create(HOSTS, { metadata: { name }, spec: { online: true, consumerRef } }, namespace);
  }
  api.create(
    'machines.cluster.x-k8s.io',
    {
      metadata: { name, ...(labels !== undefined && { labels }) },
      spec: {
        clusterName: cluster.name,
        providerID,
        bootstrap: { dataSecretName: `${name}-bootstrap` },
        infrastructureRef: { apiGroup: INFRASTRUCTURE, kind, name },
      },
    },
    namespace,
  );
  return providerID;
}

function createUnlessThere(api: SandboxApi, resource: ResourceName, draft: Draft): void {
  try {
    api.create(resource, draft);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}
