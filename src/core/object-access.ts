/**
 * Objects of any kind on one API server, for features that transport what others wrote: the kind is known only at run time. Nothing here
 * throws because of a server or the network; each answer states what it proves.
 */
import type { ObjectMeta } from './objects.ts';
import type { Resource } from './resources.ts';

/** The common part of an object of any kind, as it was received. `metadata` of a foreign object may lack any field. */
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

/** The address of an object, whether it exists or not. */
export interface ObjectAddress {
  readonly resource: Resource<unknown>;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/**
 * Why there is no object.
 *
 * - `NotFound`: the API server's own `Status` says so about this very object: the details contain its name and its resource.
 * - `NamespaceNotFound`: like `NotFound`, about the namespace of a write.
 * - `PathNotFound`: a 404 that is not about this object: from a kind that is not served any more, a proxy, or a load balancer.
 * - `NamespaceTerminating`: the namespace accepts no new objects.
 * - `FieldConflict`: other field managers own fields that an apply without force would change; see `causes`.
 * - `Conflict`, `AlreadyExists`, `Invalid`, `Forbidden`, `Unauthorized`, `Throttled`: the API server's own reasons.
 * - `Unreachable`: no connection, or no answer in time; whether the request was carried out is not known.
 * - `DryRun`: a write that was not sent, because of the dry run.
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
  /** For people: the message of the server or the network, at most 1 024 characters. */
  readonly message: string;
  /** The messages of `Status.details.causes`. */
  readonly causes: readonly string[];
}

export type Answer<T> = { readonly is: 'done'; readonly value: T } | Refusal;

/** A reference to a kind: by its singular name, or by its resource's name. */
export interface KindName {
  readonly group: string;
  /** If absent, the version that the server prefers. */
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
  /** Uses the server's discovery, and asks again when a cached answer has proved stale. */
  resolve(name: KindName): Promise<Resolution>;
  get(at: ObjectAddress): Promise<Answer<AnyObject>>;
  /** Returns at most `limit` objects; `isWhole` says whether these are all. */
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
  /** Deletes in the background, and only the object with that UID. `NotFound` if it has gone, `Conflict` if another object has its name. */
  remove(at: ObjectAddress, uid: string): Promise<Answer<undefined>>;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'replace' | 'remove' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

/** Makes a JSON patch fail with a conflict if the object has changed: a `test` would fail as invalid. */
export function unlessChanged(resourceVersion: string): JsonPatchOperation {
  return { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion };
}

/** Escapes one segment of a JSON pointer. */
export function pointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

export const done = <T>(value: T): Answer<T> => ({ is: 'done', value });
