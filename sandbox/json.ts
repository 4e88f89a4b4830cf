/** JSON values that are never changed in place: an unchanged value stays the same object, which makes comparing cheap. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The object, or an empty one for any other value. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The list, or an empty one for any other value. */
export function listOf(value: unknown): readonly unknown[] {
  return isList(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The value at the path, by own keys only. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined;
    found = found[key];
  }
  return found;
}

/** The object with one field changed, or without it if the value is undefined; the same object if nothing changes. */
export function withField(object: JsonObject, key: string, value: unknown): JsonObject {
  if (value === undefined) {
    if (!Object.hasOwn(object, key)) return object;
    const { [key]: _, ...rest } = object;
    return rest;
  }
  return Object.is(object[key], value) && Object.hasOwn(object, key) ? object : { ...object, [key]: value };
}

/** Like `withField`, at a path; missing objects on the way are created, but not in order to remove something. */
export function withPath(object: JsonObject, path: readonly string[], value: unknown): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length === 0) return withField(object, key, value);
  if (value === undefined && !isObject(object[key])) return object;
  return withField(object, key, withPath(objectOf(object[key]), rest, value));
}

/** Whether two values are the same JSON. An absent field and one that is undefined are the same. */
export function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (isList(left)) {
    return isList(right) && left.length === right.length && left.every((item, index) => isSame(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  for (const key of Object.keys(left)) if (!isSame(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
