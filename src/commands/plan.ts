/** `plan NODE…`: predicts the result by the controller's own verdict; reads the cluster once and writes nothing. */
import type { RunOptions } from '../config/schema.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { planPage } from '../dashboard/plan-picture.ts';
import { Informer } from '../kube/cache/informer.ts';
import { listRaw } from '../kube/cache/list.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { trimOf } from '../kube/objects/trim.ts';
import { type Plan, planNodes } from '../tmm/explain/plan.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import { addCaches, declareIndexes, type TmmSources } from '../tmm/watches.ts';
import { type CommandContext, withCluster } from './cluster.ts';
import { SILENT } from './notices.ts';
import { failed, type Outcome } from './outcome.ts';
import { NoPlan, nodesOfMachines, settingsOfDrain, type WantedMachines } from './plan-machines.ts';
import { type PlanFormat, renderPlan } from './render-plan.ts';

/** Nodes by name, or Machines, whose Nodes are planned in their workload cluster. */
export type Planned =
  | { readonly of: 'nodes'; readonly names: readonly string[] }
  /** @param namespace of Machines given without one. @default the context's */
  | {
      readonly of: 'machines';
      readonly machines: readonly { readonly name: string; readonly namespace?: string }[];
      /** Instead of names. */
      readonly selector?: string | undefined;
      readonly namespace?: string | undefined;
    };

/** Exit codes: 0, 1 no answer or no such object, 2 no usable kubeconfig, 3 at least one Node would be rejected. */
export function plan(
  planned: Planned,
  output: PlanFormat | 'html',
  options: RunOptions,
  context: CommandContext,
): Promise<Outcome<0 | 1 | 2 | 3>> {
  return withCluster(options, context, async (client, credentials): Promise<Outcome<0 | 1 | 3>> => {
    let found: Plan;
    try {
      found = await planFor(client, planned, credentials.namespace ?? 'default', options, context);
    } catch (error) {
      if (!(error instanceof NoPlan)) throw error;
      return failed(1, error.message);
    }
    if (output === 'html') {
      return { code: codeOf(found), out: planPage(found, new Date(context.nowMs).toISOString()), err: '' };
    }
    return { code: codeOf(found), out: renderPlan(found, output, context.canvas), err: '' };
  });
}

async function planFor(
  management: ApiClient,
  planned: Planned,
  namespace: string,
  options: RunOptions,
  context: CommandContext,
): Promise<Plan> {
  if (planned.of === 'nodes') return planOf(management, planned.names, options, context.nowMs);
  const { machines, selector, namespace: within = namespace } = planned;
  const wanted: WantedMachines =
    selector === undefined
      ? { by: 'name', machines: machines.map((each) => ({ namespace: within, ...each })) }
      : { by: 'selector', namespace: within, selector };
  const { client, names } = await nodesOfMachines(management, wanted, options, context);
  const tmm = { ...options.tmm, settings: settingsOfDrain(options.tmm.settings) };
  return planOf(client, names, { tmm }, context.nowMs);
}

/**
 * Predicts what would happen to these Nodes.
 *
 * @throws KubeError if the cluster cannot be read.
 */
export async function planOf(
  client: ApiClient,
  names: readonly string[],
  { tmm }: Pick<RunOptions, 'tmm'>,
  nowMs: number,
): Promise<Plan> {
  return planNodes(names, await snapshot(client, tmm.settings), tmm.settings, nowMs);
}

/** A failure takes precedence over a rejection, as in the other commands. */
function codeOf({ nodes }: Plan): 0 | 1 | 3 {
  if (nodes.some(({ verdict }) => verdict === 'NotFound')) return 1;
  return nodes.some(({ verdict }) => verdict === 'Reject') ? 3 : 0;
}

/** The caches that the controller would have, filled once. */
export async function snapshot(client: ApiClient, settings: TmmSettings): Promise<TmmSources> {
  const fillers: (() => Promise<void>)[] = [];
  const cache = <T extends KubeObject>(resource: Resource<T>): Informer<T> => {
    const informer = new Informer<T>({ log: SILENT });
    const trim = trimOf(resource);
    fillers.push(async () => informer.replace((await listRaw(client, resource)).flatMap((raw) => trim(raw) ?? [])));
    return informer;
  };
  const sources = addCaches(cache, settings);
  declareIndexes(sources);
  await Promise.all(fillers.map((fill) => fill()));
  return sources;
}
