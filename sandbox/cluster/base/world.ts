/** One API server as the controllers of its simulated cluster see it: mirrors to read, requests that the mirrors learn from, a clock. */
import { keyOf } from '../../../src/core/meta.ts';
import { rfc3339 } from '../../../src/core/timestamps.ts';
import type { Stored } from '../../api.ts';
import {
  ApiError,
  type DeleteOptions,
  type Draft,
  type Reference,
  type SandboxApi,
  type SandboxClock,
} from '../../api.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { EventLog, type EventNote } from './event-log.ts';
import type { Kinds } from './kinds.ts';
import { Mirror } from './mirror.ts';
import type { Reconcile, Work, WorkLoop } from './work-loop.ts';

export class World {
  readonly api: ClusterAccess;
  readonly #clock: SandboxClock;
  readonly #loop: WorkLoop;
  readonly #name: string;
  readonly #mirrors = new Map<string, Mirror<Stored>>();
  readonly #events: EventLog;

  /** @param name distinguishes the controllers of this API server from those of others in the same loop; may be empty. */
  constructor(api: ClusterAccess, clock: SandboxClock, loop: WorkLoop, name = '') {
    this.api = api;
    this.#clock = clock;
    this.#loop = loop;
    this.#name = name;
    this.#events = new EventLog(api, clock);
  }

  nowMs(): number {
    return this.#clock.now();
  }

  /** RFC 3339, whole seconds. */
  now(): string {
    return rfc3339(this.#clock.now());
  }

  /** @param name unique within the world. */
  controller(name: string, reconcile: Reconcile): Work {
    return this.#loop.controller(`${this.#name}${name}`, reconcile);
  }

  mirror<K extends keyof Kinds>(resource: K): Mirror<Kinds[K]> {
    // Each resource has its own mirror, and `Kinds` gives the type to which the API server has validated its objects.
    return this.mirrorOf(resource) as unknown as Mirror<Kinds[K]>;
  }

  /** The objects of any resource; empty while the resource is not served. */
  mirrorOf(resource: string): Mirror<Stored> {
    let mirror = this.#mirrors.get(resource);
    if (mirror === undefined) {
      mirror = new Mirror<Stored>(this.api, resource);
      this.#mirrors.set(resource, mirror);
    }
    return mirror;
  }

  /** The current object, which a pass reads before it writes: nothing else can write in between. */
  fresh<K extends keyof Kinds>(resource: K, key: string): Kinds[K] | undefined {
    this.#refresh(resource, key);
    return this.mirror(resource).get(key);
  }

  create<K extends keyof Kinds>(resource: K, draft: Draft, namespace?: string): Kinds[K] {
    const created = this.api.create(resource, draft, namespace) as Kinds[K];
    this.mirror(resource).learn(created);
    return created;
  }

  /** @returns undefined if an object of that name exists already. */
  createUnlessThere<K extends keyof Kinds>(resource: K, draft: Draft, namespace?: string): Kinds[K] | undefined {
    try {
      return this.create(resource, draft, namespace);
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') return undefined;
      throw error;
    }
  }

  /**
   * A merge patch of the object as it was read.
   *
   * @throws ApiError Conflict if it has changed since.
   */
  patch<T extends Stored>(
    resource: string,
    object: T,
    patch: Readonly<Record<string, unknown>>,
    subresource?: 'status',
  ): void {
    const { resourceVersion } = object.metadata;
    const metadata = { ...(patch.metadata as object | undefined), resourceVersion };
    const reference = referenceTo(resource, object);
    const after = this.api.patch(reference, { ...patch, metadata }, subresource);
    // A deleted object disappears with its last finalizer, which the answer does not show.
    if (after.metadata.deletionTimestamp === undefined) this.mirrorOf(resource).learn(after);
    else this.#refresh(resource, keyOf(object));
  }

  /** Nothing is sent if the status is the same already. */
  patchStatus(resource: string, object: Stored, status: Readonly<Record<string, unknown>>): void {
    const present = (object.status ?? {}) as Readonly<Record<string, unknown>>;
    if (Object.entries(status).every(([key, value]) => isSame(present[key], value))) return;
    this.patch(resource, object, { status }, 'status');
  }

  /** Deletes exactly this object; does nothing if it is gone. */
  delete(resource: string, object: Stored, options: DeleteOptions = {}): void {
    const { uid } = object.metadata;
    try {
      this.api.delete(referenceTo(resource, object), { ...options, preconditions: { uid, ...options.preconditions } });
    } catch (error) {
      // An object with another UID means that this one is gone.
      if (!(error instanceof ApiError && (error.reason === 'NotFound' || error.reason === 'Conflict'))) throw error;
    }
    this.#refresh(resource, keyOf(object));
  }

  bind(pod: Stored, node: string): void {
    const { namespace = '', name } = pod.metadata;
    this.api.bind(namespace, name, node);
    this.#refresh('pods', keyOf(pod));
  }

  /** Finalizes a Namespace, as far as these are the last of its finalizers. */
  finalizeNamespace(name: string, finalizers: readonly string[]): void {
    this.api.finalizeNamespace(name, finalizers);
    this.#refresh('namespaces', name);
  }

  /** @throws ApiError TooManyRequests if a budget does not allow it. */
  evict(pod: Stored): void {
    const { namespace = '', name } = pod.metadata;
    this.api.evict(namespace, name);
    this.#refresh('pods', keyOf(pod));
  }

  /** Records an Event on an object. Equal notes are counted in one Event. */
  record(note: EventNote): void {
    this.#events.record(note);
  }

  stop(): void {
    for (const mirror of this.#mirrors.values()) mirror.stop();
  }

  #refresh(resource: string, key: string): void {
    this.mirrorOf(resource).refresh(key, getServed(this.api, referenceOf(resource, key)));
  }
}

/** A resource that is not served has no objects. */
function getServed(api: SandboxApi, reference: Reference): Stored | undefined {
  try {
    return api.get(reference);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

function referenceOf(resource: string, key: string): Reference {
  const slash = key.indexOf('/');
  if (slash === -1) return { resource, name: key };
  return { resource, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function referenceTo(resource: string, object: Stored): Reference {
  return referenceOf(resource, keyOf(object));
}

/** Compares as JSON does: a field that is undefined is absent, and null stands for the wish that it be absent. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null) return (a ?? undefined) === (b ?? undefined);
  if (typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && a.length !== (b as readonly unknown[]).length) return false;
  const [one, other] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((key) => isSame(one[key], other[key]));
}
