/** Defaults of custom resources: the `default` values of their schema, from the outside in. */
import { isList, isObject, type JsonObject, objectOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';

/** The object with the defaults of its schema; the same object if nothing was missing. */
export function withCustomDefaults({ custom }: Resource, object: JsonObject): JsonObject {
  return custom === undefined ? object : objectOf(fill(custom.openApi, object));
}

function fill(schema: JsonObject, value: unknown): unknown {
  if (isList(value) && isObject(schema.items)) {
    const items = value.map((item) => fill(objectOf(schema.items), item));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  let result = value;
  for (const [key, property] of Object.entries(objectOf(schema.properties))) {
    const found = Object.hasOwn(result, key) ? result[key] : undefined;
    const filled = fill(objectOf(property), found === undefined ? objectOf(property).default : found);
    if (filled !== found) result = { ...result, [key]: filled };
  }
  if (!isObject(schema.additionalProperties)) return result;
  for (const [key, found] of Object.entries(result)) {
    if (Object.hasOwn(objectOf(schema.properties), key)) continue;
    const filled = fill(schema.additionalProperties, found);
    if (filled !== found) result = { ...result, [key]: filled };
  }
  return result;
}
