/** Changing objects: PUT and PATCH, on the object or on one of its subresources. */

import { admitChanged, readBack } from '../admission/admit.ts';
import { faultsOfChange } from '../admission/validate.ts';
import { ApiError, type Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { withCustomDefaults } from '../custom/defaults.ts';
import { validateCustom } from '../custom/validate.ts';
import { badRequest, conflict, invalid, invalidValue, MODIFIED, notFound } from '../errors.ts';
import { isSame, type JsonObject, listOf, numberOf, objectOf, textOf, withField, withPath } from '../json.ts';
import { asStored, inVersionOf } from '../kinds/convert.ts';
import { apiVersionOf, hasSubresource, type Resource } from '../kinds/resource.ts';
import { keyFor } from '../store/collection.ts';
import { accept, asJudged, hasGeneration, toStored } from './create.ts';
import { decode } from './decode.ts';
import { afterUpdate, isUnchanged } from './managed-fields.ts';
import type { WriteOptions } from './options.ts';

export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: '' | 'status' | 'scale' | 'finalize' | 'ephemeralcontainers' | 'resize' | 'binding';
}

export interface ChangeOptions extends WriteOptions {
  /** The change sets the fields' owners itself, as server-side apply does. @default false */
  readonly ownsFields?: boolean;
  /** PUT: the body is the whole object, and some kinds require its version. @default false */
  readonly isReplacement?: boolean;
}

/** Kinds whose replacement requires a version, as for custom resources. */
const CONDITIONAL = new Set([
  'leases.coordination.k8s.io',
  'poddisruptionbudgets.policy',
  'customresourcedefinitions.apiextensions.k8s.io',
]);

/**
 * Changes an object.
 *
 * @param change gets the object in the version of the resource and returns the new one.
 * @returns the new object, even if the change removed it together with its last finalizer.
 * @throws ApiError 400, 404, 409 or 422
 */
export function changeObject(
  context: Context,
  target: Target,
  change: (current: Stored) => JsonObject,
  options: ChangeOptions,
): Stored {
  const { resource, namespace, name } = target;
  const collection = context.store.collection(resource.collection);
  const key = keyFor(namespace, name);
  const stored = collection.get(key);
  if (stored === undefined) throw notFound(resource, name);
  const current = inVersionOf(resource, stored);
  const wanted = change(current);
  if (wanted === current) return current;
  const read = accept(decode(resource, wanted), resource, options);
  checkIdentity(target, read, current, options);

  const scoped = inScope(target, restored(read, current), current);
  const defaulted = resource.custom === undefined ? scoped : withCustomDefaults(resource, scoped);
  const admitted = admitChanged(context, resource, defaulted, current);
  const unguarded =
    target.subresource === 'binding' || target.subresource === 'resize' || target.subresource === 'ephemeralcontainers';
  const faults = unguarded
    ? []
    : [...faultsOfChange(resource, admitted, current), ...validateCustom(resource, admitted)];
  if (faults.length > 0) throw invalid(asJudged(resource), name, faults);

  const counted = withGeneration(target, admitted, current);
  const owned = options.ownsFields === true ? counted : owning(context, target, counted, current, options);
  if (isUnchanged(current, owned)) return current;
  const object = toStored(asStored(resource, readBack(resource, owned)));
  if (options.dryRun === true) return inVersionOf(resource, object);
  if (!isFinished(object)) return inVersionOf(resource, context.store.put(collection, key, object));
  // Without finalizers it is removed, and watches get its previous state.
  const { resourceVersion } = context.store.remove(collection, key, stored).metadata;
  return inVersionOf(resource, { ...object, metadata: { ...object.metadata, resourceVersion } });
}

/** Whether nothing delays a deletion any more. */
export function isFinished(object: JsonObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = objectOf(object.metadata);
  if (deletionTimestamp === undefined || listOf(finalizers).length > 0) return false;
  if (object.kind === 'Namespace') return listOf(objectOf(object.spec).finalizers).length === 0;
  return (numberOf(deletionGracePeriodSeconds) ?? 0) === 0;
}

function checkIdentity({ resource, name }: Target, wanted: JsonObject, current: Stored, options: ChangeOptions): void {
  const meta = objectOf(wanted.metadata);
  if (textOf(meta.name) !== name) {
    throw badRequest(`the name of the object (${textOf(meta.name)}) does not match the name on the URL (${name})`);
  }
  if (meta.namespace !== undefined && meta.namespace !== current.metadata.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  checkUid(resource, name, textOf(meta.uid), current, options);
  const version = textOf(meta.resourceVersion);
  const isConditional = resource.custom !== undefined || CONDITIONAL.has(resource.collection);
  if (!/^\d*$/.test(version)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  }
  if (version === '' && options.isReplacement === true && isConditional) {
    const about = { ...resource, kind: resource.plural };
    throw invalid(about, name, [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  if (version !== '' && version !== current.metadata.resourceVersion) throw conflict(resource, name, MODIFIED);
}

function checkUid(resource: Resource, name: string, uid: string, current: Stored, options: ChangeOptions): void {
  if (options.isReplacement !== true || uid === '' || uid === current.metadata.uid) return;
  const path = ['/registry', resource.plural, current.metadata.namespace, name].filter((part) => part !== undefined);
  throw conflict(
    resource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${path.join('/')}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
  );
}

/** Restores server-owned metadata; fields the client omitted keep their stored value. */
function restored(wanted: JsonObject, current: Stored): JsonObject {
  const meta = objectOf(wanted.metadata);
  const {
    namespace,
    uid,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    resourceVersion,
  } = current.metadata;
  let result: JsonObject = meta;
  const fixed = {
    namespace,
    creationTimestamp,
    generation,
    // A new one is an error that validation reports.
    deletionTimestamp:
      deletionTimestamp !== undefined || textOf(meta.deletionTimestamp) === ''
        ? deletionTimestamp
        : meta.deletionTimestamp,
    deletionGracePeriodSeconds,
    resourceVersion,
  };
  for (const [field, value] of Object.entries(fixed)) result = withField(result, field, value);
  if (textOf(meta.uid) === '') result = withField(result, 'uid', uid);
  // With an empty list, a client gives up all ownership (kubernetes docs, server-side apply).
  if (meta.managedFields === undefined) result = withField(result, 'managedFields', current.metadata.managedFields);
  return { ...withField(wanted, 'metadata', result), apiVersion: current.apiVersion, kind: current.kind };
}

/** Only the fields that the subresource may change are applied. */
function inScope({ resource, subresource }: Target, wanted: JsonObject, current: Stored): JsonObject {
  switch (subresource) {
    case 'status': {
      const withStatus = withField(current, 'status', wanted.status);
      if (resource.collection === 'deployments.apps') {
        const { labels } = current.metadata;
        return withField(withStatus, 'metadata', withField(objectOf(wanted.metadata), 'labels', labels));
      }
      // Custom resources change only the status; built-in kinds also change labels and annotations.
      return resource.custom === undefined ? withField(withStatus, 'metadata', wanted.metadata) : withStatus;
    }
    case 'finalize':
      return withPath(current, ['spec', 'finalizers'], nonEmpty(objectOf(wanted.spec).finalizers));
    case '': {
      if (!hasSubresource(resource, 'status')) return wanted;
      // Its finalizers are a subresource.
      if (resource.collection === 'namespaces') return { ...wanted, spec: current.spec, status: current.status };
      return withField(wanted, 'status', current.status);
    }
    default:
      return wanted;
  }
}

const nonEmpty = (list: unknown): unknown => (listOf(list).length === 0 ? undefined : list);

/** Counts changes of everything except metadata and status. */
function withGeneration({ resource, subresource }: Target, wanted: JsonObject, current: Stored): JsonObject {
  if (!hasGeneration(resource) || subresource === 'binding') return wanted;
  const spec = ({ metadata: _m, status, ...rest }: JsonObject) =>
    hasSubresource(resource, 'status') ? rest : { ...rest, status };
  // The annotations of Deployments count too, since they contain the revisions.
  const isNoted =
    resource.collection !== 'deployments.apps' ||
    subresource !== '' ||
    isSame(objectOf(wanted.metadata).annotations, current.metadata.annotations);
  if (isNoted && isSame(spec(wanted), spec(current))) return wanted;
  return withPath(wanted, ['metadata', 'generation'], (current.metadata.generation ?? 0) + 1);
}

function owning(
  context: Context,
  target: Target,
  wanted: JsonObject,
  current: Stored,
  options: WriteOptions,
): JsonObject {
  return afterUpdate(current, wanted, target.resource.schema, {
    manager: options.manager,
    operation: 'Update',
    apiVersion: apiVersionOf(target.resource),
    subresource: target.subresource,
    time: timeText(context.clock.now()),
  });
}
