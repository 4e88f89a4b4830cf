/** POST, PUT, PATCH and DELETE of objects. */
import { ApiError, type Stored } from '../api.ts';
import type { Context } from '../context.ts';
import { badRequest, conflict, invalid, invalidValue, notSupported } from '../errors.ts';
import { isObject, type JsonObject, numberOf, objectOf, textOf, withPath } from '../json.ts';
import { asStored } from '../kinds/convert.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge.ts';
import { strategicMergePatch } from '../patch/strategic.ts';
import { filterOf } from '../read/filter.ts';
import { type Form, textOfItem } from '../read/forms.ts';
import { list } from '../read/list.ts';
import { keyFor } from '../store/collection.ts';
import { changeObject, type Target } from '../write/change.ts';
import { create, toStored } from '../write/create.ts';
import { checkKind, DecodeError } from '../write/decode.ts';
import { deleteObject, deleteOptionsOf } from '../write/delete.ts';
import type { WriteOptions } from '../write/options.ts';
import { type Answer, json } from './answer.ts';
import { applyObject } from './apply.ts';
import { textOfList } from './read.ts';
import { type ApiRequest, contentTypeOf, objectBody, patchBody } from './request.ts';
import type { Route } from './route.ts';

const OPTIONS_KINDS: Readonly<Record<string, string>> = { PUT: 'UpdateOptions', PATCH: 'PatchOptions' };

/** @throws ApiError 422 if an option has an invalid value */
export function writeOptionsOf(
  { method, query, userAgent }: ApiRequest,
  warn: (message: string) => void,
): WriteOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    const about = { group: 'meta.k8s.io', plural: 'options', kind: OPTIONS_KINDS[method] ?? 'CreateOptions' };
    throw invalid(about, '', [notSupported('dryRun', dryRun, ['All'])]);
  }
  const validation = query.get('fieldValidation');
  return {
    // Like the server, uses the part of the user agent before the slash.
    manager: query.get('fieldManager') ?? userAgent.split('/')[0] ?? 'unknown',
    dryRun: dryRun.length > 0,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    warn,
  };
}

export function createObject(
  context: Context,
  { resource, namespace }: Route,
  request: ApiRequest,
  options: WriteOptions,
): Answer {
  const body = objectBody(request, resource.kind);
  checkKind(resource, body);
  return json(create(context, resource, body, namespace, options), 201);
}

export function replaceObject(context: Context, target: Target, request: ApiRequest, options: WriteOptions): Answer {
  const body = objectBody(request, target.resource.kind);
  checkKind(target.resource, body);
  if (isMissing(context, target) && CREATED_BY_UPDATE.has(target.resource.collection) && target.subresource === '') {
    return json(createByUpdate(context, target, body, options), 201);
  }
  return json(changeObject(context, target, () => body, { ...options, isReplacement: true }));
}

/** Kinds for which a PUT creates a missing object. */
const CREATED_BY_UPDATE = new Set([
  'leases.coordination.k8s.io',
  'events',
  'services',
  'endpoints',
  'limitranges',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
]);

function isMissing({ store }: Context, { resource, namespace, name }: Target): boolean {
  return store.collection(resource.collection).get(keyFor(namespace, name)) === undefined;
}

function createByUpdate(context: Context, target: Target, body: JsonObject, options: WriteOptions): Stored {
  const { resource, namespace, name } = target;
  const { name: given, uid, resourceVersion } = objectOf(body.metadata);
  if (textOf(given) !== name) {
    throw badRequest(`the name of the object (${textOf(given)}) does not match the name on the URL (${name})`);
  }
  if (textOf(uid) !== '') {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `);
  }
  const version = textOf(resourceVersion);
  if (!/^\d*$/.test(version)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  }
  const isKept = options.dryRun === true;
  return create(
    context,
    resource,
    isKept ? body : withPath(body, ['metadata', 'resourceVersion'], undefined),
    namespace,
    options,
  );
}

export function patchObject(context: Context, target: Target, request: ApiRequest, options: WriteOptions): Answer {
  const { resource } = target;
  const type = contentTypeOf(request);
  if (type === 'application/apply-patch+yaml' || type === 'application/apply-patch+cbor') {
    return applyObject(context, target, request, options);
  }
  const patch = patchBody(request);
  let result: unknown;
  const change = (current: Stored): JsonObject => {
    result = patched(type, current, patch, target);
    return objectOf(result);
  };
  if (!PATCH_TYPES.has(type) || (type === STRATEGIC && resource.custom !== undefined))
    throw unsupportedPatch(resource.custom !== undefined);
  try {
    return json(changeObject(context, target, change, options));
  } catch (error) {
    throw error instanceof DecodeError ? unreadablePatch(error, result) : error;
  }
}

/** The result of a patch cannot be decoded as the kind. */
function unreadablePatch({ why }: DecodeError, result: unknown): ApiError {
  const about = { group: '', plural: '', kind: '' };
  const { details, message } = invalid(about, '', [invalidValue('patch', JSON.stringify(result), why)]);
  return new ApiError(422, 'Invalid', message, { causes: details?.causes });
}

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const PATCH_TYPES = new Set([MERGE, JSON_PATCH, STRATEGIC]);

function unsupportedPatch(isCustom: boolean): ApiError {
  const message = isCustom
    ? 'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    : '415: Unsupported Media Type';
  return new ApiError(415, 'UnsupportedMediaType', message, isCustom ? undefined : {});
}

/** @throws ApiError */
export function patched(
  type: string,
  current: JsonObject,
  patch: unknown,
  { resource }: Pick<Target, 'resource'>,
): unknown {
  if (type === JSON_PATCH) return jsonPatch(current, patch);
  if (!isObject(patch))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  return type === STRATEGIC ? strategicMergePatch(current, patch, resource.schema) : mergePatch(current, patch);
}

/** Kinds whose deletion returns the object instead of a Status once it has gone. */
const RETURNS_DELETED = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'namespaces',
  'storageclasses',
  'csidrivers',
  'csinodes',
  'volumeattachments',
]);

export function deleteOne(context: Context, { resource, namespace }: Route, name: string, request: ApiRequest): Answer {
  const { object, isGone } = deleteObject(context, resource, namespace, name, requestedDeletion(request));
  if (!isGone || RETURNS_DELETED.has(resource.plural)) return json(object);
  const { group, plural } = resource;
  const details = { name, ...(group !== '' && { group }), kind: plural, uid: object.metadata.uid };
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

const WHOLE: Form = { is: 'whole' };

export function deleteMany(context: Context, { resource, namespace }: Route, request: ApiRequest): Answer {
  const options = requestedDeletion(request);
  const listed = list(context, resource, namespace, filterOf(resource, request.query), request.query);
  const objects = listed.items.map(
    ({ metadata }) => deleteObject(context, resource, metadata.namespace, metadata.name, options).object,
  );
  const now = context.clock.now();
  const items = objects
    .map((object) => textOfItem(WHOLE, resource, toStored(asStored(resource, object)), now))
    .join(',');
  return json(textOfList(WHOLE, resource, listed, items));
}

/** Options are in the body or in the query. */
function requestedDeletion(request: ApiRequest) {
  const body = request.body.trim() === '' ? {} : objectBody(request, 'DeleteOptions');
  const grace = numberOf(Number(request.query.get('gracePeriodSeconds') ?? Number.NaN));
  const policy = request.query.get('propagationPolicy');
  return deleteOptionsOf({
    ...(grace !== undefined && !Number.isNaN(grace) && { gracePeriodSeconds: grace }),
    ...(policy !== null && { propagationPolicy: policy }),
    ...(request.query.getAll('dryRun').includes('All') && { dryRun: ['All'] }),
    ...body,
  });
}
