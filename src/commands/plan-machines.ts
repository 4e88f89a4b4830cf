/** `plan machine/NAME`: predicts a machine drain; reads the Machine's workload cluster once, with its kubeconfig Secret. */

import { clusterOf } from '../capi/machines.ts';
import type { RunOptions } from '../config/schema.ts';
import { MACHINE_TAINT } from '../core/machine-keys.ts';
import { CLUSTER_API_VERSIONS, MACHINE, type Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import { credentialsOf } from '../kube/auth/credentials.ts';
import { listRaw } from '../kube/cache/list.ts';
import { type ApiClient, pathOf } from '../kube/http/api.ts';
import { makeClient } from '../kube/http/client.ts';
import { orUndefined } from '../kube/http/errors.ts';
import { trimOf } from '../kube/objects/trim.ts';
import { kubeconfigOf, readKubeconfigSecret } from '../kube/workload/kubeconfig-secret.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import type { CommandContext } from './cluster.ts';
import { serve } from './overview.ts';

/** A person waits for the answer. */
const TIMEOUT_MS = 10_000;

/** Which Machines are meant: by name, each with its namespace, or those of a namespace with these labels. */
export type WantedMachines =
  | { readonly by: 'name'; readonly machines: readonly { readonly namespace: string; readonly name: string }[] }
  | { readonly by: 'selector'; readonly namespace: string; readonly selector: string };

/** Why a plan is impossible, in a sentence. */
export class NoPlan extends Error {
  override readonly name = 'NoPlan';
}

/**
 * The Nodes of these Machines, in their cluster, and a client of that cluster.
 *
 * @throws NoPlan, KubeError
 */
export async function nodesOfMachines(
  management: ApiClient,
  wanted: WantedMachines,
  { capi }: Pick<RunOptions, 'capi'>,
  { env }: Pick<CommandContext, 'env'>,
): Promise<{ readonly client: ApiClient; readonly names: readonly string[] }> {
  const machines = await machinesOf(management, wanted);
  const clusters = new Set(machines.map(clusterOf));
  const [cluster] = clusters;
  if (clusters.size > 1) throw new NoPlan(`The Machines are of ${clusters.size} clusters; a plan is of one.`);
  if (cluster === undefined) throw new NoPlan('No Cluster is named by the Machines.');
  const names = machines.map((machine) => {
    const { nodeName } = machine.status;
    if (nodeName === undefined) throw new NoPlan(`Machine ${keyOf(machine)} has no Node yet.`);
    return nodeName;
  });
  const secret = await readKubeconfigSecret(management, kubeconfigOf(cluster), {
    timeoutMs: TIMEOUT_MS,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    rules: capi.settings,
  });
  if (secret.is !== 'read') throw new NoPlan(`Cluster ${cluster} cannot be asked: ${secret.detail}.`);
  return { client: makeClient(credentialsOf(secret.kubeconfig.access, { env, clock: Date })), names };
}

async function machinesOf(management: ApiClient, wanted: WantedMachines): Promise<readonly Machine[]> {
  const kind = { resource: MACHINE, versions: CLUSTER_API_VERSIONS };
  const served = await serve(management, kind, AbortSignal.timeout(TIMEOUT_MS));
  if (served === undefined) throw new NoPlan('This cluster serves no Machines.');
  const trim = trimOf(MACHINE);
  if (wanted.by === 'selector') {
    const { namespace, selector } = wanted;
    const found = (await listRaw(management, served, namespace, selector)).flatMap((raw) => trim(raw) ?? []);
    if (found.length === 0) throw new NoPlan(`No Machine in namespace ${namespace} has these labels.`);
    return found;
  }
  return Promise.all(
    wanted.machines.map(async ({ namespace, name }) => {
      const request = { method: 'GET', path: pathOf(served, { namespace, name }), timeoutMs: TIMEOUT_MS } as const;
      const machine = trim(await orUndefined(management.request(request), 'NotFound'));
      if (machine === undefined)
        throw new NoPlan(`There is no Machine ${namespace}/${name}; -n names another namespace.`);
      return machine;
    }),
  );
}

/** The settings of machine drain: with its own taint, and without a place to store Pods. */
export function settingsOfDrain(settings: TmmSettings): TmmSettings {
  return { ...settings, taints: [MACHINE_TAINT, ...settings.taints], unmanagedPods: 'reject' };
}
