/** What `status` and `why` read of the clusters: plain gets and lists, nothing is watched and nothing is written. */

import { explainMachine } from '../capi/explain.ts';
import { clusterOf } from '../capi/machines.ts';
import type { Observed } from '../capi/observed.ts';
import { capiSettingsSchema } from '../capi/settings.ts';
import type { ConnectionStatus } from '../core/clusters.ts';
import type { Explanation } from '../core/explanation.ts';
import { MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import { CLUSTER, CLUSTER_API_VERSIONS, type Cluster, MACHINE, type Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import { type KubeObject, NODE } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { type ApiClient, pathOf } from '../kube/api.ts';
import { makeClient } from '../kube/client.ts';
import { credentialsOf } from '../kube/credentials.ts';
import { discover } from '../kube/discovery.ts';
import { isKubeError, orUndefined } from '../kube/errors.ts';
import { readKubeconfigSecret } from '../kube/kubeconfig-secret.ts';
import { listRaw } from '../kube/list.ts';
import { fields, listOf, text } from '../kube/raw.ts';
import { trimMeta, trimNode } from '../kube/trim.ts';
import { trimCluster, trimMachine } from '../kube/trim-machines.ts';
import { explainNode } from '../tmm/explain.ts';
import { PRESETS } from '../tmm/names.ts';

/** A person waits for the answer. */
const TIMEOUT_MS = 10_000;
/** Commands do not know the configuration of the controllers: they explain by its defaults. */
const SETTINGS = capiSettingsSchema.parse({});
const TAINTS = Object.values(PRESETS);

/** How a Node of the management cluster stands. @returns undefined where there is none of that name. */
export async function readNode(client: ApiClient, name: string): Promise<Explanation | undefined> {
  const node = trimNode(await get(client, NODE, undefined, name));
  return node && explainNode(node, TAINTS);
}

export async function readNodes(client: ApiClient): Promise<readonly Explanation[]> {
  const nodes = (await listRaw(client, NODE)).flatMap((raw) => trimNode(raw) ?? []);
  return nodes.map((node) => explainNode(node, TAINTS));
}

/**
 * How a Machine stands. Its Node is asked for in the workload cluster, with the credentials that the bridge would use;
 * where that fails, the Node is unknown.
 *
 * @returns undefined where there is no such Machine, or no Cluster API.
 */
export async function readMachine(
  client: ApiClient,
  namespace: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Explanation | undefined> {
  const version = await clusterApiVersion(client);
  if (version === undefined) return undefined;
  const raw = await get(client, { ...MACHINE, version }, namespace, name);
  const machine = trimMachine(raw);
  if (machine === undefined) return undefined;
  const { clusterName } = machine.spec;
  const owner =
    clusterName === undefined
      ? undefined
      : trimCluster(await get(client, { ...CLUSTER, version }, namespace, clusterName));
  return explain(raw, machine, owner, await lookAtNode(client, machine, env));
}

/** How all Machines stand as far as the management cluster shows it: no workload cluster is asked. */
export async function readMachines(client: ApiClient, namespaces: readonly string[]): Promise<readonly Explanation[]> {
  const version = await clusterApiVersion(client);
  if (version === undefined) return [];
  const listAll = async (resource: Resource<unknown>): Promise<readonly unknown[]> => {
    const served = { ...resource, version };
    if (namespaces.length === 0) return listRaw(client, served);
    return (await Promise.all(namespaces.map((namespace) => listRaw(client, served, namespace)))).flat();
  };
  const [machines, clusters] = await Promise.all([listAll(MACHINE), listAll(CLUSTER)]);
  const owners = new Map(
    clusters.flatMap((raw) => {
      const found = trimCluster(raw);
      return found === undefined ? [] : [[keyOf(found), found] as const];
    }),
  );
  return machines.flatMap((raw) => {
    const machine = trimMachine(raw);
    return machine === undefined
      ? []
      : [explain(raw, machine, owners.get(clusterOf(machine) ?? ''), { node: unansweredNode(machine) })];
  });
}

type NodeLook = Pick<Observed, 'node'> & { readonly connection?: ConnectionStatus };

function explain(raw: unknown, machine: Machine, cluster: Cluster | undefined, look: NodeLook): Explanation {
  const observed = { machine, cluster, speaksForNode: true, connection: undefined, nowMs: Date.now(), ...look };
  const requestedAt = writtenAt(raw, MAINTENANCE_LABEL);
  return explainMachine({ observed, ...(requestedAt !== undefined && { requestedAt }), settings: SETTINGS });
}

/** A Node that has not answered: whatever it did answer, the bridge would have written on the Machine at once. */
function unansweredNode({ status: { nodeName } }: Machine): Observed['node'] {
  if (nodeName === undefined) return { is: 'none' };
  return { is: 'present', object: { metadata: { name: nodeName, uid: '', resourceVersion: '' } } };
}

async function lookAtNode(
  management: ApiClient,
  machine: Machine,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NodeLook> {
  const cluster = clusterOf(machine);
  const { nodeName } = machine.status;
  if (cluster === undefined || nodeName === undefined) return { node: { is: 'none' } };
  const unknown = (state: ConnectionStatus['state'], detail: string): NodeLook => ({
    node: { is: 'unknown' },
    connection: { state, sinceMs: Date.now(), detail },
  });
  const secret = await readKubeconfigSecret(management, cluster, {
    timeoutMs: TIMEOUT_MS,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (secret.is !== 'read') return unknown('Refused', secret.detail);
  try {
    const workload = makeClient(credentialsOf(secret.kubeconfig.access, { env, clock: Date }));
    const node: KubeObject | undefined = trimMeta(await get(workload, NODE, undefined, nodeName));
    return { node: node === undefined ? { is: 'absent' } : { is: 'present', object: node } };
  } catch (error) {
    return unknown('Unreachable', isKubeError(error) ? error.reason : 'its kubeconfig cannot be used');
  }
}

async function clusterApiVersion(client: ApiClient): Promise<string | undefined> {
  const found = await discover(client, MACHINE, CLUSTER_API_VERSIONS, AbortSignal.timeout(TIMEOUT_MS));
  return found.is === 'served' ? found.version : undefined;
}

/** @returns undefined where there is no such object. */
async function get(
  client: ApiClient,
  resource: Resource<unknown>,
  namespace: string | undefined,
  name: string,
): Promise<unknown> {
  const path = pathOf(resource, { namespace, name });
  return orUndefined(client.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS }), 'NotFound');
}

/** When a label was last written: the API server notes it for each field manager (`metadata.managedFields[].time`). */
function writtenAt(raw: unknown, label: string): string | undefined {
  const entries = listOf(fields(fields(raw)?.metadata)?.managedFields, (entry) => entry) ?? [];
  const times = entries.flatMap(({ fieldsV1, time }) => {
    const labels = fields(fields(fields(fieldsV1)?.['f:metadata'])?.['f:labels']);
    return labels?.[`f:${label}`] === undefined ? [] : [text(time) ?? ''];
  });
  return times.sort().at(-1);
}
