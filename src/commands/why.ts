/** What `why` reads to explain one object: plain gets; workload clusters are asked as well. */
import { clusterOf } from '../capi/machines.ts';
import type { Observed } from '../capi/observed.ts';
import type { ConnectionStatus } from '../core/clusters.ts';
import type { Explanation } from '../core/explanation.ts';
import {
  BARE_METAL_HOST,
  BARE_METAL_HOST_VERSIONS,
  CLUSTER,
  CLUSTER_API_VERSIONS,
  MACHINE,
  type Machine,
} from '../core/machine-objects.ts';
import { type KubeObject, NODE, type Node, POD } from '../core/objects.ts';
import type { Seen } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { type ApiClient, pathOf } from '../kube/api.ts';
import { makeClient } from '../kube/client.ts';
import { credentialsOf } from '../kube/credentials.ts';
import { isKubeError, KubeError, orUndefined } from '../kube/errors.ts';
import { readKubeconfigSecret } from '../kube/kubeconfig-secret.ts';
import { trimMeta, trimOf } from '../kube/trim.ts';
import { explainNode } from '../tmm/explain.ts';
import { explainPod } from '../tmm/explain-pod.ts';
import type { Surroundings } from './cluster.ts';
import { trimDatedMachine } from './dated-machine.ts';
import { explainDated, Overview, serve } from './overview.ts';
import type { Settings } from './settings.ts';

/** A person waits for the answer. */
const TIMEOUT_MS = 10_000;

export interface Named {
  readonly kind: Explanation['kind'];
  readonly name: string;
}

export type Answer = Explanation | 'NotServed' | undefined;

/**
 * @param namespace of everything but Nodes.
 * @returns undefined where there is no such object, `NotServed` where the cluster does not know its kind.
 * @throws KubeError where the management cluster does not answer as it should.
 */
export function explainOne(
  client: ApiClient,
  { kind, name }: Named,
  namespace: string,
  settings: Settings,
  surroundings: Pick<Surroundings, 'env' | 'nowMs'>,
): Promise<Answer> {
  switch (kind) {
    case 'Node':
      return whyNode(client, name, settings);
    case 'Pod':
      return whyPod(client, namespace, name, settings);
    case 'Machine':
      return whyMachine(client, namespace, name, settings, surroundings);
    case 'BareMetalHost':
      return whyHost(client, namespace, name, settings, surroundings.nowMs);
  }
}

async function whyNode(client: ApiClient, name: string, { taints }: Settings): Promise<Explanation | undefined> {
  const node = await readNode(client, name);
  return node && explainNode(node, taints);
}

async function whyPod(
  client: ApiClient,
  namespace: string,
  name: string,
  settings: Settings,
): Promise<Explanation | undefined> {
  const pod = trimOf(POD)(await get(client, POD, namespace, name));
  if (pod === undefined) return undefined;
  const { nodeName } = pod.spec;
  const node = nodeName === undefined ? undefined : await readNode(client, nodeName);
  const seen: Seen<Node> = node === undefined ? { is: 'absent' } : { is: 'present', object: node };
  return explainPod(pod, seen, settings);
}

/** The Node is asked for in the workload cluster, with the credentials that the bridge would use; where that fails, it is unknown. */
async function whyMachine(
  client: ApiClient,
  namespace: string,
  name: string,
  settings: Settings,
  { env, nowMs }: Pick<Surroundings, 'env' | 'nowMs'>,
): Promise<Answer> {
  const served = await serve(client, MACHINE, CLUSTER_API_VERSIONS, AbortSignal.timeout(TIMEOUT_MS));
  if (served === undefined) return 'NotServed';
  const machine = trimDatedMachine(await get(client, served, namespace, name));
  if (machine === undefined) return undefined;
  const { clusterName } = machine.spec;
  const [owner, look] = await Promise.all([
    clusterName && get(client, { ...CLUSTER, version: served.version }, namespace, clusterName),
    lookAtNode(client, machine, env, nowMs),
  ]);
  return explainDated(machine, { cluster: trimOf(CLUSTER)(owner), nowMs, ...look }, settings);
}

/** A host is explained by the Machines that name it, which only a list finds. */
async function whyHost(
  client: ApiClient,
  namespace: string,
  name: string,
  settings: Settings,
  nowMs: number,
): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const served = await serve(client, BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS, signal);
  if (served === undefined) return 'NotServed';
  if ((await get(client, served, namespace, name)) === undefined) return undefined;
  const overview = await Overview.prepare(client, { namespaces: [namespace] }, settings, signal);
  const [fault] = await overview.look(client, signal);
  const found = overview
    .explanations(nowMs)
    .find((each) => each.kind === 'BareMetalHost' && each.name === `${namespace}/${name}`);
  if (found === undefined && fault !== undefined)
    throw new KubeError({ reason: 'Unreachable', code: 0, message: fault });
  return found;
}

type NodeLook = Pick<Observed, 'node' | 'connection'>;

async function lookAtNode(
  management: ApiClient,
  machine: Machine,
  env: Surroundings['env'],
  nowMs: number,
): Promise<NodeLook> {
  const cluster = clusterOf(machine);
  const { nodeName } = machine.status;
  if (cluster === undefined || nodeName === undefined) return { node: { is: 'none' }, connection: undefined };
  const unknown = (state: ConnectionStatus['state'], detail: string): NodeLook => ({
    node: { is: 'unknown' },
    connection: { state, sinceMs: nowMs, detail },
  });
  const secret = await readKubeconfigSecret(management, cluster, {
    timeoutMs: TIMEOUT_MS,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (secret.is !== 'read') return unknown('Refused', secret.detail);
  try {
    const workload = makeClient(credentialsOf(secret.kubeconfig.access, { env, clock: Date }));
    const node: KubeObject | undefined = trimMeta(await get(workload, NODE, undefined, nodeName));
    const seen: Observed['node'] = node === undefined ? { is: 'absent' } : { is: 'present', object: node };
    return { node: seen, connection: undefined };
  } catch (error) {
    return unknown('Unreachable', isKubeError(error) ? error.message : 'its kubeconfig cannot be used');
  }
}

async function readNode(client: ApiClient, name: string): Promise<Node | undefined> {
  return trimOf(NODE)(await get(client, NODE, undefined, name));
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
