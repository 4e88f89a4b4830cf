/** The verb that an API server would give a request: for metrics, and for options that only lists use. */
import type { ApiRequest } from './api.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'evict';

/** The verb of a request that is not a watch. A path outside the resources, such as `/version`, is a `get`. */
export function verbOf(method: ApiRequest['method'], path: string): Verb {
  const { isCollection, subresource } = targetOf(path);
  switch (method) {
    case 'GET':
      return isCollection ? 'list' : 'get';
    case 'POST':
      return subresource === 'eviction' ? 'evict' : 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isCollection ? 'deletecollection' : 'delete';
  }
}

/** `/api/v1/…` or `/apis/<group>/<version>/…`, optionally `namespaces/<name>/`, then resource, name and subresource. */
function targetOf(path: string): { isCollection: boolean; subresource: string | undefined } {
  const [root, ...parts] = path.split('/').slice(1);
  const rest = root === 'api' ? parts.slice(1) : root === 'apis' ? parts.slice(2) : [];
  // A Namespace itself, or one of its subresources, has no further resource behind its name.
  const isScoped = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [resource, name, subresource] = isScoped ? rest.slice(2) : rest;
  return { isCollection: resource !== undefined && name === undefined, subresource };
}
