/**
 * Strategic merge patch (apimachinery `strategicpatch`): lists of objects are merged by a key that the kind's schema names.
 * Directives: `$patch: replace|delete|merge`, `$retainKeys`, `$setElementOrder/FIELD`, `$deleteFromPrimitiveList/FIELD`.
 */
import { ApiError } from '../api.ts';
import { isList, isObject, isSame, type JsonObject, listOf, objectOf } from '../json.ts';
import { ANY, type FieldSchema, type Schema } from '../kinds/schema.ts';

const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/** The target with the patch applied; unchanged parts stay the same objects. @throws ApiError 422 */
export function strategicMergePatch(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  return objectOf(mergeObject(target, patch, schema));
}

function mergeObject(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject | undefined {
  const { $patch, $retainKeys, ...fields } = patch;
  if ($patch === 'replace') return fields;
  if ($patch === 'delete') return undefined;
  if ($patch !== undefined && $patch !== 'merge') throw malformed(`Unknown patch type found: ${String($patch)}`);
  let result: Record<string, unknown> = isList($retainKeys) ? retained(target, $retainKeys) : { ...target };
  for (const [key, wanted] of Object.entries(fields)) {
    if (key.startsWith('$')) continue;
    const merged = mergeField(result[key], wanted, fieldOf(schema, key), key, patch);
    if (merged === undefined) delete result[key];
    else result[key] = merged;
  }
  result = withDirectives(result, patch, schema);
  return isSame(result, target) ? target : result;
}

function mergeField(found: unknown, wanted: unknown, field: FieldSchema, key: string, patch: JsonObject): unknown {
  if (wanted === null) return undefined;
  const { schema } = field;
  if (isObject(wanted)) {
    if (schema.is === 'any') return wanted.$patch === undefined ? wanted : mergeObject({}, wanted, ANY);
    return mergeObject(objectOf(found), wanted, schema);
  }
  if (!isList(wanted) || schema.is !== 'list' || !isMerged(field)) return wanted;
  const mergeKey = field.patch?.mergeKey;
  if (mergeKey === undefined) return mergePrimitives(listOf(found), wanted);
  return mergeItems(listOf(found), wanted, schema.items, mergeKey, listOf(patch[`${ORDER}${key}`]));
}

const isMerged = ({ patch }: FieldSchema): boolean => patch?.strategies.includes('merge') === true;

function fieldOf(schema: Schema, key: string): FieldSchema {
  const unknown: FieldSchema = { schema: schema.is === 'map' ? schema.values : ANY, isRequired: false };
  return schema.is === 'struct' ? (schema.field(key) ?? unknown) : unknown;
}

function mergePrimitives(found: readonly unknown[], wanted: readonly unknown[]): readonly unknown[] {
  const others = found.filter((item) => !wanted.includes(item));
  return interleaved(others, [...new Set(wanted)], (item) => found.indexOf(item));
}

/**
 * `mergeSortedSlice` of the server: items of the patch in its order, those that it does not name in theirs; one of these comes
 * first only before an item that it preceded already.
 *
 * @param placeOf the place in the previous list; negative for new items.
 */
function interleaved(
  others: readonly unknown[],
  named: readonly unknown[],
  placeOf: (item: unknown) => number,
): readonly unknown[] {
  const result: unknown[] = [];
  const left = [...others];
  for (const item of named) {
    const place = placeOf(item);
    while (left.length > 0 && place >= 0 && placeOf(left[0]) < place) result.push(left.shift());
    result.push(item);
  }
  return [...result, ...left];
}

function mergeItems(
  found: readonly unknown[],
  wanted: readonly unknown[],
  schema: Schema,
  mergeKey: string,
  order: readonly unknown[],
): readonly unknown[] {
  if (wanted.some((item) => objectOf(item).$patch === 'replace')) {
    return wanted.filter((item) => objectOf(item).$patch !== 'replace');
  }
  const idOf = (item: unknown): unknown => objectOf(item)[mergeKey];
  let result: unknown[] = [...found];
  for (const item of wanted) {
    const id = idOf(item);
    if (!isObject(item) || id === undefined) {
      throw new ApiError(500, '', `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
    }
    if (item.$patch === 'delete') {
      result = result.filter((one) => !isSame(idOf(one), id));
      continue;
    }
    const index = result.findIndex((one) => isSame(idOf(one), id));
    const merged = mergeObject(index === -1 ? {} : objectOf(result[index]), item, schema);
    if (index === -1) result.push(merged);
    else result[index] = merged;
  }
  if (order.length > 0) return inOrder(result, order.map(idOf), idOf);
  const at = (list: readonly unknown[], item: unknown): number =>
    list.findIndex((one) => isSame(idOf(one), idOf(item)));
  const named = result.filter((item) => at(wanted, item) !== -1);
  const others = result.filter((item) => at(wanted, item) === -1);
  return interleaved(
    others,
    named.toSorted((one, other) => at(wanted, one) - at(wanted, other)),
    (item) => at(found, item),
  );
}

/** Items named by the order follow it; the others keep their place relative to the one before them. */
function inOrder(items: readonly unknown[], order: readonly unknown[], idOf: (item: unknown) => unknown): unknown[] {
  const rank = (item: unknown): number => order.findIndex((id) => isSame(id, idOf(item)));
  const named = items.filter((item) => rank(item) !== -1).toSorted((left, right) => rank(left) - rank(right));
  const result = [...named];
  for (const [index, item] of items.entries()) {
    if (rank(item) !== -1) continue;
    const before = items
      .slice(0, index)
      .toReversed()
      .find((one) => result.includes(one));
    result.splice(before === undefined ? 0 : result.indexOf(before) + 1, 0, item);
  }
  return result;
}

function withDirectives(object: JsonObject, patch: JsonObject, schema: Schema): Record<string, unknown> {
  const result: Record<string, unknown> = { ...object };
  for (const [directive, value] of Object.entries(patch)) {
    if (directive.startsWith(DELETE_PRIMITIVES)) {
      const key = directive.slice(DELETE_PRIMITIVES.length);
      if (isList(result[key])) result[key] = listOf(result[key]).filter((item) => !listOf(value).includes(item));
    }
    if (!directive.startsWith(ORDER)) continue;
    const key = directive.slice(ORDER.length);
    const mergeKey = fieldOf(schema, key).patch?.mergeKey;
    const idOf = (item: unknown): unknown => (mergeKey === undefined ? item : objectOf(item)[mergeKey]);
    if (isList(result[key])) result[key] = inOrder(listOf(result[key]), listOf(value).map(idOf), idOf);
  }
  return result;
}

function retained(target: JsonObject, keys: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

/** As Go prints it. */
function goText(value: unknown): string {
  if (isList(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isObject(value)) return value === null ? '<nil>' : String(value);
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

function malformed(why: string): ApiError {
  const causes = [{ reason: 'FieldValueInvalid', message: `Invalid value: ${why}`, field: 'patch' }];
  return new ApiError(422, 'Invalid', ` "" is invalid: patch: Invalid value: ${why}`, { causes });
}
