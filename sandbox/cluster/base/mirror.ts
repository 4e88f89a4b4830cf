/**
 * All objects of one resource, as the API server last reported them or as our own requests left them, with indexes.
 *
 * Our own writes are stored from the answer at once, so that the next controller counts them already: no second Pod is created because the
 * watch is a moment behind. A change that arrives later than a newer one is ignored.
 */
import { keyOf } from '../../../src/core/meta.ts';
import type { Change, SandboxApi, Stored } from '../../api.ts';
import { ApiError } from '../../api.ts';

export interface MirrorChange<T> {
  readonly type: Change['type'];
  readonly object: T;
  readonly before?: T;
}

/** The values under which an object is found: one, several or none. */
export type IndexedValues<T> = (object: T) => string | readonly string[] | undefined;

/** Objects by a value that is read of them; each may have none, one or several. */
export class Index<T extends Stored> {
  readonly #valuesOf: (object: T) => readonly string[];
  readonly #entries = new Map<string, Map<string, T>>();

  constructor(read: IndexedValues<T>) {
    this.#valuesOf = (object) => {
      const values = read(object);
      return typeof values === 'string' ? [values] : (values ?? []);
    };
  }

  /** In the order in which they got the value. */
  get(value: string): readonly T[] {
    const found = this.#entries.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  replace(key: string, before: T | undefined, after: T | undefined): void {
    const values = after === undefined ? [] : this.#valuesOf(after);
    for (const value of before === undefined ? [] : this.#valuesOf(before)) {
      if (values.includes(value)) continue;
      const entry = this.#entries.get(value);
      entry?.delete(key);
      if (entry?.size === 0) this.#entries.delete(value);
    }
    if (after === undefined) return;
    for (const value of values) {
      const entry = this.#entries.get(value);
      if (entry === undefined) this.#entries.set(value, new Map([[key, after]]));
      else entry.set(key, after);
    }
  }
}

export class Mirror<T extends Stored> {
  readonly #objects = new Map<string, T>();
  /** UIDs of objects that are known to be gone although the watch has not reported it yet. */
  readonly #gone = new Set<string>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers: ((change: MirrorChange<T>) => void)[] = [];
  readonly #unwatch: () => void;

  constructor(api: SandboxApi, resource: string) {
    // The API server has validated the objects against their kind.
    for (const object of listServed(api, resource)) this.#put(object as T);
    this.#unwatch = api.watch(resource, (change) => this.#hear(change.type, change.object as T));
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** In the order in which they arrived. */
  all(): Iterable<T> {
    return this.#objects.values();
  }

  /** @param name of the index, which must always be used with the same function. */
  index(name: string, valuesOf: IndexedValues<T>): Index<T> {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const index = new Index(valuesOf);
    for (const [key, object] of this.#objects) index.replace(key, undefined, object);
    this.#indexes.set(name, index);
    return index;
  }

  /** Calls `handler` for each existing object, and then for each change, while it is made: it should only take note. */
  onChange(handler: (change: MirrorChange<T>) => void): void {
    this.#handlers.push(handler);
    for (const object of [...this.#objects.values()]) handler({ type: 'ADDED', object });
  }

  /** Stores the answer to a request of our own. */
  learn(object: T): void {
    if (!this.#gone.has(object.metadata.uid)) this.#put(object);
  }

  /** Stores the current object at a key, or its absence. */
  refresh(key: string, object: T | undefined): void {
    const known = this.#objects.get(key);
    if (object !== undefined) this.#put(object);
    else if (known !== undefined) {
      this.#gone.add(known.metadata.uid);
      this.#remove(key, known);
    }
  }

  stop(): void {
    this.#unwatch();
  }

  #hear(type: Change['type'], object: T): void {
    const { uid } = object.metadata;
    if (this.#gone.has(uid)) {
      if (type === 'DELETED') this.#gone.delete(uid);
      return;
    }
    if (type !== 'DELETED') {
      this.#put(object);
      return;
    }
    const key = keyOf(object);
    if (this.#objects.get(key)?.metadata.uid === uid) this.#remove(key, object);
  }

  #put(object: T): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined && Number(before.metadata.resourceVersion) >= Number(object.metadata.resourceVersion)) {
      return;
    }
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) {
      this.#gone.add(before.metadata.uid);
      this.#remove(key, before);
      this.#put(object);
      return;
    }
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.replace(key, before, object);
    this.#tell(before === undefined ? { type: 'ADDED', object } : { type: 'MODIFIED', object, before });
  }

  #remove(key: string, object: T): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.replace(key, before, undefined);
    this.#tell({ type: 'DELETED', object, before });
  }

  #tell(change: MirrorChange<T>): void {
    for (const handler of this.#handlers) handler(change);
  }
}

function listServed(api: SandboxApi, resource: string): readonly Stored[] {
  try {
    return api.list(resource);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return [];
    throw error;
  }
}
