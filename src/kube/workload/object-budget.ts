/** Limits how much of one workload cluster's objects is kept for a drain: its owner must not be able to fill our memory. */
import type { KubeObject } from '../../core/objects.ts';

/** Measured on the kept part, as JSON: enough for some twenty thousand Pods with their owners, budgets and Nodes. */
const MAX_BYTES = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

/** Shared by the caches of one cluster. */
export class ObjectBudget {
  readonly #maxBytes: number;
  readonly #sizes = new WeakMap<KubeObject, number>();
  /** By kind: the list that is being read, page by page. */
  readonly #listing = new Map<string, { readonly counted: number; readonly bytes: number }>();
  #kept = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  added(object: KubeObject): void {
    this.#kept += this.#sizeOf(object);
  }

  removed(object: KubeObject): void {
    this.#kept -= this.#sizeOf(object);
  }

  /** Describes the exceeded limit, with the figure; undefined within the limit. */
  excess(): string | undefined {
    return this.#kept > this.#maxBytes ? this.#describe() : undefined;
  }

  /** Judges a list of a kind that is not complete yet; see `ReflectorOptions.excessOf`. */
  judgeOf(
    kind: string,
  ): (listed: { readonly pages: number; readonly objects: readonly KubeObject[] }) => string | undefined {
    return ({ pages, objects }) => {
      const before = pages === 1 ? undefined : this.#listing.get(kind);
      const more = objects.slice(before?.counted ?? 0).reduce((sum, object) => sum + this.#sizeOf(object), 0);
      const bytes = (before?.bytes ?? 0) + more;
      this.#listing.set(kind, { counted: objects.length, bytes });
      const all = [...this.#listing.values()].reduce((sum, each) => sum + each.bytes, 0);
      return all > this.#maxBytes ? this.#describe() : undefined;
    };
  }

  #sizeOf(object: KubeObject): number {
    const known = this.#sizes.get(object);
    if (known !== undefined) return known;
    const size = JSON.stringify(object).length;
    this.#sizes.set(object, size);
    return size;
  }

  #describe(): string {
    return `what a drain has to know of its objects takes more than ${Math.round(this.#maxBytes / MIB)} MiB`;
  }
}
