/**
 * Objects of any kind on one API server, for features that carry what others wrote: the kind is known only when it is
 * read. Nothing here throws for what a server or the network does; each answer says how much it proves.
 */
import type { ObjectMeta } from './objects.ts';
import type { Resource } from './resources.ts';

/** What an object of any kind has, as it came over the wire. `metadata` of a foreign object may lack anything. */
export interface AnyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: AnyMeta;
  readonly [field: string]: unknown;
}

export interface AnyMeta extends ObjectMeta {
  readonly managedFields?: readonly ManagedFields[];
}

/** One entry of `metadata.managedFields`. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly [field: string]: unknown;
}

/** Where an object is, or would be. */
export interface ObjectAddress {
  readonly resource: Resource<unknown>;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/**
 * Why there is no object.
 *
 * - `NotFound`: the API server's own `Status` says so of this very object: its name and its resource are in the details.
 * - `NamespaceNotFound`: as `NotFound`, of the namespace that a write would go to.
 * - `PathNotFound`: a 404 that does not speak of this object: a kind that is not served any more, a proxy, a load balancer.
 * - `NamespaceTerminating`: the namespace takes nothing new.
 * - `FieldConflict`: other field managers own fields that an apply without force would change; see `causes`.
 * - `Conflict`, `AlreadyExists`, `Invalid`, `Forbidden`, `Unauthorized`, `Throttled`: as the API server says them.
 * - `Unreachable`: no connection, or no answer in time; whether the request was carried out is not known.
 * - `DryRun`: a write that was not sent, since nothing is to be written.
 * - `Failed`: everything else.
 */
export type RefusalReason =
  | 'NotFound'
  | 'NamespaceNotFound'
  | 'PathNotFound'
  | 'NamespaceTerminating'
  | 'FieldConflict'
  | 'Conflict'
  | 'AlreadyExists'
  | 'Invalid'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Throttled'
  | 'Unreachable'
  | 'DryRun'
  | 'Failed';

export interface Refusal {
  readonly is: 'refused';
  readonly reason: RefusalReason;
  /** For people: the server's words or the network's, at most 1 024 characters. */
  readonly message: string;
  /** The messages of `Status.details.causes`. */
  readonly causes: readonly string[];
}

export type Answer<T> = { readonly is: 'done'; readonly value: T } | Refusal;

/** How somebody names a kind: by its name in the singular, or by its resource's. */
export interface KindName {
  readonly group: string;
  /** Absent: the version that the server prefers. */
  readonly version?: string | undefined;
  readonly kind?: string | undefined;
  readonly plural?: string | undefined;
}

export type Resolution =
  | { readonly is: 'served'; readonly resource: Resource<unknown> }
  /** The API server's own discovery does not list it. */
  | { readonly is: 'notServed' }
  | Refusal;

export interface ObjectAccess {
  /** Asks the server's discovery once, and again when its answer has proved stale. */
  resolve(name: KindName): Promise<Resolution>;
  get(at: ObjectAddress): Promise<Answer<AnyObject>>;
  /** At most `limit` objects; `isWhole` says whether that was all. */
  list(
    resource: Resource<unknown>,
    query: { readonly namespace?: string; readonly labelSelector?: string; readonly limit: number },
  ): Promise<Answer<{ readonly items: readonly AnyObject[]; readonly isWhole: boolean }>>;
  create(at: ObjectAddress, body: object, fieldManager: string): Promise<Answer<AnyObject>>;
  /** Server-side apply. */
  apply(
    at: ObjectAddress,
    body: object,
    options: { readonly fieldManager: string; readonly force: boolean },
  ): Promise<Answer<AnyObject>>;
  /** JSON patch (an array of operations) or merge patch (an object). */
  patch(
    at: ObjectAddress,
    body: readonly JsonPatchOperation[] | Readonly<Record<string, unknown>>,
    options?: { readonly subresource?: 'status'; readonly fieldManager?: string },
  ): Promise<Answer<AnyObject>>;
  /** In the background, and only the object with that UID. `NotFound` where it has gone, `Conflict` where another has its name. */
  remove(at: ObjectAddress, uid: string): Promise<Answer<undefined>>;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'replace' | 'remove' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

/** Makes a JSON patch fail with a conflict where the object has changed: a `test` would fail as invalid. */
export function unlessChanged(resourceVersion: string): JsonPatchOperation {
  return { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion };
}

/** One segment of a JSON pointer. */
export function pointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

export const done = <T>(value: T): Answer<T> => ({ is: 'done', value });
