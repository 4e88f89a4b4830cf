/** The commands that look and end: `status` and `why`. */
import type { Explanation } from '../core/explanation.ts';
import type { ApiClient } from '../kube/api.ts';
import { type Outcome, type Surroundings, withCluster } from './cluster.ts';
import { readMachine, readMachines, readNode, readNodes } from './read.ts';
import { readHost, readHosts } from './read-hosts.ts';
import { renderStatus, renderWhy } from './render.ts';

/** Which cluster, and how the answer is written. */
export interface InspectFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** For `why` the last one counts; empty means the context's, and for `status` all. */
  readonly namespaces: readonly string[];
  readonly output: 'text' | 'json';
}

export type Inspection =
  | { readonly is: 'status'; readonly flags: InspectFlags }
  | { readonly is: 'why'; readonly kind: Explanation['kind']; readonly name: string; readonly flags: InspectFlags };

/** Exit codes: 0 found, 1 not found or no answer, 2 no usable kubeconfig. */
export function inspect(inspection: Inspection, surroundings: Surroundings): Promise<Outcome<0 | 1 | 2>> {
  const { flags } = inspection;
  const { env, nowMs } = surroundings;
  return withCluster(flags, surroundings, async (client, credentials): Promise<Outcome<0 | 1>> => {
    if (inspection.is === 'status') {
      return { code: 0, out: renderStatus(await overview(client, flags), flags.output, nowMs), err: '' };
    }
    const found = await one(client, inspection, credentials.namespace ?? 'default', env);
    if (found === undefined) return { code: 1, out: '', err: `There is no ${inspection.kind} ${inspection.name}\n` };
    return { code: 0, out: renderWhy(found, flags.output, nowMs), err: '' };
  });
}

async function overview(client: ApiClient, { namespaces }: InspectFlags): Promise<readonly Explanation[]> {
  const found = await Promise.all([readNodes(client), readMachines(client, namespaces), readHosts(client, namespaces)]);
  return found.flat().filter(({ isUnderWay }) => isUnderWay);
}

function one(
  client: ApiClient,
  { kind, name, flags }: Extract<Inspection, { is: 'why' }>,
  standardNamespace: string,
  env: Surroundings['env'],
): Promise<Explanation | undefined> {
  if (kind === 'Node') return readNode(client, name);
  const namespace = flags.namespaces.at(-1) ?? standardNamespace;
  return kind === 'Machine' ? readMachine(client, namespace, name, env) : readHost(client, namespace, name);
}
