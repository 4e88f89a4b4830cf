/**
 * The API server's names of the kinds that we read or write.
 *
 * A `Resource` carries the TypeScript type of its objects, so that a cache or a request for it is typed by the value.
 */
export interface Resource<T> {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Only there to carry the type; never set. */
  readonly _object?: T;
}

/** `v1` for the core group, else `group/version`. */
export function apiVersionOf(resource: Resource<unknown>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
