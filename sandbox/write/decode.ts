/**
 * Reads an object by its kind's schema, like the API server's decoder: unknown fields are dropped, wrong types are refused,
 * `null` counts as absent except in maps, and empty values are omitted where Go would omit them.
 */
import { ApiError } from '../api.ts';
import { badRequest } from '../errors.ts';
import { isList, isObject, type JsonObject } from '../json.ts';
import { canonicalQuantity } from '../kinds/canonical-quantity.ts';
import type { Resource } from '../kinds/resource.ts';
import { apiVersionOf } from '../kinds/resource.ts';
import { ANY, type FieldSchema, type ScalarSchema, type Schema } from '../kinds/schema.ts';

/** What happens to fields that the kind does not have (`fieldValidation` of the request). */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface Decoded {
  /** The same object if nothing was dropped. */
  readonly object: JsonObject;
  /** Paths of the dropped fields. */
  readonly unknown: readonly string[];
}

interface Walk {
  readonly unknown: string[];
  /** Go's name of the nearest struct. */
  readonly owner: string;
  /** Wrong types are left to the validation by the kind's own schema. */
  readonly isCustom: boolean;
  readonly isLiteral: boolean;
}

/**
 * @param isLiteral leaves empty values, and quantities, as they are: server-side apply compares the sent values.
 * @throws ApiError 400 if a value has the wrong type
 */
export function decode(resource: Resource, object: JsonObject, isLiteral = false): Decoded {
  const unknown: string[] = [];
  try {
    const read = walk(resource.schema, object, '', {
      unknown,
      owner: resource.kind,
      isCustom: resource.custom !== undefined,
      isLiteral,
    });
    return { object: isObject(read) ? read : {}, unknown };
  } catch (error) {
    if (!(error instanceof WrongType)) throw error;
    throw new DecodeError(resource, error.message);
  }
}

/** @throws ApiError 400 that names every field that the kind does not have */
export function refuseUnknown({ unknown }: Decoded, resource: Resource): void {
  if (unknown.length === 0) return;
  const faults = unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ');
  throw new DecodeError(resource, `strict decoding error: ${faults}`);
}

/** Checks that the object's kind matches the resource. @throws ApiError 400 otherwise */
export function checkKind(resource: Resource, object: JsonObject): void {
  const { apiVersion, kind } = object;
  const wanted = apiVersionOf(resource);
  const isWrongKind = typeof kind === 'string' && kind !== '' && kind !== resource.kind;
  const isWrongVersion = typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== wanted;
  if (!isWrongKind && !isWrongVersion) return;
  const [found, version] = [String(kind ?? resource.kind), String(apiVersion ?? wanted)];
  throw badRequest(
    isWrongVersion
      ? `the API version in the data (${version}) does not match the expected API version (${wanted})`
      : `${found} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}: no kind ${JSON.stringify(found)} is known there`,
  );
}

/** An object that cannot be read as its kind; a PATCH reports this differently than a POST. */
export class DecodeError extends ApiError {
  /** The error, in the form of the decoder's message. */
  readonly why: string;

  constructor({ kind, version }: Resource, why: string) {
    super(400, 'BadRequest', `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
    this.why = why;
  }
}

class WrongType extends Error {}

function walk(schema: Schema, value: unknown, path: string, state: Walk): unknown {
  if (value === null || value === undefined) return undefined;
  switch (schema.is) {
    case 'any':
      return value;
    case 'scalar':
      return scalar(schema, value, path, state);
    case 'list': {
      if (!isList(value)) return refuse(value, path, '[]', state);
      const items = value.map((item, index) => walk(schema.items, item, `${path}[${index}]`, state) ?? null);
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    case 'map':
      if (!isObject(value)) return refuse(value, path, 'map', state);
      return walkFields(withZeros(value, schema.values, state), () => ({ schema: schema.values }), path, state);
    case 'struct': {
      if (!isObject(value)) return refuse(value, path, schema.name, state);
      const inside = schema.name === '' ? state : { ...state, owner: schema.name.split('.').at(-1) ?? '' };
      const fieldOf = (key: string): Field | undefined =>
        schema.field(key) ?? (schema.preservesUnknown ? { schema: ANY } : undefined);
      return walkFields(value, fieldOf, path, inside);
    }
  }
}

/** In a map of Go, `null` is a key with the zero value of its type. */
function withZeros(map: JsonObject, values: Schema, { isCustom }: Walk): JsonObject {
  if (isCustom || values.is !== 'scalar' || !Object.values(map).includes(null)) return map;
  const zero = values.type === 'quantity' ? '0' : '';
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? zero]));
}

type Field = Pick<FieldSchema, 'schema' | 'omitsEmpty'>;

function walkFields(value: JsonObject, fieldOf: (key: string) => Field | undefined, path: string, state: Walk) {
  let result: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const field = fieldOf(key);
    const inside = path === '' ? key : `${path}.${key}`;
    if (field === undefined) state.unknown.push(inside);
    const found = field === undefined ? undefined : walk(field.schema, value[key], inside, state);
    const read = !state.isLiteral && field?.omitsEmpty === true && isEmpty(field.schema, found) ? undefined : found;
    if (read === value[key]) continue;
    result ??= { ...value };
    if (read === undefined) delete result[key];
    else result[key] = read;
  }
  return result ?? value;
}

function isEmpty(schema: Schema, value: unknown): boolean {
  switch (schema.is) {
    case 'list':
      return isList(value) && value.length === 0;
    case 'map':
      return isObject(value) && Object.keys(value).length === 0;
    case 'scalar':
      return value === '' || value === false || (value === 0 && schema.type !== 'int-or-string');
    default:
      return false;
  }
}

function scalar({ type, format }: ScalarSchema, value: unknown, path: string, state: Walk): unknown {
  switch (type) {
    case 'string':
      if (typeof value === 'string') return format === 'date-time' ? time(value, path, state) : value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'integer':
      if (Number.isInteger(value)) return value;
      break;
    case 'number':
      if (typeof value === 'number') return value;
      break;
    case 'int-or-string':
      if (typeof value === 'string' || Number.isInteger(value)) return value;
      break;
    case 'quantity':
      if (typeof value !== 'string' && typeof value !== 'number') break;
      return state.isLiteral ? String(value) : canonicalQuantity(String(value));
  }
  return refuse(value, path, format ?? (type === 'boolean' ? 'bool' : type), state);
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function time(value: string, path: string, { isCustom }: Walk): string {
  const isOwn = isCustom && !path.startsWith('metadata.');
  if (value === '' || isOwn || (RFC3339.test(value) && !Number.isNaN(Date.parse(value)))) return value;
  throw new WrongType(`parsing time ${JSON.stringify(JSON.stringify(value))} as "2006-01-02T15:04:05Z07:00"`);
}

function refuse(value: unknown, path: string, wanted: string, { owner, isCustom }: Walk): unknown {
  const isMetadata = path === 'metadata' || path.startsWith('metadata.');
  if (isCustom && !isMetadata) return value;
  const found = isList(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const field = path.replaceAll(/\[\d+\]/g, '');
  throw new WrongType(`json: cannot unmarshal ${found} into Go struct field ${owner}.${field} of type ${wanted}`);
}
