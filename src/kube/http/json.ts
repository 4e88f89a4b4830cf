/** Reads parsed JSON of unknown shape: each function returns the value in the wanted type, else undefined. */

export type Raw = Readonly<Record<string, unknown>>;

/** `fields` without the keys that could be undefined, which are optional instead. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

export function fields(value: unknown): Raw | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : undefined;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function boolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

export function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

export function strings(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.every((entry) => typeof entry === 'string') ? value : value.filter((entry) => typeof entry === 'string');
}

/** The entries that are objects and for which `read` returns a value. */
export function listOf<T>(value: unknown, read: (entry: Raw) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const entries: T[] = [];
  for (const entry of value) {
    const known = fields(entry);
    const object = known && read(known);
    if (object !== undefined) entries.push(object);
  }
  // An array that has grown keeps spare capacity, three times the size of most lists; its copy does not.
  return entries.slice();
}

/** The map itself if all values are strings, so that labels are not copied; else a copy of the entries that are. */
export function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  return textMapWithout(value, undefined);
}

/** Like `textMap`, but without `dropped`; undefined if nothing else was in it. */
export function textMapWithout(
  value: unknown,
  dropped: string | undefined,
): Readonly<Record<string, string>> | undefined {
  const map = fields(value);
  if (map === undefined) return undefined;
  const entries = Object.entries(map);
  const kept = entries.filter(([key, entry]) => typeof entry === 'string' && key !== dropped);
  if (kept.length === entries.length) return map as Readonly<Record<string, string>>;
  // Object.fromEntries makes `__proto__` a key like any other.
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as Record<string, string>);
}

/** Leaves out the keys whose value is undefined, as `exactOptionalPropertyTypes` requires. */
export function present<T extends object>(values: T): Present<T> {
  const found: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) found[key] = value;
  }
  return found as Present<T>;
}
