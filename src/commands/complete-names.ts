/** Names for shell completion: metadata alone, within the time in which a person still waits after a tab. */
import { BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS, CLUSTER_API_VERSIONS, MACHINE } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import { type KubeObject, NAMESPACE, NODE, POD } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import type { ApiClient } from '../kube/api.ts';
import { makeClient } from '../kube/client.ts';
import { loadKubeConfig } from '../kube/credentials.ts';
import { trimMeta } from '../kube/trim.ts';
import { VERSION } from '../version.ts';
import type { Surroundings } from './cluster.ts';
import type { Names } from './complete.ts';
import { serve } from './overview.ts';
import { View } from './view.ts';

const TIMEOUT_MS = 3000;

/** Names from the cluster that the flags on the line mean. Whatever goes wrong gives none: a shell is no place for faults. */
export function namesFor({ env, homedir }: Pick<Surroundings, 'env' | 'homedir'>) {
  return (flags: ReadonlyMap<string, string>): Names => {
    const namespace = flags.get('--namespace');
    const keys = (resource: Resource<KubeObject>, within: readonly string[], versions?: readonly string[]) =>
      orNone(async () => {
        const [kubeconfig, context] = [flags.get('--kubeconfig'), flags.get('--context') ?? flags.get('--kubecontext')];
        const credentials = loadKubeConfig({ kubeconfig, context, env, homedir });
        const client = makeClient(credentials, { userAgent: `maintenance-bridge/${VERSION}` });
        return keysOf(client, resource, within, versions);
      });
    const within = namespace === undefined ? [] : [namespace];
    return {
      nodes: () => keys(NODE, []),
      namespaces: () => keys(NAMESPACE, []),
      machines: () => keys(MACHINE, within, CLUSTER_API_VERSIONS),
      hosts: () => keys(BARE_METAL_HOST, within, BARE_METAL_HOST_VERSIONS),
      pods: async (of) => (await keys(POD, [of])).map((key) => key.slice(of.length + 1)),
    };
  };
}

async function keysOf(
  client: ApiClient,
  resource: Resource<KubeObject>,
  namespaces: readonly string[],
  versions: readonly string[] | undefined,
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const served = versions === undefined ? resource : await serve(client, resource, versions, signal);
  const view = new View<KubeObject>({ resource: served, namespaces, trim: trimMeta, metadataOnly: true });
  await view.look(client, signal);
  const all = view.all();
  return all.is === 'known' ? all.value.map(keyOf).sort() : [];
}

async function orNone(names: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await names();
  } catch {
    return [];
  }
}
