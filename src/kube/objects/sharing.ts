/**
 * What many objects say alike is kept once: parsed JSON has a string of its own for each name of a Node that a Pod gives, and a
 * list of its own for the tolerations that every Pod has. In a large cluster that is a third of all that the caches hold.
 */
import { text } from '../http/json.ts';

/** Distinct ones are far fewer than objects. Beyond this many, sharing starts anew. */
const MAX_SHARED = 10_000;

/** Values that nobody changes, by what tells them apart. */
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

/** As `text()`: for names that many objects give. */
export function sharedText(value: unknown): string | undefined {
  const own = text(value);
  return own === undefined ? undefined : texts.of(own, () => own);
}

/** Plain data as the first that was written alike, keys in the same order. It is a copy: whoever gave the first may change that. */
export function shared<T>(value: T | undefined): T | undefined {
  if (value === undefined) return undefined;
  const identity = JSON.stringify(value);
  return structures.of(identity, () => JSON.parse(identity)) as T;
}
