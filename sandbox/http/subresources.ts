/** Subresources that are more than a part of their object: scale, eviction, binding, tokens, logs. */
import { NOT_NEGATIVE } from '../admission/pod-spec.ts';
import { ApiError, type Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { badRequest, invalid, invalidValue, methodNotAllowed, notFound } from '../errors.ts';
import { at, type JsonObject, listOf, numberOf, objectOf, textOf, withPath } from '../json.ts';
import { inVersionOf } from '../kinds/convert.ts';
import type { Resource } from '../kinds/resource.ts';
import { formOf } from '../read/forms.ts';
import { keyFor } from '../store/collection.ts';
import { tableOf } from '../table/rows.ts';
import { selectorText } from '../table/words.ts';
import { SCALE } from '../table/workload-columns.ts';
import { bindPod } from '../write/bind.ts';
import { changeObject, type Target } from '../write/change.ts';
import { evictPod } from '../write/evict.ts';
import type { WriteOptions } from '../write/options.ts';
import { type Answer, json, text } from './answer.ts';
import { type ApiRequest, contentTypeOf, objectBody, patchBody } from './request.ts';
import { patched } from './write.ts';

const CREATED = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

export function postSubresource(
  context: Context,
  target: Target,
  name: string,
  request: ApiRequest,
  options: WriteOptions,
): Answer {
  switch (name) {
    case 'eviction':
      return evict(context, target, request, options);
    case 'binding':
      return json(bind(context, target, objectBody(request, 'Binding'), options), 201);
    case 'token':
      return token(context, target, objectBody(request, 'TokenRequest'));
    default:
      throw methodNotAllowed();
  }
}

function evict(
  context: Context,
  { resource, namespace, name }: Target,
  request: ApiRequest,
  options: WriteOptions,
): Answer {
  const body = objectBody(request, 'Eviction');
  if (textOf(objectOf(body.metadata).name) !== name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const deletion = objectOf(body.deleteOptions);
  const dryRun = options.dryRun === true || listOf(deletion.dryRun).includes('All') ? { dryRun: ['All'] } : {};
  evictPod(context, resource, namespace ?? '', name, { ...deletion, ...dryRun });
  return json(CREATED, 201);
}

function bind(context: Context, target: Target, body: JsonObject, options: WriteOptions): object {
  const node = textOf(at(body, 'target', 'name'));
  // The real server also answers without a reason.
  if (node === '') throw new ApiError(500, '', 'target.name: Required value');
  const uid = textOf(objectOf(body.metadata).uid);
  bindPod(context, target, { node, ...(uid !== '' && { uid }) }, options);
  return CREATED;
}

/** Issues a token that identifies requests as the ServiceAccount's, until it expires. */
function token(context: Context, { resource, namespace, name }: Target, body: JsonObject): Answer {
  const account = context.store.collection(resource.collection).get(keyFor(namespace, name));
  if (account === undefined) throw notFound(resource, name);
  const seconds = numberOf(at(body, 'spec', 'expirationSeconds')) ?? 3600;
  const expiry = context.clock.now() + seconds * 1000;
  const issued = context.accounts.issue({ namespace: namespace ?? '', name, uid: account.metadata.uid }, expiry);
  return json(
    {
      ...body,
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      status: { token: issued, expirationTimestamp: timeText(expiry) },
    },
    201,
  );
}

export function logOf(context: Context, { resource, namespace, name }: Target): Answer {
  if (context.store.collection(resource.collection).get(keyFor(namespace, name)) === undefined)
    throw notFound(resource, name);
  return text('');
}

/** A Scale, as `autoscaling/v1` has it. */
export function scaleOf(resource: Resource, object: Stored): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { spec, status, selector } = scalePaths(resource);
  const found = selector.length === 0 ? undefined : at(object, ...selector);
  const replicas = numberOf(at(object, ...spec)) ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberOf(at(object, ...status)) ?? 0,
      ...(found !== undefined && { selector: typeof found === 'string' ? found : selectorText(found) }),
    },
  };
}

function scalePaths({ custom }: Resource) {
  const path = (dotted: string): string[] => dotted.split('.').filter((part) => part !== '');
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = custom?.scale ?? {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.spec.selector',
  };
  return { spec: path(specReplicasPath), status: path(statusReplicasPath), selector: path(labelSelectorPath ?? '.') };
}

export function getScale(context: Context, { resource, namespace, name }: Target, request: ApiRequest): Answer {
  const stored = context.store.collection(resource.collection).get(keyFor(namespace, name));
  if (stored === undefined) throw notFound(resource, name);
  const scale = scaleOf(resource, inVersionOf(resource, stored));
  const form = formOf(request.headers.accept, request.query);
  return json(form.is === 'table' ? tableOf(SCALE, scale, form.include, context.clock.now()) : scale);
}

/** PUT or PATCH of a Scale changes the replicas, and nothing else. */
export function writeScale(context: Context, target: Target, request: ApiRequest, options: WriteOptions): Answer {
  const { resource, name } = target;
  const isPatch = request.method === 'PATCH';
  const change = (current: Stored): JsonObject => {
    const scale = scaleOf(resource, current);
    const wanted = objectOf(
      isPatch ? patched(mergeType(request), scale, patchBody(request), target) : objectBody(request, 'Scale'),
    );
    const replicas = numberOf(at(wanted, 'spec', 'replicas')) ?? 0;
    if (replicas < 0) {
      const about = { group: 'autoscaling', plural: 'scales', kind: 'Scale' };
      throw invalid(about, name, [invalidValue('spec.replicas', replicas, NOT_NEGATIVE)]);
    }
    const version = textOf(objectOf(wanted.metadata).resourceVersion);
    const conditional = version === '' ? current : withPath(current, ['metadata', 'resourceVersion'], version);
    return withPath(conditional, scalePaths(resource).spec, replicas);
  };
  return json(scaleOf(resource, changeObject(context, { ...target, subresource: 'scale' }, change, options)));
}

/** A Scale has no lists to merge. */
function mergeType(request: ApiRequest): string {
  const type = contentTypeOf(request);
  if (type.startsWith('application/apply-patch')) {
    throw new ApiError(415, 'UnsupportedMediaType', 'the sandbox does not apply Scales; use a merge patch', {});
  }
  return type === 'application/strategic-merge-patch+json' ? 'application/merge-patch+json' : type;
}
