/**
 * The ownership of objects. An object is deleted only if the cluster itself shows that this very work created it.
 *
 * - Most kinds carry an annotation that names hub, cluster, work and the work's UID, set in the request that creates them. It counts only
 *   if all four match: Ramen copies annotations from one cluster to the other.
 * - A Namespace carries none, for that reason. Its creation by us is recorded in the field manager's name of that request, which the API
 *   server keeps and nobody copies.
 * - An object that existed before has neither; it is updated, and stays when the work goes.
 */
import type { AnyObject, ManagedFields } from '../core/object-access.ts';
import { OWNED_BY } from './names.ts';
import { isNamespace } from './objects.ts';

/** A work, as ownership marks identify it. */
export interface WorkIdentity {
  /** UID of kube-system of the hub. */
  readonly hub: string;
  /** The managed cluster: the namespace of the work. */
  readonly cluster: string;
  readonly name: string;
  readonly uid: string;
}

/** `hub/cluster/work/uid`; none of the parts may contain a slash. */
export function formatMark({ hub, cluster, name, uid }: WorkIdentity): string {
  return [hub, cluster, name, uid].join('/');
}

export function parseMark(text: string | undefined): WorkIdentity | undefined {
  const parts = text?.split('/') ?? [];
  const [hub, cluster, name, uid] = parts;
  if (parts.length !== 4 || !hub || !cluster || !name || !uid) return undefined;
  return { hub, cluster, name, uid };
}

/** The field manager of everything that a work applies: works that share an object own the fields that they name. */
export function managerOf(work: Pick<WorkIdentity, 'uid'>): string {
  return `maintenance-bridge/${work.uid}`;
}

/** The UID of the work with this field manager; undefined for any other manager. */
export function workOfManager(manager: string | undefined): string | undefined {
  const match = /^maintenance-bridge\/([-0-9a-f]{36})$/.exec(manager ?? '');
  return match?.[1];
}

const CREATOR = 'maintenance-bridge-created';

/** Field manager of the request that creates a Namespace. */
export function creatorOf(work: Pick<WorkIdentity, 'uid'>): string {
  return `${CREATOR}/${work.uid}`;
}

export type Owner =
  /** This work created it. */
  | { readonly is: 'this' }
  /** Another work of this hub created it, for this cluster. */
  | { readonly is: 'other'; readonly work: WorkIdentity }
  /** It existed before, or its creator is not recorded. */
  | { readonly is: 'nobody' };

export function ownerOf(object: AnyObject, work: WorkIdentity): Owner {
  if (isNamespace({ group: groupOf(object), kind: object.kind })) {
    const isOurs = object.metadata.managedFields?.some(({ manager }) => manager === creatorOf(work)) ?? false;
    return { is: isOurs ? 'this' : 'nobody' };
  }
  const mark = parseMark(object.metadata.annotations?.[OWNED_BY]);
  if (mark === undefined || mark.hub !== work.hub || mark.cluster !== work.cluster) return { is: 'nobody' };
  return mark.uid === work.uid && mark.name === work.name ? { is: 'this' } : { is: 'other', work: mark };
}

/** Whether the work owns fields of the object, as it does if it names the object. */
export function hasSetFields({ metadata }: AnyObject, work: Pick<WorkIdentity, 'uid'>): boolean {
  const manager = managerOf(work);
  return metadata.managedFields?.some((entry) => entry.manager === manager && !entry.subresource) ?? false;
}

export function groupOf({ apiVersion }: Pick<AnyObject, 'apiVersion'>): string {
  const at = apiVersion.indexOf('/');
  return at === -1 ? '' : apiVersion.slice(0, at);
}

/**
 * Moves the fields that this work owns by creating to its apply manager, so that a field that leaves the manifest leaves the object too;
 * undefined if nothing has to change. (client-go's `csaupgrade` does the same for kubectl.)
 */
export function upgradedManagedFields(
  fields: readonly ManagedFields[] | undefined,
  work: Pick<WorkIdentity, 'uid'>,
): readonly ManagedFields[] | undefined {
  const manager = managerOf(work);
  const isOurs = (entry: ManagedFields): boolean => entry.manager === manager && !entry.subresource;
  const created = fields?.find((entry) => isOurs(entry) && entry.operation === 'Update');
  if (fields === undefined || created === undefined) return undefined;
  const applied = fields.some((entry) => isOurs(entry) && entry.operation === 'Apply');
  if (applied) return fields.filter((entry) => entry !== created);
  return fields.map((entry) => (entry === created ? { ...entry, operation: 'Apply' } : entry));
}
