/** Computes the answer to a request, without a network. */
import type { User } from '../accounts.ts';
import type { Context } from '../context.ts';
import {
  AGGREGATED,
  acceptsAggregated,
  aggregated,
  coreVersions,
  groupList,
  oneGroup,
  resourceList,
  VERSION,
} from '../discovery/documents.ts';
import { openApiIndex, openApiV2, openApiV3 } from '../discovery/openapi.ts';
import { methodNotAllowed } from '../errors.ts';
import type { Target } from '../write/change.ts';
import { type Answer, json, text } from './answer.ts';
import { getObject, listObjects } from './read.ts';
import { type ApiRequest, objectBody } from './request.ts';
import { review } from './reviews.ts';
import type { Route } from './route.ts';
import { getScale, logOf, postSubresource, writeScale } from './subresources.ts';
import { createObject, deleteMany, deleteOne, patchObject, replaceObject, writeOptionsOf } from './write.ts';

export interface Host {
  readonly context: Context;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Undefined for public paths. */
  readonly user: User | undefined;
}

/** Whether the path is public, as with the real server's defaults. */
export const isPublic = (path: string): boolean => ['/version', '/healthz', '/livez', '/readyz'].includes(path);

/** Answers all requests except watches. @throws ApiError */
export function handle(host: Host, route: Route | undefined, request: ApiRequest): Answer {
  if (route === undefined) return documentAt(host, request);
  const { deprecation } = route.resource;
  const warnings = deprecation === undefined ? [] : [deprecation];
  const answer = answerRoute(host, route, request, (message) => warnings.push(message));
  if (warnings.length === 0) return answer;
  const lines = warnings.map((message) => `299 - ${JSON.stringify(message)}`);
  return { ...answer, headers: { ...answer.headers, warning: lines.join(', ') } };
}

function answerRoute(
  { context, user }: Host,
  route: Route,
  request: ApiRequest,
  warn: (message: string) => void,
): Answer {
  const { resource, name, subresource } = route;
  const { method } = request;
  if (name === undefined) {
    const verb = { GET: 'list', HEAD: 'list', POST: 'create', DELETE: 'deletecollection' }[method];
    if (verb === undefined || !resource.verbs.includes(verb)) throw methodNotAllowed();
    if (verb === 'list') return listObjects(context, route, request);
    if (verb === 'deletecollection') return deleteMany(context, route, request);
    const reviewed = review(
      resource,
      resource.verbs.length === 1 ? objectBody(request, resource.kind) : {},
      context,
      user,
    );
    return reviewed ?? createObject(context, route, request, writeOptionsOf(request, warn));
  }
  if (subresource !== undefined) return answerSubresource(context, route, name, request, warn);
  if (resource.verbs.length === 1) throw methodNotAllowed();
  const target: Target = { resource, namespace: route.namespace, name, subresource: '' };
  switch (method) {
    case 'GET':
    case 'HEAD':
      return getObject(context, route, name, request);
    case 'PUT':
      return replaceObject(context, target, request, writeOptionsOf(request, warn));
    case 'PATCH':
      return patchObject(context, target, request, writeOptionsOf(request, warn));
    case 'DELETE':
      return deleteOne(context, route, name, request);
    default:
      throw methodNotAllowed();
  }
}

function answerSubresource(
  context: Context,
  route: Route,
  name: string,
  request: ApiRequest,
  warn: (message: string) => void,
): Answer {
  const { resource, namespace, subresource } = route;
  const target: Target = { resource, namespace, name, subresource: '' };
  const options = writeOptionsOf(request, warn);
  const kind = subresource?.name ?? '';
  const verb = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch' }[request.method];
  if (verb === undefined || subresource?.verbs.includes(verb) !== true) throw methodNotAllowed();
  if (verb === 'create') return postSubresource(context, target, kind, request, options);
  if (kind === 'scale')
    return verb === 'get' ? getScale(context, target, request) : writeScale(context, target, request, options);
  if (kind === 'log') return logOf(context, target);
  if (verb === 'get') return getObject(context, route, name, request);
  const part = { ...target, subresource: partOf(kind) };
  return verb === 'patch'
    ? patchObject(context, part, request, options)
    : replaceObject(context, part, request, options);
}

function partOf(kind: string): Target['subresource'] {
  switch (kind) {
    case 'status':
    case 'finalize':
    case 'ephemeralcontainers':
    case 'resize':
      return kind;
    default:
      throw methodNotAllowed();
  }
}

/** kubectl requests the old document in protobuf for kinds that it does not find in the new ones; it contains nothing more. */
const EMPTY_V2: Answer = {
  code: 200,
  body: '',
  headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' },
};

const NO_PAGE = text('404 page not found\n', 404);

function documentAt({ context: { registry }, address }: Host, { path, method, headers, query }: ApiRequest): Answer {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  const parts = path.split('/').filter((part) => part !== '');
  const [root, first, second] = parts;
  switch (root) {
    case 'version':
      return json(VERSION);
    case 'healthz':
    case 'livez':
    case 'readyz':
      return text(query.has('verbose') ? `[+]ping ok\n[+]etcd ok\n${root} check passed\n` : 'ok');
    case 'api':
    case 'apis': {
      const isCore = root === 'api';
      if (first === undefined) return groupsDocument(registry, isCore, headers.accept, address);
      if (parts.length > (isCore ? 2 : 3)) break;
      if (isCore) return json(resourceList(registry, '', first));
      if (second !== undefined) return json(resourceList(registry, first, second));
      return registry.hasGroup(first) ? json(oneGroup(registry, first)) : NO_PAGE;
    }
    case 'openapi':
      if (first === 'v2') return headers.accept?.includes('protobuf') === true ? EMPTY_V2 : json(openApiV2(registry));
      if (first === 'v3')
        return json(second === undefined ? openApiIndex(registry) : openApiV3(registry, parts.slice(2).join('/')));
  }
  return NO_PAGE;
}

function groupsDocument(
  registry: Host['context']['registry'],
  isCore: boolean,
  accept: string | undefined,
  address: string,
): Answer {
  if (acceptsAggregated(accept)) {
    return { code: 200, body: aggregated(registry, isCore), headers: { 'content-type': AGGREGATED, vary: 'Accept' } };
  }
  return json(isCore ? coreVersions(address) : groupList(registry));
}
