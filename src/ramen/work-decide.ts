/**
 * Decides about one object of a work from its state on the managed cluster and the works that claim it.
 *
 * - A foreign object is never overwritten unseen: it is read first, and an object that existed before is adopted, never deleted.
 * - An object is created by a request that cannot change an existing one, and that carries our mark: after a crash the next start finds
 *   either no object or one that shows its owner.
 * - A deletion names the UID, and is awaited until the object has gone.
 */

import { isDeleting } from '../core/meta.ts';
import type { AnyObject, ManagedFields, Refusal } from '../core/object-access.ts';
import { describe, type Manifest, type ManifestBody, type ObjectIdentity } from './manifest.ts';
import { OWNED_BY } from './names.ts';
import { type DeletePolicy, isNamespace, type ResourceMeta } from './objects.ts';
import { creatorOf, formatMark, hasSetFields, ownerOf, upgradedManagedFields, type WorkIdentity } from './ownership.ts';

/** The managed cluster's answer about an object. */
export type Found =
  | { readonly is: 'absent' }
  | { readonly is: 'present'; readonly object: AnyObject }
  | { readonly is: 'unknown'; readonly refusal: Refusal };

export type ApplyStep =
  /** Create it with our mark; if another client is faster, read it again. */
  | { readonly do: 'create'; readonly body: object; readonly fieldManager?: string }
  /** Apply it; first rewrite the managed fields, if given. */
  | {
      readonly do: 'apply';
      readonly body: ManifestBody;
      /** The current object. */
      readonly live: AnyObject;
      readonly upgrade?: readonly ManagedFields[];
    }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'fail'; readonly refusal: Refusal };

export function decideApply(manifest: Manifest, found: Found, work: WorkIdentity): ApplyStep {
  switch (found.is) {
    case 'unknown':
      return { do: 'fail', refusal: found.refusal };
    case 'absent':
      // A Namespace is created bare, by a field manager whose name is the mark; then the manifest is applied to it.
      if (isNamespace(manifest)) return { do: 'create', body: bare(manifest.body), fieldManager: creatorOf(work) };
      return { do: 'create', body: withMark(manifest.body, work) };
    case 'present': {
      const { object } = found;
      if (isDeleting(object))
        return { do: 'wait', why: `${describe(manifest)} is being deleted; it is applied anew when it has gone` };
      const isOurs = !isNamespace(manifest) && ownerOf(object, work).is === 'this';
      const body = isOurs ? withMark(manifest.body, work) : manifest.body;
      const upgrade = upgradedManagedFields(object.metadata.managedFields, work);
      return { do: 'apply', body, live: object, ...(upgrade !== undefined && { upgrade }) };
    }
  }
}

export type RemoveStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'delete'; readonly uid: string }
  /** It stays, and is not ours any more. */
  | { readonly do: 'unmark'; readonly object: AnyObject }
  /** Another work that names it becomes its owner. */
  | { readonly do: 'handOver'; readonly object: AnyObject; readonly to: WorkIdentity }
  /** It was never ours, and others name it: the fields that only this work has set are removed. */
  | { readonly do: 'release'; readonly object: AnyObject }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'fail'; readonly refusal: Refusal };

export interface Leaving {
  readonly meta: ResourceMeta;
  readonly found: Found;
  readonly policy: DeletePolicy;
  /** A work of the same cluster that names the object and is not being deleted. */
  readonly claimant: WorkIdentity | undefined;
}

/** Decides about an object whose manifest has left the work, or whose work is being deleted. */
export function decideRemove({ meta, found, policy, claimant }: Leaving, work: WorkIdentity): RemoveStep {
  if (found.is === 'unknown') return { do: 'fail', refusal: found.refusal };
  if (found.is === 'absent') return { do: 'nothing' };
  const { object } = found;
  const isOurs = ownerOf(object, work).is === 'this';
  if (claimant !== undefined) {
    if (isOurs) return { do: 'handOver', object, to: claimant };
    return hasSetFields(object, work) ? { do: 'release', object } : { do: 'nothing' };
  }
  if (!isOurs) return { do: 'nothing' };
  if (isKept(meta, policy)) return { do: 'unmark', object };
  if (isDeleting(object)) return { do: 'wait', why: waitsForDeletion(meta, object) };
  return { do: 'delete', uid: object.metadata.uid };
}

export function isKept(meta: ResourceMeta, policy: DeletePolicy): boolean {
  switch (policy.is) {
    case 'delete':
      return false;
    case 'orphan':
      return true;
    case 'selective':
      return policy.keep.some(
        (rule) =>
          rule.group === meta.group &&
          rule.resource === meta.resource &&
          rule.namespace === meta.namespace &&
          rule.name === meta.name,
      );
  }
}

/** The meaning of `spec.deleteOption`. An unknown policy keeps everything. */
export function deletePolicyOf(deleteOption: unknown): DeletePolicy {
  const option = fieldsOf(deleteOption);
  switch (option?.propagationPolicy) {
    case undefined:
    case null:
    case 'Foreground':
      return { is: 'delete' };
    case 'SelectivelyOrphan': {
      const rules = fieldsOf(option.selectivelyOrphans)?.orphaningRules;
      const keep = (Array.isArray(rules) ? rules : []).map((raw) => {
        const rule = fieldsOf(raw);
        return {
          group: textOf(rule?.group),
          resource: textOf(rule?.resource),
          namespace: textOf(rule?.namespace),
          name: textOf(rule?.name),
        };
      });
      return { is: 'selective', keep };
    }
    default:
      return { is: 'orphan' };
  }
}

/** The objects of a work on its cluster that no manifest names any more. */
export function leftOver<T extends ObjectIdentity>(
  recorded: readonly T[],
  named: readonly ObjectIdentity[],
): readonly T[] {
  const keys = new Set(named.map(keyOf));
  return recorded.filter((each) => !keys.has(keyOf(each)));
}

function keyOf({ group, kind, namespace, name }: ObjectIdentity): string {
  return JSON.stringify([group, kind, namespace, name]);
}

function waitsForDeletion(meta: ResourceMeta, { metadata }: AnyObject): string {
  const finalizers = metadata.finalizers ?? [];
  const why = finalizers.length === 0 ? '' : `; finalizers: ${finalizers.slice(0, 5).join(', ')}`;
  return `${describe(meta)} is being deleted${why}`;
}

function withMark(body: ManifestBody, work: WorkIdentity): ManifestBody {
  const annotations = { ...fieldsOf(body.metadata.annotations), [OWNED_BY]: formatMark(work) };
  return { ...body, metadata: { ...body.metadata, annotations } };
}

function bare({ apiVersion, kind, metadata }: ManifestBody): object {
  return { apiVersion, kind, metadata: { name: metadata.name } };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
