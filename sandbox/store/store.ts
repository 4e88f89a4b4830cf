/**
 * All objects and their history, under one counter of versions, like in etcd.
 *
 * Watches are notified after the change, in batches: a change never runs a watcher's code.
 */
import { setImmediate } from 'node:timers';
import { ApiError, type Stored } from '../api.ts';
import { Collection, type Commit, type Deliver } from './collection.ts';

export interface StoreOptions {
  /** How many changes each collection remembers, at least. @default 5000 */
  readonly historySize?: number;
  /** @default 200_000 */
  readonly maxObjects?: number;
  /** Called inside each change, after it. Must not change anything itself. */
  readonly onCommit?: (collection: string, commit: Commit) => void;
}

interface Watcher {
  /** Changes up to this version are skipped. */
  readonly after: number;
  readonly deliver: Deliver;
}

export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #historySize: number;
  readonly #maxObjects: number;
  readonly #onCommit: NonNullable<StoreOptions['onCommit']>;
  #pending: { readonly collection: string; readonly commit: Commit }[] = [];
  #isScheduled = false;
  #version = 1;
  #objects = 0;

  constructor({ historySize = 5000, maxObjects = 200_000, onCommit = () => {} }: StoreOptions = {}) {
    this.#historySize = historySize;
    this.#maxObjects = maxObjects;
    this.#onCommit = onCommit;
  }

  /** The version of the last change to any object. */
  get version(): number {
    return this.#version;
  }

  get objects(): number {
    return this.#objects;
  }

  collection(name: string): Collection {
    const known = this.#collections.get(name);
    if (known !== undefined) return known;
    const made = new Collection(name, this.#historySize);
    this.#collections.set(name, made);
    return made;
  }

  /**
   * Stores an object under the next version, replacing an existing one.
   *
   * @throws ApiError 500 if there are too many objects, as etcd does when its quota is used up.
   */
  put(collection: Collection, key: string, object: Stored): Stored {
    const before = collection.get(key);
    if (before === undefined && this.#objects >= this.#maxObjects) {
      throw new ApiError(500, 'InternalError', 'etcdserver: mvcc: database space exceeded');
    }
    if (before === undefined) this.#objects += 1;
    return this.#commit(collection, before === undefined ? 'ADDED' : 'MODIFIED', key, object, before);
  }

  /** Removes the object. Watches receive `last`. */
  remove(collection: Collection, key: string, last: Stored): Stored {
    this.#objects -= 1;
    return this.#commit(collection, 'DELETED', key, last, collection.get(key));
  }

  /** Forgets the history of all collections: older versions are answered with 410 from now on. */
  compact(): void {
    this.#flush();
    for (const collection of this.#collections.values()) collection.compact(this.#version);
  }

  /** Delivers changes after the version, which must not be older than the history. @returns a function that stops this. */
  follow(collection: Collection, after: number, deliver: Deliver): () => void {
    const missed = collection.since(after) ?? [];
    const watcher: Watcher = { after: this.#version, deliver };
    const all = this.#watchers.get(collection.name) ?? new Set();
    this.#watchers.set(collection.name, all.add(watcher));
    if (missed.length > 0) deliver(missed);
    return () => all.delete(watcher);
  }

  #commit(
    collection: Collection,
    type: Commit['type'],
    key: string,
    object: Stored,
    before: Stored | undefined,
  ): Stored {
    this.#version += 1;
    const resourceVersion = String(this.#version);
    const stored: Stored = { ...object, metadata: { ...object.metadata, resourceVersion } };
    const commit: Commit = { version: this.#version, type, key, object: stored, before, lines: new Map() };
    collection.record(commit);
    this.#onCommit(collection.name, commit);
    if ((this.#watchers.get(collection.name)?.size ?? 0) > 0) {
      this.#pending.push({ collection: collection.name, commit });
      this.#schedule();
    }
    return stored;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    const batches = Map.groupBy(pending, ({ collection }) => collection);
    for (const [name, batch] of batches) {
      const commits = batch.map(({ commit }) => commit);
      for (const { after, deliver } of this.#watchers.get(name) ?? []) {
        const first = commits[0]?.version ?? 0;
        deliver(first > after ? commits : commits.filter(({ version }) => version > after));
      }
    }
  }
}
