/** Deleting objects: at once, after their finalizers, or after a Pod's grace period. */
import type { DeleteOptions, Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { DEFINITIONS } from '../custom/established.ts';
import { conflict, forbidden, invalid, notFound, notSupported } from '../errors.ts';
import { isSame, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { inVersionOf } from '../kinds/convert.ts';
import type { Resource } from '../kinds/resource.ts';
import { keyFor } from '../store/collection.ts';
import { isFinished } from './change.ts';
import { asJudged, toStored } from './create.ts';

/** Kinds with a special deletion, without a grace period. */
const WITHOUT_GRACE = new Set(['namespaces', DEFINITIONS]);

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const POLICIES = ['Foreground', 'Background', 'Orphan', 'nil'];

/** Namespaces that the API server keeps. */
const LASTING_NAMESPACES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

export interface Deletion {
  /** The current state, or the last one before its removal. */
  readonly object: Stored;
  readonly isGone: boolean;
}

/**
 * Deletes an object. An object with finalizers, or a running Pod, gets a deletion timestamp and remains.
 *
 * @throws ApiError 403, 404, 409 or 422
 */
export function deleteObject(
  context: Context,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  options: DeleteOptions & { readonly dryRun?: boolean },
): Deletion {
  const collection = context.store.collection(resource.collection);
  const key = keyFor(namespace, name);
  const found = collection.get(key);
  if (found === undefined) throw notFound(resource, name);
  check(resource, found, options);

  const marked = mark(context, resource, found, options);
  const isGone = isFinished(marked);
  // A Pod is marked before its removal, even if both are one step; other kinds are removed unchanged.
  const isMarked = !isGone || resource.collection === 'pods';
  if (options.dryRun === true) return { object: inVersionOf(resource, isMarked ? marked : found), isGone };
  const isChanged = !isSame(marked, found);
  if (!isGone)
    return { object: inVersionOf(resource, isChanged ? context.store.put(collection, key, marked) : found), isGone };
  const last = isMarked && isChanged ? context.store.put(collection, key, marked) : found;
  return { object: inVersionOf(resource, context.store.remove(collection, key, last)), isGone };
}

function check(resource: Resource, { metadata }: Stored, { preconditions }: DeleteOptions): void {
  const { group, kind, plural } = asJudged(resource);
  const about = { group, kind, plural: resource.collection === 'namespaces' ? plural : kind };
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(about, metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(about, metadata.name, why);
  }
  if (resource.collection === 'namespaces' && LASTING_NAMESPACES.has(metadata.name)) {
    throw forbidden(resource, metadata.name, 'this namespace may not be deleted');
  }
}

/** Kinds that remain for a while after their deletion, with or without finalizers. */
const WITH_STAGES = new Set(['namespaces', 'pods']);

/** Kinds older than garbage collection: a deletion without a propagation policy orphans their Pods. kubectl always sends one. */
const ORPHANING = new Set(['jobs.batch', 'replicationcontrollers']);

/** The object with the fields that the deletion sets; `isFinished()` returns whether it may be removed. */
function mark(context: Context, resource: Resource, found: Stored, options: DeleteOptions): Stored {
  const grace = graceOf(resource, found, options);
  const { metadata } = found;
  const finalizers = finalizersFor(metadata.finalizers ?? [], policyFor(resource, found, options));
  const known = metadata.deletionTimestamp !== undefined;
  const isShorter = grace < (numberOf(metadata.deletionGracePeriodSeconds) ?? 0);
  const now = context.clock.now();
  const times =
    known && !isShorter
      ? {}
      : WITHOUT_GRACE.has(resource.collection)
        ? { deletionTimestamp: timeText(now) }
        : { deletionTimestamp: timeText(now + grace * 1000), deletionGracePeriodSeconds: grace };
  const { finalizers: _, ...rest } = metadata;
  const counts = metadata.generation !== undefined && !WITHOUT_GRACE.has(resource.collection);
  const generation = counts && !known ? { generation: (metadata.generation ?? 0) + 1 } : {};
  const meta = { ...rest, ...times, ...generation, ...(finalizers.length > 0 && { finalizers }) };
  const status: JsonObject =
    resource.collection === 'namespaces' ? { status: { ...objectOf(found.status), phase: 'Terminating' } } : {};
  return toStored({ ...found, ...status, metadata: meta });
}

/** The propagation to dependents; undefined if this request cannot, or can no longer, determine it. */
function policyFor(
  { collection }: Resource,
  { metadata }: Stored,
  { propagationPolicy }: DeleteOptions,
): DeleteOptions['propagationPolicy'] {
  // A terminating Namespace or Pod keeps the propagation of the first request.
  const isSettled = WITH_STAGES.has(collection) && metadata.deletionTimestamp !== undefined;
  // Events have no dependents, so their deletion does not wait.
  if (collection === 'events' || isSettled) return undefined;
  if (propagationPolicy !== undefined || !ORPHANING.has(collection)) return propagationPolicy;
  const isDecided = metadata.finalizers?.some((finalizer) => finalizer === ORPHAN || finalizer === FOREGROUND) === true;
  return isDecided ? undefined : 'Orphan';
}

/** Seconds; only Pods that have a Node and have not ended get a grace period. */
function graceOf(resource: Resource, pod: Stored, { gracePeriodSeconds }: DeleteOptions): number {
  if (resource.collection !== 'pods') return 0;
  const spec = objectOf(pod.spec);
  const phase = textOf(objectOf(pod.status).phase);
  if (textOf(spec.nodeName) === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = gracePeriodSeconds ?? numberOf(spec.terminationGracePeriodSeconds) ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function finalizersFor(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): readonly string[] {
  if (policy === undefined) return finalizers;
  const rest = finalizers.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Orphan') return [...rest, ORPHAN];
  return policy === 'Foreground' ? [...rest, FOREGROUND] : rest;
}

/** Read from the body and the query of a request. @throws ApiError 422 */
export function deleteOptionsOf(raw: JsonObject): DeleteOptions & { readonly dryRun: boolean } {
  const { propagationPolicy, gracePeriodSeconds, orphanDependents } = raw;
  const { uid, resourceVersion } = objectOf(raw.preconditions);
  const policy = (propagationPolicy ??
    (orphanDependents === true ? 'Orphan' : undefined)) as DeleteOptions['propagationPolicy'];
  if (policy !== undefined && !POLICIES.includes(policy)) {
    const about = { group: 'meta.k8s.io', plural: 'deleteoptions', kind: 'DeleteOptions' };
    throw invalid(about, '', [notSupported('propagationPolicy', policy, POLICIES)]);
  }
  const grace = numberOf(gracePeriodSeconds);
  return {
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    preconditions: {
      ...(typeof uid === 'string' && { uid }),
      ...(typeof resourceVersion === 'string' && { resourceVersion }),
    },
    dryRun: listOf(raw.dryRun).includes('All'),
  };
}
