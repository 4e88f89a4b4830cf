/** Reads which Pods are on a Node from the API server itself: for conclusions that must not rest on a cache alone. */
import { POD } from '../../core/objects.ts';
import { readPage } from '../cache/watch-event.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { fields, text } from '../http/json.ts';

/**
 * The UIDs of all Pods that are bound to the Node, finished ones included. Requested without paging: a kubelet runs some hundreds at most,
 * and only their metadata is transferred.
 *
 * @throws KubeError
 */
export async function podsBoundTo(client: ApiClient, nodeName: string): Promise<readonly string[]> {
  const query = { fieldSelector: `spec.nodeName=${nodeName}` };
  const page = readPage(await client.request({ method: 'GET', path: pathOf(POD), query, metadataOnly: true }));
  if ('reason' in page) throw new KubeError({ reason: 'Malformed', code: 200, message: page.message });
  return page.items.map((pod) => text(fields(fields(pod)?.metadata)?.uid) ?? '');
}
