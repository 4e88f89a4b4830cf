/** Names for shell completion: from metadata alone, within the time that a user waits after pressing tab. */

import { EXPLAINED } from '../../app/features.ts';
import type { CommandContext } from '../../commands/cluster.ts';
import { serve } from '../../commands/overview.ts';
import { View } from '../../commands/view.ts';
import type { ReadKind } from '../../core/explained.ts';
import { keyOf } from '../../core/meta.ts';
import { NAMESPACE } from '../../core/objects.ts';
import { loadKubeConfig } from '../../kube/auth/credentials.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { makeClient } from '../../kube/http/client.ts';
import { trimMeta } from '../../kube/objects/trim.ts';
import { VERSION } from '../../version.ts';
import type { Names } from './complete.ts';

const TIMEOUT_MS = 3000;

/** Names from the cluster that the flags on the line select. Any failure returns none: a shell completion must not print errors. */
export function namesFor({ env, homedir }: Pick<CommandContext, 'env' | 'homedir'>) {
  return (flags: ReadonlyMap<string, string>): Names => {
    const keys = (kind: ReadKind, namespace?: string) =>
      orNone(async () => {
        const [kubeconfig, context] = [flags.get('--kubeconfig'), flags.get('--context') ?? flags.get('--kubecontext')];
        const credentials = loadKubeConfig({ kubeconfig, context, env, homedir });
        const client = makeClient(credentials, { userAgent: `maintenance-bridge/${VERSION}` });
        return keysOf(client, kind, namespace);
      });
    return {
      namespaces: () => keys({ resource: NAMESPACE }),
      objects: async (kind, namespace = flags.get('--namespace')) => {
        const found = EXPLAINED.find(({ resource }) => resource.kind === kind);
        return found === undefined ? [] : keys(found, namespace);
      },
    };
  };
}

async function keysOf(client: ApiClient, kind: ReadKind, namespace: string | undefined): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const resource = await serve(client, kind, signal);
  const namespaces = kind.resource.namespaced && namespace !== undefined ? [namespace] : [];
  const view = new View({ resource, namespaces, trim: trimMeta, metadataOnly: true });
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
