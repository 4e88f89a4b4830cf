/** The reads of `why` to explain one object: plain gets; workload clusters are read as well. */
import { shownBy } from '../app/features.ts';
import { explainMachine } from '../capi/explain.ts';
import { clusterOf } from '../capi/machines.ts';
import type { Observed } from '../capi/observed.ts';
import type { ConnectionStatus } from '../core/clusters.ts';
import type { SourceOf } from '../core/explained.ts';
import type { Explanation } from '../core/explanation.ts';
import { anotherCluster, isAnotherCluster } from '../core/known-nodes.ts';
import { CLUSTER, CLUSTER_API_VERSIONS, MACHINE, type Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import { DAEMON_SET, JOB, type KubeObject, NODE, type Node, POD } from '../core/objects.ts';
import { locksOf, UPGRADE_NODE_LABEL, upgradesOf } from '../core/other-tools.ts';
import type { Seen } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { credentialsOf } from '../kube/auth/credentials.ts';
import type { KubeconfigRules } from '../kube/auth/inline-kubeconfig.ts';
import { Informer } from '../kube/cache/informer.ts';
import { listRaw } from '../kube/cache/list.ts';
import { type ApiClient, pathOf } from '../kube/http/api.ts';
import { makeClient } from '../kube/http/client.ts';
import { isKubeError, KubeError, orUndefined } from '../kube/http/errors.ts';
import { trimMeta, trimOf } from '../kube/objects/trim.ts';
import { kubeconfigOf, readKubeconfigSecret } from '../kube/workload/kubeconfig-secret.ts';
import { explainNode, isQueued } from '../tmm/explain/node.ts';
import { explainPod } from '../tmm/explain/pod.ts';
import type { CommandContext } from './cluster.ts';
import { trimDatedMachine } from './dated-machine.ts';
import { SILENT } from './notices.ts';
import { Overview, serve, trimFor } from './overview.ts';
import type { Settings } from './settings.ts';

/** A person waits for the answer. */
const TIMEOUT_MS = 10_000;

export interface Named {
  readonly kind: Explanation['kind'];
  readonly name: string;
}

export type Answer = Explanation | 'NotServed' | undefined;

/**
 * @param namespace of objects that have one.
 * @returns undefined if there is no such object, `NotServed` if the cluster does not serve its kind.
 * @throws KubeError if the management cluster does not answer properly.
 */
export function explainOne(
  client: ApiClient,
  named: Named,
  namespace: string,
  settings: Settings,
  context: Pick<CommandContext, 'env' | 'nowMs'>,
): Promise<Answer> {
  const { kind, name } = named;
  // These explanations need more than an overview reads.
  if (kind === NODE.kind) return whyNode(client, name, settings, context.nowMs);
  if (kind === POD.kind) return whyPod(client, namespace, name, settings);
  if (kind === MACHINE.kind) return whyMachine(client, namespace, name, settings, context);
  return whyShown(client, named, namespace, settings, context.nowMs);
}

/** Another tool's hold on a Node may be recorded outside the Node: in kured's lock, and in Jobs of the system-upgrade-controller. */
async function whyNode(
  client: ApiClient,
  name: string,
  settings: Settings,
  nowMs: number,
): Promise<Explanation | undefined> {
  const node = await readNode(client, name);
  if (node === undefined) return undefined;
  const [daemonSets, jobs] = await Promise.all([
    asFarAsAllowed(listRaw(client, DAEMON_SET)),
    asFarAsAllowed(listRaw(client, JOB, undefined, UPGRADE_NODE_LABEL)),
  ]);
  const held = [
    ...(daemonSets.found ?? []).flatMap((raw) => trimOf(DAEMON_SET)(raw) ?? []).flatMap(locksOf),
    ...(jobs.found ?? []).flatMap((raw) => trimOf(JOB)(raw) ?? []).flatMap(upgradesOf),
  ].filter(({ nodeName, untilMs = Number.POSITIVE_INFINITY }) => nodeName === name && untilMs > nowMs);
  const nodes = isQueued(node) ? await asFarAsAllowed(listRaw(client, NODE)) : nothing;
  const others = (nodes.found ?? []).flatMap((raw) => trimOf(NODE)(raw) ?? []);
  return withUnseen(explainNode(node, settings.tmm.taints, held, others), daemonSets.fault, jobs.fault, nodes.fault);
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
  const look = nodeName === undefined ? nothing : await asFarAsAllowed(readNode(client, nodeName));
  const seen: Seen<Node> =
    look.fault !== undefined
      ? { is: 'unknown' }
      : look.found === undefined
        ? { is: 'absent' }
        : { is: 'present', object: look.found };
  return withUnseen(explainPod(pod, seen, settings.tmm), look.fault);
}

/** The object, or why it may not be read: a developer may read their own Pods, and mostly no Nodes. */
interface Look<T> {
  readonly found?: T | undefined;
  readonly fault?: string;
}

const nothing: Look<never> = {};

async function asFarAsAllowed<T>(answer: Promise<T>): Promise<Look<T>> {
  try {
    return { found: await answer };
  } catch (error) {
    if (isKubeError(error, 'Forbidden')) return { fault: error.message };
    throw error;
  }
}

/** Mentions which part of the explanation is missing. */
function withUnseen(explanation: Explanation, ...faults: readonly (string | undefined)[]): Explanation {
  const unseen = faults.flatMap((fault) => (fault === undefined ? [] : [`Not seen: ${fault}`]));
  return unseen.length === 0 ? explanation : { ...explanation, details: [...explanation.details, ...unseen] };
}

/** Reads the Node in the workload cluster, with the credentials that the bridge would use; if that fails, it is unknown. */
async function whyMachine(
  client: ApiClient,
  namespace: string,
  name: string,
  settings: Settings,
  { env, nowMs }: Pick<CommandContext, 'env' | 'nowMs'>,
): Promise<Answer> {
  const served = await serve(
    client,
    { resource: MACHINE, versions: CLUSTER_API_VERSIONS },
    AbortSignal.timeout(TIMEOUT_MS),
  );
  if (served === undefined) return 'NotServed';
  const machine = trimDatedMachine(await get(client, served, namespace, name));
  if (machine === undefined) return undefined;
  const { clusterName } = machine.spec;
  const owner = clusterName
    ? await asFarAsAllowed(get(client, { ...CLUSTER, version: served.version }, namespace, clusterName))
    : (nothing as Look<unknown>);
  const cluster = trimOf(CLUSTER)(owner.found);
  const look = await lookAtNode(client, machine, cluster?.knownNodes ?? [], settings.capi, { env, nowMs });
  return withUnseen(explainMachine(machine, { cluster, nowMs, ...look }, settings.capi), owner.fault);
}

/** Some of the objects that the explanation needs can only be found by a list; it covers only the object's namespace. */
async function whyShown(
  client: ApiClient,
  { kind, name }: Named,
  namespace: string,
  settings: Settings,
  nowMs: number,
): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const shown = shownBy(settings).find(({ resource }) => resource.kind === kind);
  const served = shown && (await serve(client, shown, signal));
  if (shown === undefined || served === undefined) return 'NotServed';
  const within = served.namespaced ? namespace : undefined;
  const object = trimFor(shown)(await get(client, served, within, name));
  if (object === undefined) return undefined;
  if (shown.by.length === 0) return shown.explainer(emptySource).explain(object, nowMs);
  const overview = await Overview.prepare(client, { namespaces: [namespace], kind }, settings, signal);
  const [fault] = await overview.look(client, signal);
  const found = overview.explanations(nowMs).find((each) => each.name === keyOf(object));
  if (found === undefined && fault !== undefined)
    throw new KubeError({ reason: 'Unreachable', code: 0, message: fault });
  return found;
}

const emptySource: SourceOf = () => new Informer({ log: SILENT });

type NodeLook = Pick<Observed, 'node' | 'connection'>;

/** @param known the Nodes by which the cluster is recognised: a cluster without any of them is not read, like in the bridge. */
async function lookAtNode(
  management: ApiClient,
  machine: Machine,
  known: readonly string[],
  rules: KubeconfigRules,
  { env, nowMs }: Pick<CommandContext, 'env' | 'nowMs'>,
): Promise<NodeLook> {
  const cluster = clusterOf(machine);
  const { nodeName } = machine.status;
  if (cluster === undefined || nodeName === undefined) return { node: { is: 'none' }, connection: undefined };
  const unknown = (state: ConnectionStatus['state'], detail: string): NodeLook => ({
    node: { is: 'unknown' },
    connection: { state, sinceMs: nowMs, detail },
  });
  const secret = await readKubeconfigSecret(management, kubeconfigOf(cluster), {
    timeoutMs: TIMEOUT_MS,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    rules,
  });
  if (secret.is !== 'read') return unknown('Refused', secret.detail);
  try {
    const workload = makeClient(credentialsOf(secret.kubeconfig.access, { env, clock: Date }));
    const node: KubeObject | undefined = trimMeta(await get(workload, NODE, undefined, nodeName));
    if (node === undefined || !known.includes(node.metadata.uid)) {
      const nodes = known.length === 0 ? [] : await listRaw(workload, NODE, undefined, undefined, true);
      const present = nodes.map((each) => trimMeta(each)?.metadata.uid ?? '');
      if (isAnotherCluster(known, present)) return unknown('Refused', anotherCluster(cluster, known.length));
    }
    const seen: Observed['node'] = node === undefined ? { is: 'absent' } : { is: 'present', object: node };
    return { node: seen, connection: undefined };
  } catch (error) {
    return unknown('Unreachable', isKubeError(error) ? error.message : 'its kubeconfig cannot be used');
  }
}

async function readNode(client: ApiClient, name: string): Promise<Node | undefined> {
  return trimOf(NODE)(await get(client, NODE, undefined, name));
}

/** @returns undefined if there is no such object. */
async function get(
  client: ApiClient,
  resource: Resource<unknown>,
  namespace: string | undefined,
  name: string,
): Promise<unknown> {
  const path = pathOf(resource, { namespace, name });
  return orUndefined(client.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS }), 'NotFound');
}
