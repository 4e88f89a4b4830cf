/** Parses a path: `/api/v1/…` and `/apis/GROUP/VERSION/…`. */
import { notServed } from '../errors.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Resource, Subresource } from '../kinds/resource.ts';

export interface Route {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: Subresource | undefined;
}

/** @returns undefined for paths that do not refer to objects. @throws ApiError 404 if the resource is not served */
export function routeOf(registry: Registry, path: string): Route | undefined {
  const [root, ...rest] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group, version, ...parts] = root === 'api' ? ['', ...rest] : rest;
  if (group === undefined || version === undefined || parts.length === 0) return undefined;
  return resolve(registry, group, version, parts);
}

function resolve(registry: Registry, group: string, version: string, parts: readonly string[]): Route | undefined {
  const [first, second, ...rest] = parts;
  // `namespaces/NAME/status` and `/finalize` refer to the Namespace; other paths refer to objects in it.
  const isInside = first === 'namespaces' && second !== undefined && rest.length > 0;
  const isOfNamespace = isInside && group === '' && rest.length === 1 && ['status', 'finalize'].includes(rest[0] ?? '');
  const namespace = isInside && !isOfNamespace ? second : undefined;
  const [plural = '', name, subresourceName, ...tooMuch] = namespace === undefined ? parts : rest;
  if (!registry.hasVersion(group, version)) return undefined;
  const resource = registry.find(group, version, plural);
  if (resource === undefined || tooMuch.length > 0) throw notServed();
  const isScoped = resource.isNamespaced === (namespace !== undefined);
  const isAcrossNamespaces = resource.isNamespaced && namespace === undefined && name === undefined;
  if (!isScoped && !isAcrossNamespaces) throw notServed();
  const subresource = resource.subresources.find((one) => one.name === subresourceName);
  if (subresourceName !== undefined && subresource === undefined) throw notServed();
  return { resource, namespace, name, subresource };
}

/** The verb of a request, as audit logs have it. */
export function verbOf(method: string, route: Route | undefined, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (route === undefined) return 'get';
      // A single object cannot be watched by its path; clients select its name instead.
      if (route.name !== undefined) return 'get';
      return isWatch(query) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'DELETE':
      return route?.name === undefined ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}

function isWatch(query: URLSearchParams): boolean {
  const value = query.get('watch');
  return value === 'true' || value === '1';
}
