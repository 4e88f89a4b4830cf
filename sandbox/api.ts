/**
 * The sandbox's API server as the controllers of its simulated cluster use it, in the same process: the same rules as over HTTP
 * (validation, conflicts, finalizers, defaulting), without HTTP.
 */
import type { OwnerReference as ControllerReference } from '../src/core/objects.ts';

/** A Kubernetes object as JSON. Objects that are handed out are never changed afterwards, and their receivers must not change them. */
export interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
  readonly [field: string]: unknown;
}

export interface StoredMeta {
  readonly name: string;
  /** Absent for cluster-wide kinds. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

export interface OwnerReference extends ControllerReference {
  readonly blockOwnerDeletion?: boolean;
}

/** An object to be created: metadata as a client sends them. */
export interface Draft {
  readonly metadata: { readonly name?: string; readonly generateName?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** `pods`, `deployments.apps`, `machines.cluster.x-k8s.io`: the plural, and the group unless it is the core one. */
export type ResourceName = string;

/** Names an object. */
export interface Reference {
  readonly resource: ResourceName;
  /** Absent for cluster-wide kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The object after the change; for a deletion, its last state. */
  readonly object: Stored;
  /** The object before the change; absent for ADDED. */
  readonly before?: Stored;
}

export interface DeleteOptions {
  /** @default 'Background'; for Jobs and ReplicationControllers 'Orphan', since they are older than garbage collection */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Pods only. @default the Pod's own */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** A refused request, as HTTP clients would see it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status code. */
  readonly code: number;
  /** The reason in the `Status` object: `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `TooManyRequests`, … */
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** All methods are synchronous and take effect before they return. They throw `ApiError` with the answer of the HTTP API. */
export interface SandboxApi {
  get(reference: Reference): Stored | undefined;
  /** In order of namespace and name. @throws ApiError NotFound if the resource is not served (yet: it may be defined by a CRD) */
  list(resource: ResourceName, namespace?: string): readonly Stored[];
  create(resource: ResourceName, draft: Draft, namespace?: string): Stored;
  /**
   * A merge patch (RFC 7386) of the object, or only of its status subresource. With `resourceVersion` in the patch's metadata, the patch
   * fails with a conflict if the object has changed in the meantime. A patch that changes nothing leaves the resourceVersion as it is.
   */
  patch(reference: Reference, patch: Readonly<Record<string, unknown>>, subresource?: 'status'): Stored;
  delete(reference: Reference, options?: DeleteOptions): void;
  /** Like `POST pods/NAME/eviction`: checks budgets. @throws ApiError 429 with cause DisruptionBudget, as the API server does */
  evict(namespace: string, name: string): void;
  /**
   * Calls `handler` for each existing object (as ADDED) and then for each change, in order and never inside the call that makes the change.
   * A resource that is not served yet yields its objects once it is.
   *
   * @returns a function that ends the watch.
   */
  watch(resource: ResourceName, handler: (change: Change) => void): () => void;
}

/** The time of a sandbox: real by default; tests may step it. */
export interface SandboxClock {
  now(): number;
  /** @returns a function that cancels it. */
  setTimeout(callback: () => void, ms: number): () => void;
}
