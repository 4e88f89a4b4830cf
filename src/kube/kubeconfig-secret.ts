/** Reads a Cluster's kubeconfig Secret by its name; Secrets are neither listed nor watched. */
import { createHash } from 'node:crypto';
import type { ClusterKey } from '../core/clusters.ts';
import type { Resource } from '../core/resources.ts';
import { type ApiClient, pathOf } from './api.ts';
import { isKubeError } from './errors.ts';
import { inlineAccess } from './inline-kubeconfig.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { fields, text } from './raw.ts';

/** A kubeconfig that may be used. */
export interface Kubeconfig {
  readonly access: ClusterAccess;
  /** Tells two contents apart; nothing can be read from it. */
  readonly fingerprint: string;
}

export type SecretRead =
  | { readonly is: 'read'; readonly kubeconfig: Kubeconfig }
  | { readonly is: 'refused'; readonly detail: string }
  | { readonly is: 'unread'; readonly detail: string };

const SECRET: Resource<unknown> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
/** The key in which Cluster API keeps it (util/secret `KubeconfigDataName`). */
const DATA_KEY = 'value';

/**
 * Reads `<cluster's name>-kubeconfig` in the Cluster's namespace, as Cluster API names it. Neither its type nor its labels
 * matter, since users make such Secrets by hand.
 *
 * @throws nothing: what cannot be read or used is an answer as well.
 */
export async function readKubeconfigSecret(
  client: ApiClient,
  cluster: ClusterKey,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<SecretRead> {
  const [namespace = '', clusterName = ''] = cluster.split('/');
  const name = `${clusterName}-kubeconfig`;
  const what = `Secret ${namespace}/${name}`;
  let secret: unknown;
  try {
    const path = pathOf(SECRET, { namespace, name });
    secret = await client.request({ method: 'GET', path, timeoutMs, signal, retry: 'never' });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.reason === 'NotFound') return { is: 'refused', detail: `${what} does not exist` };
    // Not its message, which may show the beginning of a body.
    return { is: 'unread', detail: `reading ${what}: ${error.reason}` };
  }
  const value = text(fields(fields(secret)?.data)?.[DATA_KEY]);
  if (!value) return { is: 'refused', detail: `${what} has no key "${DATA_KEY}"` };
  const content = Buffer.from(value, 'base64').toString('utf8');
  const found = inlineAccess(content, what);
  if (found.is === 'refused') return { is: 'refused', detail: `${what}: ${found.why}` };
  const fingerprint = createHash('sha256').update(content).digest('hex');
  return { is: 'read', kubeconfig: { access: found.access, fingerprint } };
}
