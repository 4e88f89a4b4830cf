/** JSON merge patch (RFC 7386). */
import { isObject, isSame, type JsonObject } from '../json.ts';

/** The target with the patch applied; unchanged parts stay the same objects. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return isSame(target, patch) ? target : patch;
  const base: JsonObject = isObject(target) ? target : {};
  let result: Record<string, unknown> | undefined;
  for (const key of Object.keys(patch)) {
    const wanted = patch[key];
    if (wanted === undefined) continue;
    const found = Object.hasOwn(base, key) ? base[key] : undefined;
    const merged = wanted === null ? undefined : mergePatch(found, wanted);
    if (merged === found && (merged !== undefined || !Object.hasOwn(base, key))) continue;
    result ??= { ...base };
    if (merged === undefined) delete result[key];
    else define(result, key, merged);
  }
  return result ?? (isObject(target) ? target : base);
}

/** `__proto__` is a key like any other. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
