/** The objects of one kind, and the changes that led to them. */
import type { Stored } from '../api.ts';

/** One change, with its serialised forms so far: many watches share the text. */
export interface Commit {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: string;
  /** The object after the change; for a deletion its last state, with the deletion's own version. */
  readonly object: Stored;
  readonly before: Stored | undefined;
  /** Form → line. */
  readonly lines: Map<string, string>;
}

/** Receives changes in order, never inside the change itself. */
export type Deliver = (commits: readonly Commit[]) => void;

/** `namespace/name`, or the name alone for cluster-wide kinds: the order of keys is the order of lists, as in etcd. */
export const keyFor = (namespace: string | undefined, name: string): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

export class Collection {
  readonly name: string;
  readonly #items = new Map<string, Stored>();
  /** Sorted. */
  readonly #keys: string[] = [];
  readonly #historySize: number;
  #history: Commit[] = [];
  #compactedAt = 0;

  constructor(name: string, historySize: number) {
    this.name = name;
    this.#historySize = historySize;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Changes up to this version are forgotten: nothing can be watched or read at an older one. */
  get compactedAt(): number {
    return this.#compactedAt;
  }

  get(key: string): Stored | undefined {
    return this.#items.get(key);
  }

  record(commit: Commit): void {
    const { key, object, type } = commit;
    if (type === 'DELETED') {
      this.#items.delete(key);
      this.#keys.splice(this.#indexOf(key), 1);
    } else {
      if (!this.#items.has(key)) this.#keys.splice(this.#indexOf(key), 0, key);
      this.#items.set(key, object);
    }
    this.#history.push(commit);
    // Twice the size, so that copying is rare.
    if (this.#history.length >= 2 * this.#historySize) this.#forget(this.#history.length - this.#historySize);
  }

  /** Forgets all changes up to the version. */
  compact(version: number): void {
    this.#forget(this.#firstAfter(version));
    this.#compactedAt = Math.max(this.#compactedAt, version);
  }

  /** Changes after the version. @returns undefined if they are forgotten. */
  since(version: number): readonly Commit[] | undefined {
    return version < this.#compactedAt ? undefined : this.#history.slice(this.#firstAfter(version));
  }

  /**
   * The current objects, in order of keys: of one Namespace, or of all.
   *
   * @param after the key to start after
   */
  list(namespace?: string, after = ''): Stored[] {
    const found: Stored[] = [];
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    const first = after > prefix ? `${after}\0` : prefix;
    for (let index = this.#indexOf(first); index < this.#keys.length; index += 1) {
      const key = this.#keys[index] ?? '';
      if (!key.startsWith(prefix)) break;
      const object = this.#items.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** The objects at the version, by undoing later changes. @returns undefined if these are forgotten. */
  listAt(version: number, namespace?: string, after = ''): Stored[] | undefined {
    const later = this.since(version);
    if (later === undefined) return undefined;
    if (later.length === 0) return this.list(namespace, after);
    const items = new Map(this.#items);
    for (const { key, before } of later.toReversed()) {
      if (before === undefined) items.delete(key);
      else items.set(key, before);
    }
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    const inScope = [...items].filter(([key]) => key.startsWith(prefix) && key > after);
    return inScope.sort(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object);
  }

  #forget(count: number): void {
    if (count <= 0) return;
    this.#compactedAt = this.#history[count - 1]?.version ?? this.#compactedAt;
    this.#history = this.#history.slice(count);
  }

  #firstAfter(version: number): number {
    return lowerBound(this.#history.length, (index) => (this.#history[index]?.version ?? 0) > version);
  }

  #indexOf(key: string): number {
    return lowerBound(this.#keys.length, (index) => (this.#keys[index] ?? '') >= key);
  }
}

/** The first index for which the claim holds, if it holds for all later ones. */
function lowerBound(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
