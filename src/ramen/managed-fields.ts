/** Requests about the owners of an object's fields. */
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import { type Answer, type AnyObject, type ObjectAddress, type Refusal, unlessChanged } from '../core/object-access.ts';

/** Rewrites the field managers of an object, unless it has changed. */
export function replaceManagedFields(
  cluster: ManagedClusterAccess,
  at: ObjectAddress,
  object: AnyObject,
  managedFields: readonly object[],
): Promise<Answer<AnyObject>> {
  return cluster.objects.patch(at, [
    { op: 'replace', path: '/metadata/managedFields', value: managedFields },
    unlessChanged(object.metadata.resourceVersion),
  ]);
}

/**
 * The body that gives up all fields of the manager that applies it. It contains the UID: if the object has gone meanwhile, server-side
 * apply would create it again without a mark, and nobody would ever remove it.
 */
export function nothingOf({ apiVersion, kind, metadata }: AnyObject): object {
  const { name, namespace, uid } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }), uid } };
}

/** Whether the object of a write has gone, has changed, or was replaced under its name by now. */
export function isOfAnother({ reason, causes }: Refusal): boolean {
  return reason === 'Conflict' || (reason === 'Invalid' && causes.some((each) => each.startsWith('metadata.uid: ')));
}
