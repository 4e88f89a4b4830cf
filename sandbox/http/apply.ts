/** Server-side apply. */
import type { Context } from '../context.ts';
import { timeText } from '../context.ts';
import { badRequest, conflict, invalid, required } from '../errors.ts';
import { type JsonObject, objectOf, textOf, withField, withPath } from '../json.ts';
import { apiVersionOf, hasSubresource } from '../kinds/resource.ts';
import { applyConfiguration } from '../patch/apply.ts';
import { isKubectl, lastAppliedFields, withLastApplied } from '../patch/last-applied.ts';
import { keyFor } from '../store/collection.ts';
import { type ChangeOptions, changeObject, type Target } from '../write/change.ts';
import { create } from '../write/create.ts';
import { checkKind, decode } from '../write/decode.ts';
import { EMPTY } from '../write/field-set.ts';
import { entriesOf, isSameWriter, withEntries } from '../write/managed-fields.ts';
import type { WriteOptions } from '../write/options.ts';
import { type Answer, json } from './answer.ts';
import { type ApiRequest, patchBody } from './request.ts';

/** PATCH with `application/apply-patch+yaml`: changes the object, or creates it. */
export function applyObject(context: Context, target: Target, request: ApiRequest, options: WriteOptions): Answer {
  const { resource, namespace, name, subresource } = target;
  if (request.query.get('fieldManager') === null) {
    const about = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' };
    throw invalid(about, '', [required('fieldManager', 'is required for apply patch')]);
  }
  const body = objectOf(patchBody(request));
  const { apiVersion, kind } = body;
  if (textOf(apiVersion) === '' || textOf(kind) === '')
    throw badRequest(`invalid object type: /, Kind=${textOf(kind)}`);
  checkKind(resource, body);
  if (objectOf(body.metadata).managedFields !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const named = withPath(body, ['metadata', 'name'], textOf(objectOf(body.metadata).name) || name);
  // Fields that the request cannot change are not owned by the applier.
  const isWithoutStatus = subresource === '' && hasSubresource(resource, 'status');
  const configuration = decode(resource, isWithoutStatus ? withField(named, 'status', undefined) : named, true).object;
  const writer = {
    manager: options.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(resource),
    subresource,
    time: timeText(context.clock.now()),
  } as const;
  const isForced = ['true', '1'].includes(request.query.get('force') ?? '');
  const change = (current: JsonObject): JsonObject => {
    const known = isKubectl(writer) ? lastAppliedFields(current, resource) : EMPTY;
    const applied = applyConfiguration(current, configuration, resource.schema, writer, { isForced, known });
    const after = isKubectl(writer) ? withLastApplied(applied, body) : applied;
    return withKeptTimes(current, after);
  };
  const exists = context.store.collection(resource.collection).get(keyFor(namespace, name)) !== undefined;
  if (exists || subresource !== '') {
    return json(changeObject(context, target, change, { ...options, ownsFields: true } satisfies ChangeOptions));
  }
  const uid = textOf(objectOf(body.metadata).uid);
  if (uid !== '') {
    const message = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(resource, name, message);
  }
  const owner = (object: JsonObject): JsonObject => {
    const owned = applyConfiguration({ metadata: {} }, configuration, resource.schema, writer, { isForced: true });
    return withEntries(object, entriesOf(owned));
  };
  return json(create(context, resource, configuration, namespace, options, owner), 201);
}

/** An apply that changes nothing keeps its time. */
function withKeptTimes(before: JsonObject, after: JsonObject): JsonObject {
  const known = entriesOf(before);
  const entries = entriesOf(after).map((entry) => {
    const old = known.find((one) => isSameWriter(one, entry));
    return old !== undefined && JSON.stringify(old.fields) === JSON.stringify(entry.fields)
      ? { ...entry, time: old.time }
      : entry;
  });
  return withEntries(after, entries);
}
