/** The request that evicts a Pod, guarded by its UID. */
import type { EvictPod } from '../../core/action.ts';
import { POD } from '../../core/objects.ts';
import { type ApiRequest, pathOf } from '../http/api.ts';

/**
 * @param dryRun asks without evicting. It is set in the query, where admission sees it: with the delete options alone, webhooks would take
 * it for a real eviction (kubernetes `pkg/registry/core/pod/storage/eviction.go`).
 */
export function evictionRequest(
  { namespace, name, uid }: EvictPod,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Pick<ApiRequest, 'method' | 'path' | 'query' | 'body'> {
  return {
    method: 'POST',
    path: pathOf(POD, { namespace, name, subresource: 'eviction' }),
    ...(dryRun && { query: { dryRun: 'All' } }),
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
      deleteOptions: { preconditions: { uid } },
    },
  };
}
