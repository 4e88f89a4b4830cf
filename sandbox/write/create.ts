/** Creating objects. */
import { randomUUID } from 'node:crypto';
import { admitNew, readBack } from '../admission/admit.ts';
import { nameSuffix } from '../admission/name-suffix.ts';
import { faultsOfNew } from '../admission/validate.ts';
import { ApiError, type Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { withCustomDefaults } from '../custom/defaults.ts';
import { validateCustom } from '../custom/validate.ts';
import { alreadyExists, badRequest, forbidden, invalid, notFound } from '../errors.ts';
import { type JsonObject, objectOf, textOf, withField } from '../json.ts';
import { asStored, inVersionOf } from '../kinds/convert.ts';
import { apiVersionOf, hasSubresource, type Resource } from '../kinds/resource.ts';
import { keyFor } from '../store/collection.ts';
import { type Decoded, decode, refuseUnknown } from './decode.ts';
import { afterUpdate } from './managed-fields.ts';
import type { WriteOptions } from './options.ts';

/** Kinds that count the changes of their spec in `metadata.generation`; custom resources all do. */
const WITH_GENERATION = new Set([
  'pods',
  'replicationcontrollers',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'poddisruptionbudgets.policy',
  'customresourcedefinitions.apiextensions.k8s.io',
  'priorityclasses.scheduling.k8s.io',
]);

export const hasGeneration = (resource: Resource): boolean =>
  resource.custom !== undefined || WITH_GENERATION.has(resource.collection);

const NAME_ATTEMPTS = 8;

/**
 * Creates an object from a client's request.
 *
 * @returns it in the version of the resource.
 * @throws ApiError 400, 403, 404, 409 or 422
 */
export function create(
  context: Context,
  resource: Resource,
  body: JsonObject,
  namespace: string | undefined,
  options: WriteOptions,
  prepared: (object: JsonObject) => JsonObject = (object) => object,
): Stored {
  const read = accept(decode(resource, body), resource, options);
  const meta = metadataOf(context, resource, read, namespace);
  checkNamespace(context, resource, namespace, textOf(meta.name));
  const drafted: JsonObject = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...read, metadata: meta };
  const defaulted = resource.custom === undefined ? drafted : withCustomDefaults(resource, drafted);
  const admitted = admitNew(context, resource, defaulted);
  const faults = [...faultsOfNew(resource, admitted), ...validateCustom(resource, admitted)];
  if (faults.length > 0) throw invalid(asJudged(resource), textOf(meta.name), faults);
  if (options.dryRun !== true && textOf(objectOf(read.metadata).resourceVersion) !== '')
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  const owned = prepared(withManager(context, resource, admitted, drafted, options));
  const collection = context.store.collection(resource.collection);
  const key = keyFor(namespace, textOf(meta.name));
  const existing = collection.get(key);
  if (existing !== undefined) {
    throw alreadyExists(resource, textOf(meta.name), existing.metadata.deletionTimestamp !== undefined);
  }
  const object = toStored(asStored(resource, readBack(resource, owned)));
  const { resourceVersion } = objectOf(read.metadata);
  // Objects that are not stored keep the version of the request.
  if (options.dryRun === true && textOf(resourceVersion) !== '')
    return inVersionOf(resource, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: textOf(resourceVersion) },
    });
  return inVersionOf(resource, options.dryRun === true ? object : context.store.put(collection, key, object));
}

/** Errors about Events name the core kind, regardless of the requested version. */
export const asJudged = (resource: Resource): Resource =>
  resource.collection === 'events' ? { ...resource, group: '' } : resource;

/** The reaction to unknown fields. */
export function accept(decoded: Decoded, resource: Resource, { fieldValidation, warn }: WriteOptions): JsonObject {
  if (fieldValidation === 'Strict') refuseUnknown(decoded, resource);
  if (fieldValidation === 'Warn') for (const path of decoded.unknown) warn?.(`unknown field ${JSON.stringify(path)}`);
  return decoded.object;
}

/** An object whose metadata is complete. */
export function toStored(object: JsonObject): Stored {
  const { apiVersion, kind, metadata, ...rest } = object;
  // All callers have set name, uid and creationTimestamp; the store sets the version.
  return { kind: textOf(kind), apiVersion: textOf(apiVersion), metadata: metadata as Stored['metadata'], ...rest };
}

function metadataOf(context: Context, resource: Resource, body: JsonObject, namespace: string | undefined): JsonObject {
  const {
    deletionTimestamp: _d,
    deletionGracePeriodSeconds: _g,
    resourceVersion: _v,
    selfLink: _s,
    managedFields: _m,
    uid: _u,
    creationTimestamp: _c,
    generation: _n,
    name,
    generateName,
    namespace: given,
    ...rest
  } = objectOf(body.metadata);
  // The namespace of a cluster-scoped object is ignored.
  if (resource.isNamespaced && textOf(given) !== '' && textOf(given) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const prefix = textOf(generateName);
  return {
    name: textOf(name) === '' && prefix !== '' ? freeName(context, resource, namespace, prefix) : textOf(name),
    ...(prefix !== '' && { generateName: prefix }),
    ...(namespace !== undefined && { namespace }),
    uid: randomUUID(),
    ...(hasGeneration(resource) && { generation: 1 }),
    creationTimestamp: timeText(context.clock.now()),
    ...rest,
  };
}

/** The real server also tries eight times, and truncates long prefixes so that the result is a valid name. */
function freeName({ store }: Context, resource: Resource, namespace: string | undefined, prefix: string): string {
  const collection = store.collection(resource.collection);
  const base = prefix.slice(0, 58);
  let name = base + nameSuffix();
  for (
    let attempt = 1;
    attempt < NAME_ATTEMPTS && collection.get(keyFor(namespace, name)) !== undefined;
    attempt += 1
  ) {
    name = base + nameSuffix();
  }
  return name;
}

/** The Namespace must exist and must not be terminating. */
function checkNamespace(
  { store, registry }: Context,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): void {
  if (!resource.isNamespaced || namespace === undefined) return;
  const found = store.collection('namespaces').get(namespace);
  if (found === undefined) {
    const namespaces = registry.byName('namespaces');
    throw notFound(namespaces ?? resource, namespace);
  }
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/** The sent fields and their defaults are owned by the client; the status is owned by the server. */
function withManager(
  context: Context,
  resource: Resource,
  object: JsonObject,
  drafted: JsonObject,
  options: WriteOptions,
) {
  const status = hasSubresource(resource, 'status') && drafted.status === undefined ? undefined : object.status;
  const owned = afterUpdate({ metadata: {} }, withField(object, 'status', status), resource.schema, {
    manager: options.manager,
    operation: 'Update',
    apiVersion: apiVersionOf(resource),
    subresource: '',
    time: timeText(context.clock.now()),
  });
  return withField(owned, 'status', object.status);
}
