/** Runs the real scheduler on a case, Pod by Pod, and records its answers. */
import { type Rest, RestError } from '../rest.ts';
import { eventually } from '../wait.ts';
import {
  CLASSES,
  type ClusterCase,
  NAMESPACES,
  type RawObject,
  type Recording,
  type Snapshot,
  type Step,
} from './cluster-case.ts';

const DEADLINE_MS = 30_000;
const POLL_MS = 5;
const ALL_NAMESPACES = ['default', ...NAMESPACES.map(({ metadata }) => metadata.name)];
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const NOW = '?gracePeriodSeconds=0';

const PATHS = {
  nodes: '/api/v1/nodes',
  csiNodes: '/apis/storage.k8s.io/v1/csinodes',
  volumes: '/api/v1/persistentvolumes',
  classes: '/apis/storage.k8s.io/v1/storageclasses',
  namespaces: '/api/v1/namespaces',
} as const;

const podsIn = (namespace = 'default'): string => `/api/v1/namespaces/${namespace}/pods`;
const claimsIn = (namespace = 'default'): string => `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;

interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly volumes?: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
  };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
  };
}
interface Claim extends RawObject {
  readonly spec: {
    readonly volumeName?: string;
    readonly resources: { readonly requests: object };
    readonly accessModes: readonly string[];
  };
}
interface Volume extends RawObject {
  readonly spec: { readonly claimRef?: { readonly name: string; readonly namespace: string } };
}

/** Creates what all cases share. */
export async function prepare(api: Rest): Promise<void> {
  await Promise.all([
    ...NAMESPACES.map((namespace) => api.create(PATHS.namespaces, namespace)),
    ...CLASSES.map((storageClass) => api.create(PATHS.classes, storageClass)),
  ]);
}

/** @throws Error if the scheduler gives no answer in time. The cluster is empty again in any case. */
export async function record(api: Rest, cluster: ClusterCase): Promise<Recording> {
  try {
    await arrange(api, cluster);
    const steps: Step[] = [];
    for (const pod of cluster.pods) {
      const before = await snapshot(api);
      const created = await api.create<Pod>(podsIn(pod.metadata.namespace), pod);
      steps.push({ before, pod: slim(created), answer: await answerFor(api, created) });
    }
    return steps;
  } finally {
    await clear(api);
  }
}

/**
 * Tries our own assignment: the Pods in that order, each with all Nodes but its own cordoned.
 *
 * @returns the scheduler's message if it refuses a Pod; undefined if it agrees, and if a Pod that tolerates the cordon goes elsewhere,
 * which proves nothing about the rest.
 */
export async function refusalOf(
  api: Rest,
  cluster: ClusterCase,
  assignment: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  try {
    await arrange(api, cluster);
    for (const [key, target] of assignment) {
      const pod = cluster.pods.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key);
      if (pod === undefined) throw new Error(`There is no Pod ${key}`);
      await Promise.all(cluster.nodes.map((node) => cordon(api, node, node.metadata.name !== target)));
      const created = await api.create<Pod>(podsIn(pod.metadata.namespace), pod);
      const answer = await answerFor(api, created);
      if ('message' in answer) return `${key} on ${target}: ${answer.message}`;
      if (answer.node !== target) return undefined;
    }
    return undefined;
  } finally {
    await clear(api);
  }
}

/** A Node that is cordoned in the case stays so: Pods that are placed there tolerate it. */
async function cordon(api: Rest, { metadata: { name }, spec }: RawObject, isCordoned: boolean): Promise<void> {
  const unschedulable = isCordoned || (spec as { readonly unschedulable?: boolean }).unschedulable === true;
  await api.patch(`${PATHS.nodes}/${name}`, { spec: { unschedulable: unschedulable || null } }, 'merge');
}

async function arrange(api: Rest, cluster: ClusterCase): Promise<void> {
  await Promise.all([
    ...cluster.nodes.map((node) => api.create(PATHS.nodes, node)),
    ...cluster.csiNodes.map((node) => api.create(PATHS.csiNodes, node)),
    ...cluster.volumes.map(async (volume) => {
      await api.create(PATHS.volumes, volume);
      await api.patch(`${PATHS.volumes}/${volume.metadata.name}/status`, { status: volume.status }, 'merge');
    }),
    ...cluster.claims.map((claim) => api.create(claimsIn(claim.metadata.namespace), claim)),
  ]);
  await Promise.all(
    cluster.bound.map(async ({ pod, isDeleting, status }) => {
      const path = `${podsIn(pod.metadata.namespace)}/${pod.metadata.name}`;
      await api.create(podsIn(pod.metadata.namespace), pod);
      if (status !== undefined) await api.patch(`${path}/status`, { status }, 'merge');
      if (isDeleting === true) await api.delete(path);
    }),
  );
}

async function snapshot(api: Rest): Promise<Snapshot> {
  const [nodes, csiNodes, volumes, claims, classes, namespaces, pods] = await Promise.all([
    api.list(PATHS.nodes),
    api.list(PATHS.csiNodes),
    api.list(PATHS.volumes),
    api.list('/api/v1/persistentvolumeclaims'),
    api.list(PATHS.classes),
    api.list(PATHS.namespaces),
    api.list<Pod>('/api/v1/pods'),
  ]);
  return {
    nodes: nodes.map(slim),
    csiNodes: csiNodes.map(slim),
    volumes: volumes.map(slim),
    claims: claims.map(slim),
    classes: classes.map(slim),
    namespaces: namespaces.map(slim),
    pods: pods.filter(({ spec }) => spec.nodeName !== undefined).map(slim),
  };
}

function answerFor(api: Rest, { metadata: { name, namespace } }: Pod): Promise<Step['answer']> {
  return eventually(
    async () => {
      const pod = await api.get<Pod>(`${podsIn(namespace)}/${name}`);
      if (pod.spec.nodeName !== undefined) return { node: pod.spec.nodeName };
      const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
      if (scheduled?.reason === 'Unschedulable') return { message: scheduled.message ?? '' };
      await bindClaims(api, pod);
      return undefined;
    },
    { what: `the scheduler's answer for ${name}`, deadlineMs: DEADLINE_MS, pollMs: POLL_MS },
  );
}

/** Acts like a volume controller and a provisioner for the Pod's claims, once the scheduler has chosen. */
async function bindClaims(api: Rest, { metadata: { namespace }, spec: { volumes = [] } }: Pod): Promise<void> {
  for (const { persistentVolumeClaim } of volumes) {
    if (persistentVolumeClaim === undefined) continue;
    const path = `${claimsIn(namespace)}/${persistentVolumeClaim.claimName}`;
    const claim = await api.get<Claim>(path);
    if (claim.spec.volumeName !== undefined) continue;
    const { name } = claim.metadata;
    if (claim.metadata.annotations?.[SELECTED_NODE] !== undefined) await provision(api, claim);
    const all = await api.list<Volume>(PATHS.volumes);
    const volume = all.find(({ spec: { claimRef } }) => claimRef?.name === name && claimRef.namespace === namespace);
    if (volume === undefined) continue;
    const annotations = { [BIND_COMPLETED]: 'yes' };
    await api.patch(path, { metadata: { annotations }, spec: { volumeName: volume.metadata.name } }, 'merge');
  }
}

async function provision(api: Rest, { metadata: { namespace, name }, spec }: Claim): Promise<void> {
  const volumeName = `provisioned-${name}`;
  await api.create(PATHS.volumes, {
    metadata: { name: volumeName },
    spec: {
      capacity: spec.resources.requests,
      accessModes: spec.accessModes,
      storageClassName: 'dynamic',
      csi: { driver: 'csi.example.com', volumeHandle: volumeName },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name },
    },
  });
}

/** No controller removes the protecting finalizers of storage here, so they are removed first. */
async function clear(api: Rest): Promise<void> {
  await Promise.all(ALL_NAMESPACES.map((namespace) => api.delete(podsIn(namespace) + NOW)));
  const [claims, volumes] = await Promise.all([
    api.list<RawObject>('/api/v1/persistentvolumeclaims'),
    api.list<RawObject>(PATHS.volumes),
  ]);
  await Promise.all([
    ...claims.map(({ metadata }) => remove(api, `${claimsIn(metadata.namespace)}/${metadata.name}`)),
    ...volumes.map(({ metadata }) => remove(api, `${PATHS.volumes}/${metadata.name}`)),
    api.delete(PATHS.csiNodes + NOW),
    api.delete(PATHS.nodes + NOW),
  ]);
}

async function remove(api: Rest, path: string): Promise<void> {
  try {
    await api.patch(path, { metadata: { finalizers: null } }, 'merge');
    await api.delete(path + NOW);
  } catch (error) {
    // The scheduler may be writing to the same volume.
    if (!(error instanceof RestError && error.code === 404)) throw error;
  }
}

/** Removes unused fields, so that a recording can be kept. */
function slim(object: unknown): unknown {
  const { metadata, ...rest } = object as { readonly metadata: Readonly<Record<string, unknown>> };
  const { managedFields: _, creationTimestamp: __, generation: ___, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
