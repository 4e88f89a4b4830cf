/** Reads a Cluster's kubeconfig Secret by its name. */
import { createHash } from 'node:crypto';
import type { ClusterKey } from '../../core/clusters.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { inlineAccess, type KubeconfigRules } from '../auth/inline-kubeconfig.ts';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { fields, text } from '../http/json.ts';

/** A kubeconfig that may be used. */
export interface Kubeconfig {
  readonly access: ClusterAccess;
  /** Differs for different contents; reveals nothing about them. */
  readonly fingerprint: string;
}

export type SecretRead =
  | { readonly is: 'read'; readonly kubeconfig: Kubeconfig }
  /** There is no such Secret (yet). */
  | { readonly is: 'missing'; readonly detail: string }
  | { readonly is: 'refused'; readonly detail: string }
  | { readonly is: 'unread'; readonly detail: string };

export interface SecretReadOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** @default STRICT */
  readonly rules?: KubeconfigRules | undefined;
}

export const SECRET: Resource<KubeObject> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

/** The Secret that holds a kubeconfig. */
export interface KubeconfigPlace {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
}

/** `<cluster's name>-kubeconfig` in the Cluster's namespace, as Cluster API names it (util/secret `KubeconfigDataName`). */
export function kubeconfigOf(cluster: ClusterKey): KubeconfigPlace {
  const [namespace = '', clusterName = ''] = cluster.split('/');
  return { namespace, name: `${clusterName}-kubeconfig`, key: 'value' };
}

/**
 * Reads a kubeconfig by its Secret's name. Neither type nor labels of the Secret matter, since users create such Secrets by hand.
 *
 * @throws nothing: a Secret that cannot be read or used is a result as well.
 */
export async function readKubeconfigSecret(
  client: ApiClient,
  { namespace, name, key }: KubeconfigPlace,
  { timeoutMs, signal, rules }: SecretReadOptions,
): Promise<SecretRead> {
  const what = `Secret ${namespace}/${name}`;
  let secret: unknown;
  try {
    const path = pathOf(SECRET, { namespace, name });
    secret = await client.request({ method: 'GET', path, timeoutMs, signal, retry: 'never' });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.reason === 'NotFound') return { is: 'missing', detail: `${what} does not exist` };
    // The error's message is left out, as it may show the beginning of a body.
    return { is: 'unread', detail: `reading ${what}: ${error.reason}` };
  }
  const value = text(fields(fields(secret)?.data)?.[key]);
  if (!value) return { is: 'refused', detail: `${what} has no key "${key}"` };
  const content = Buffer.from(value, 'base64').toString('utf8');
  const found = inlineAccess(content, what, rules);
  if (found.is === 'refused') return { is: 'refused', detail: `${what}: ${found.why}` };
  const fingerprint = createHash('sha256').update(content).digest('hex');
  return { is: 'read', kubeconfig: { access: found.access, fingerprint } };
}
