/** The store that a reflector fills: objects by key and by declared indexes, with handlers that are called for every change. */
import { keyOf } from '../../core/meta.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Known, Lister, Log, Seen } from '../../core/ports.ts';
import type { Sink } from './reflector.ts';
import type { ChangeType } from './watch-event.ts';

/** Called for changes after the store has them. Must not change the objects; an error is logged and does not propagate. */
export interface Handler<T> {
  onAdd?(object: T): void;
  onUpdate?(old: T, now: T): void;
  /** `missed`: the deletion itself was not seen, and `last` may be older than the object's last state. */
  onDelete?(last: T, how: { readonly missed: boolean }): void;
}

export interface InformerOptions {
  readonly log: Log;
  /** Deeply freezes each object on entry: for tests, so that a reader's modification fails. @default false */
  readonly freeze?: boolean;
  readonly onHandlerError?: (error: unknown) => void;
}

/** Returns the values under which an index finds the object. Must be pure, and must not throw. */
export type IndexFunction<T> = (object: T) => readonly string[];

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  readonly groups: Map<string, Group<T>>;
}

/**
 * The objects under one value of an index. Most values have few objects, and a map for each value would take more memory than the objects.
 */
type Group<T> = readonly T[] | Bucket<T>;

const FEW = 8;

interface Change<T> {
  readonly old: T | undefined;
  readonly now: T | undefined;
  readonly missed: boolean;
}

const HAPPENED = { missed: false } as const;
const MISSED = { missed: true } as const;
const UNKNOWN = { is: 'unknown' } as const;
const ABSENT = { is: 'absent' } as const;

/**
 * The objects of one kind in one cluster, kept by a reflector and read by reconcilers.
 *
 * Until the first complete list everything is `unknown`. From then on the content stays readable whatever happens to the watch: it may be
 * old, but was true once. If an object's name returns with another UID, this is reported as a deletion and an addition. Readers get the
 * objects themselves, not copies.
 */
export class Informer<T extends KubeObject> implements Lister<T>, Sink<T> {
  readonly #options: InformerOptions;
  readonly #objects = new Bucket<T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #firstSync = Promise.withResolvers<void>();
  #handlers: readonly Handler<T>[] = [];
  #synced = false;

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /**
   * Declares an index. Its cost grows with the number of values per object; objects that do not change cost nothing.
   *
   * @throws Error if the store has been filled already, or the name is taken.
   */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#synced) throw new Error(`Cannot add index '${name}' to a store that is filled`);
    if (this.#indexes.has(name)) throw new Error(`There is an index '${name}' already`);
    this.#indexes.set(name, { valuesOf, groups: new Map() });
  }

  /**
   * Adds a handler, whose `onAdd` is called at once for every cached object.
   *
   * @returns a function that removes it again.
   */
  addHandler(handler: Handler<T>): () => void {
    this.#handlers = [...this.#handlers, handler];
    if (this.#synced) {
      for (const object of this.#objects.snapshot())
        this.#tell(handler, { old: undefined, now: object, missed: false });
    }
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler);
    };
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves after the first complete list has been stored and handed to the handlers; never rejects. */
  whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** How many objects there are; 0 before the first sync. */
  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Seen<T> {
    if (!this.#synced) return UNKNOWN;
    const object = this.#objects.get(key);
    return object === undefined ? ABSENT : { is: 'present', object };
  }

  /** All objects, as an array that later changes do not affect. */
  list(): Known<readonly T[]> {
    return this.#synced ? { is: 'known', value: this.#objects.snapshot() } : UNKNOWN;
  }

  /** Like `list`, for one value of an index; returns the same array until one of these objects changes. */
  byIndex(index: string, value: string): Known<readonly T[]> {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`There is no index '${index}'`);
    if (!this.#synced) return UNKNOWN;
    const group = found.groups.get(value) ?? [];
    return { is: 'known', value: group instanceof Bucket ? group.snapshot() : group };
  }

  /** Takes over a complete list. Handlers are called for the differences, once the store and all indexes match the list. */
  replace(objects: readonly T[]): void {
    const changes: Change<T>[] = [];
    const listed = new Set<string>();
    for (const object of objects) {
      listed.add(keyOf(object));
      this.#put(object, changes);
    }
    for (const [key, old] of this.#objects.entries()) {
      if (!listed.has(key)) this.#remove(key, old, old, true, changes);
    }
    this.#synced = true;
    this.#announce(changes);
    this.#firstSync.resolve();
  }

  /** Takes over one event. An object that is stored in the same version already changes nothing. */
  apply(type: ChangeType, object: T): void {
    const changes: Change<T>[] = [];
    if (type === 'DELETED') {
      const key = keyOf(object);
      const old = this.#objects.get(key);
      if (old !== undefined) this.#remove(key, old, object, false, changes);
    } else {
      this.#put(object, changes);
    }
    this.#announce(changes);
  }

  #put(object: T, changes: Change<T>[]): void {
    const key = keyOf(object);
    let old = this.#objects.get(key);
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) {
      this.#remove(key, old, old, true, changes);
      old = undefined;
    }
    if (old?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (this.#options.freeze === true) deepFreeze(object);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) moveInIndex(index, key, old, object);
    changes.push({ old, now: object, missed: false });
  }

  /** @param last the object that handlers get: the one in the event is newer than the stored one. */
  #remove(key: string, stored: T, last: T, missed: boolean, changes: Change<T>[]): void {
    if (this.#options.freeze === true) deepFreeze(last);
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) moveInIndex(index, key, stored, undefined);
    changes.push({ old: last, now: undefined, missed });
  }

  #announce(changes: readonly Change<T>[]): void {
    // A handler that is added meanwhile gets the present state by itself.
    const handlers = this.#handlers;
    for (const change of changes) {
      for (const handler of handlers) {
        if (this.#handlers.includes(handler)) this.#tell(handler, change);
      }
    }
  }

  #tell(handler: Handler<T>, { old, now, missed }: Change<T>): void {
    try {
      if (now === undefined) {
        if (old !== undefined) handler.onDelete?.(old, missed ? MISSED : HAPPENED);
      } else if (old === undefined) handler.onAdd?.(now);
      else handler.onUpdate?.(old, now);
    } catch (error) {
      const object = now ?? old;
      this.#options.log.error('Handler failed', { key: object === undefined ? '' : keyOf(object), err: error });
      this.#options.onHandlerError?.(error);
    }
  }
}

/** Objects by key, and an array of them that is made on demand and kept until something changes. */
class Bucket<T> {
  readonly #members = new Map<string, T>();
  #snapshot: readonly T[] | undefined;

  get size(): number {
    return this.#members.size;
  }

  get(key: string): T | undefined {
    return this.#members.get(key);
  }

  /** Deleting the current entry while iterating is safe. */
  entries(): Iterable<[string, T]> {
    return this.#members.entries();
  }

  snapshot(): readonly T[] {
    this.#snapshot ??= [...this.#members.values()];
    return this.#snapshot;
  }

  set(key: string, object: T): void {
    this.#members.set(key, object);
    this.#snapshot = undefined;
  }

  delete(key: string): void {
    this.#members.delete(key);
    this.#snapshot = undefined;
  }
}

function moveInIndex<T extends KubeObject>(
  { valuesOf, groups }: Index<T>,
  key: string,
  old: T | undefined,
  now: T | undefined,
): void {
  const values = now === undefined ? [] : valuesOf(now);
  if (old !== undefined) {
    for (const value of valuesOf(old)) {
      if (!values.includes(value)) setGroup(groups, value, withChange(groups.get(value), key, old, undefined));
    }
  }
  for (const value of values) setGroup(groups, value, withChange(groups.get(value), key, old, now));
}

function setGroup<T>(groups: Map<string, Group<T>>, value: string, group: Group<T>): void {
  if ((group instanceof Bucket ? group.size : group.length) === 0) groups.delete(value);
  else groups.set(value, group);
}

/** The group after `now` has replaced `old`, which need not be in it; a small group becomes a new array. */
function withChange<T extends KubeObject>(
  group: Group<T> = [],
  key: string,
  old: T | undefined,
  now: T | undefined,
): Group<T> {
  if (group instanceof Bucket) {
    if (now === undefined) group.delete(key);
    else group.set(key, now);
    return group;
  }
  // An index function may return one value twice.
  const others = group.filter((each) => each !== old && each !== now);
  if (now === undefined) return others;
  if (others.length < FEW) return [...others, now];
  const bucket = new Bucket<T>();
  for (const each of [...others, now]) bucket.set(keyOf(each), each);
  return bucket;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
