/** `plan NODE…`: what would happen, by the controller's own verdict; reads the cluster once and writes nothing. */
import type { RunOptions } from '../config-schema.ts';
import {
  CSI_NODE,
  type KubeObject,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  STATEFUL_SET,
  STORAGE_CLASS,
} from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import type { ApiClient } from '../kube/api.ts';
import { Informer } from '../kube/cache.ts';
import { listRaw } from '../kube/list.ts';
import { trimOf } from '../kube/trim.ts';
import { type NodePlan, type Plan, planNodes } from '../tmm/plan.ts';
import { declareIndexes, needsNamespaces, type TmmSources } from '../tmm/wiring.ts';
import { type Outcome, type Surroundings, withCluster } from './cluster.ts';
import { structured } from './format.ts';
import { SILENT } from './notices.ts';
import { table } from './table.ts';

export type PlanFormat = 'text' | 'json' | 'yaml';

/** Exit codes: 0, 1 no answer or no such Node, 2 no usable kubeconfig, 3 at least one Node would be rejected. */
export function plan(
  names: readonly string[],
  output: PlanFormat,
  { tmm, ...cluster }: RunOptions,
  surroundings: Surroundings,
): Promise<Outcome<0 | 1 | 2 | 3>> {
  return withCluster(cluster, surroundings, async (client) => {
    const sources = await snapshot(client, needsNamespaces(tmm.settings));
    const found = planNodes(names, sources, tmm.settings, surroundings.nowMs);
    return { code: codeOf(found), out: renderPlan(found, output), err: '' };
  });
}

function codeOf({ nodes }: Plan): 0 | 1 | 3 {
  if (nodes.some(({ verdict }) => verdict === 'Reject')) return 3;
  return nodes.some(({ verdict }) => verdict === 'NotFound') ? 1 : 0;
}

/** The caches that the controller would have, filled once. */
async function snapshot(client: ApiClient, withNamespaces: boolean): Promise<TmmSources> {
  const fillers: (() => Promise<void>)[] = [];
  const cache = <T extends KubeObject>(resource: Resource<T>): Informer<T> => {
    const informer = new Informer<T>({ log: SILENT });
    const trim = trimOf(resource);
    fillers.push(async () => informer.replace((await listRaw(client, resource)).flatMap((raw) => trim(raw) ?? [])));
    return informer;
  };
  const sources: TmmSources = {
    nodes: cache(NODE),
    pods: cache(POD),
    budgets: cache(POD_DISRUPTION_BUDGET),
    statefulSets: cache(STATEFUL_SET),
    claims: cache(PERSISTENT_VOLUME_CLAIM),
    volumes: cache(PERSISTENT_VOLUME),
    storageClasses: cache(STORAGE_CLASS),
    csiNodes: cache(CSI_NODE),
    ...(withNamespaces && { namespaces: cache(NAMESPACE) }),
  };
  declareIndexes(sources);
  await Promise.all(fillers.map((fill) => fill()));
  return sources;
}

/** JSON and YAML as `Plan` says; the table is for people. */
export function renderPlan(found: Plan, output: PlanFormat): string {
  if (output !== 'text') return structured(found, output);
  return [...found.nodes.map(renderNode), renderBatches(found)].filter((part) => part !== '').join('\n');
}

const VERDICTS: Readonly<Record<NodePlan['verdict'], string>> = {
  Proceed: 'may go',
  Wait: 'would have to wait',
  Reject: 'would be rejected',
  NotFound: 'not found',
};

function renderNode({ node, verdict, reason, message, pods, notModelled }: NodePlan): string {
  const title = `Node ${node}: ${VERDICTS[verdict]}${reason === undefined ? '' : ` (${reason})`}\n  ${message}\n`;
  const rows = pods.map(({ pod, fate, why, to }) => [pod, fate, to ?? '-', why ?? '-']);
  const list = rows.length === 0 ? '' : table([['POD', 'FATE', 'TO', 'WHY'], ...rows]);
  const left = notModelled.map((what) => `  Not judged: ${what}\n`).join('');
  return title + list + left;
}

function renderBatches({ nodes, batches }: Plan): string {
  if (nodes.length < 2 || batches.length === 0) return '';
  return `Order:\n${batches.map((batch, index) => `  ${index + 1}. ${batch.join(', ')}\n`).join('')}`;
}
