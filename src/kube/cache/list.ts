/** Reads a collection once, for commands that read the cluster and exit. */
import type { Resource } from '../../core/resources.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { readPage } from './watch-event.ts';

const PAGE_SIZE = 500;

/**
 * Reads all objects as the server has them, page by page.
 *
 * @param namespace absent for all namespaces.
 * @param metadataOnly whether only the objects' metadata is requested.
 * @throws KubeError
 */
export async function listRaw(
  client: ApiClient,
  resource: Resource<unknown>,
  namespace?: string,
  labelSelector?: string,
  metadataOnly = false,
): Promise<readonly unknown[]> {
  const path = pathOf(resource, { namespace });
  const all: unknown[] = [];
  let token: string | undefined;
  do {
    const query = { limit: PAGE_SIZE, continue: token, labelSelector };
    const page = readPage(await client.request({ method: 'GET', path, query, metadataOnly }));
    if ('reason' in page) throw new KubeError({ reason: 'Malformed', code: 200, message: page.message });
    all.push(...page.items);
    token = page.continueToken;
  } while (token !== undefined);
  return all;
}
