/** Finds what an API server serves: for kinds defined by a CRD, which may exist, be missing, or change their version. */
import { apiVersionOf, type Resource } from '../../core/resources.ts';
import type { ApiClient } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { fields, listOf, text } from '../http/json.ts';

export type Discovered =
  | { readonly is: 'served'; readonly version: string }
  /** `hasGroup`: the server has the API group in one of the versions, but not the kind. */
  | { readonly is: 'notServed'; readonly hasGroup: boolean };

/**
 * Finds the first of `versions` in which the server serves the resource.
 *
 * @throws KubeError if the server does not answer the question: unknown is not the same as not served.
 */
export async function discover(
  client: ApiClient,
  resource: Resource<unknown>,
  versions: readonly string[],
  signal: AbortSignal,
): Promise<Discovered> {
  let hasGroup = false;
  for (const version of versions) {
    const served = await resourcesOf(client, `/apis/${apiVersionOf({ ...resource, version })}`, signal);
    if (served?.includes(resource.plural) === true) return { is: 'served', version };
    hasGroup ||= served !== undefined;
  }
  return { is: 'notServed', hasGroup };
}

/** The plural names in an `APIResourceList`; undefined if there is no such group or version. */
async function resourcesOf(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    const body = await client.request({ method: 'GET', path, signal, timeoutMs: 10_000, retry: 'never' });
    return listOf(fields(body)?.resources, ({ name }) => text(name)) ?? [];
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
}
