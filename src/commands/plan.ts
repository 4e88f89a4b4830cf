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
import { type Plan, planNodes } from '../tmm/plan.ts';
import { declareIndexes, needsNamespaces, type TmmSources } from '../tmm/wiring.ts';
import { type Surroundings, withCluster } from './cluster.ts';
import { SILENT } from './notices.ts';
import type { Outcome } from './outcome.ts';
import { type PlanFormat, renderPlan } from './render-plan.ts';

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
    return { code: codeOf(found), out: renderPlan(found, output, surroundings.canvas), err: '' };
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
