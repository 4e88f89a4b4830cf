/** Detects whether Open Cluster Management works on a cluster: two writers would undo each other's changes. */
import type { ObjectAddress } from '../../core/object-access.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { fields, text } from '../http/json.ts';

/** A kind whose objects only a klusterlet creates. */
const APPLIED_MANIFEST_WORK: Resource<KubeObject> = {
  group: 'work.open-cluster-management.io',
  version: 'v1',
  kind: 'AppliedManifestWork',
  plural: 'appliedmanifestworks',
  namespaced: false,
};

const DEFINITION: ObjectAddress = {
  resource: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
  name: 'appliedmanifestworks.work.open-cluster-management.io',
};

export const KLUSTERLET_AT_WORK = 'a klusterlet of Open Cluster Management works there: it has AppliedManifestWorks';

/** The objects whose appearance shows that a klusterlet was installed later. @param isDefined whether the kind is served. */
export function tracesOfKlusterlet(isDefined: boolean): readonly ObjectAddress[] {
  return isDefined ? [DEFINITION, { resource: APPLIED_MANIFEST_WORK, name: '*' }] : [DEFINITION];
}

/** `noKind`: the klusterlet cannot run, since its kind is not served. Missing rights to look do not prevent serving. */
export async function findKlusterlet(client: ApiClient): Promise<'works' | 'idle' | 'noKind'> {
  try {
    const path = pathOf(APPLIED_MANIFEST_WORK);
    const list = fields(
      await client.request<unknown>({ method: 'GET', path, query: { limit: 1 }, metadataOnly: true }),
    );
    const items = list?.items;
    const isThere =
      Array.isArray(items) && items.some((item) => text(fields(fields(item)?.metadata)?.name) !== undefined);
    return isThere ? 'works' : 'idle';
  } catch (error) {
    if (isKubeError(error)) return 'noKind';
    throw error;
  }
}
