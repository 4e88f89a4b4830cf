/**
 * Keeps equal values of many objects once: parsed JSON has a separate string for each mention of a Node's name in a Pod, and a separate
 * list for the tolerations that every Pod has. In a large cluster that is a third of the cached data.
 */
import { text } from '../http/json.ts';

/** There are far fewer distinct values than objects. Beyond this many, sharing starts again. */
const MAX_SHARED = 10_000;

/** Immutable values, by their identity. */
export class Sharing<T> {
  readonly #known = new Map<string, T>();

  /** @returns the value that was made first for this identity. */
  of(identity: string, make: () => T): T {
    const known = this.#known.get(identity);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_SHARED) this.#known.clear();
    const made = make();
    this.#known.set(identity, made);
    return made;
  }
}

const texts = new Sharing<string>();
const structures = new Sharing<unknown>();

/** Like `text()`: for names that many objects contain. */
export function sharedText(value: unknown): string | undefined {
  const own = text(value);
  return own === undefined ? undefined : texts.of(own, () => own);
}

/** Returns the first value that was equal to this one, with keys in the same order. It is a copy: the caller may change its own value. */
export function shared<T>(value: T | undefined): T | undefined {
  if (value === undefined) return undefined;
  const identity = JSON.stringify(value);
  return structures.of(identity, () => JSON.parse(identity)) as T;
}
