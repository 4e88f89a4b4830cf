/** Validates custom resources against their `openAPIV3Schema`. */
import { type Cause, invalidValue, notSupported, required } from '../errors.ts';
import { at, isList, isObject, isSame, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';

/** All faults according to the schema; none for built-in kinds. */
export function validateCustom({ custom }: Resource, object: JsonObject): readonly Cause[] {
  if (custom === undefined) return [];
  const { metadata: _, ...properties } = objectOf(custom.openApi.properties);
  const causes: Cause[] = [];
  check({ ...custom.openApi, properties }, object, '', causes);
  return causes;
}

function check(schema: JsonObject, value: unknown, path: string, causes: Cause[]): void {
  if (value === null && schema.nullable === true) return;
  if (!hasType(schema, value)) {
    causes.push({
      reason: 'FieldValueTypeInvalid',
      field: path,
      message: `Invalid value: ${JSON.stringify(typeNameOf(value))}: ${path} in body must be of type ${textOf(schema.type)}: ${JSON.stringify(typeNameOf(value))}`,
    });
    return;
  }
  if (isList(schema.enum) && !schema.enum.some((one) => isSame(one, value))) {
    causes.push(notSupported(path, value, schema.enum.map(String)));
  }
  causes.push(...boundCauses(schema, value, path));
  if (isObject(value)) checkFields(schema, value, path, causes);
  if (isList(value)) checkItems(schema, value, path, causes);
  for (const part of listOf(schema.allOf)) check({ type: schema.type, ...objectOf(part) }, value, path, causes);
}

function checkFields(schema: JsonObject, value: JsonObject, path: string, causes: Cause[]): void {
  const inside = (key: string): string => (path === '' ? key : `${path}.${key}`);
  for (const key of listOf(schema.required).map(textOf)) {
    if (value[key] === undefined) causes.push(required(inside(key)));
  }
  const properties = objectOf(schema.properties);
  const others = isObject(schema.additionalProperties) ? schema.additionalProperties : undefined;
  for (const [key, found] of Object.entries(value)) {
    const known = at(properties, key) ?? others;
    if (isObject(known)) check(known, found, inside(key), causes);
  }
}

function checkItems(schema: JsonObject, value: readonly unknown[], path: string, causes: Cause[]): void {
  if (isObject(schema.items)) {
    const { items } = schema;
    value.forEach((item, index) => {
      check(objectOf(items), item, `${path}[${index}]`, causes);
    });
  }
  const keys = listOf(schema['x-kubernetes-list-map-keys']).map(textOf);
  const isSet = schema['x-kubernetes-list-type'] === 'set';
  if (keys.length === 0 && !isSet) return;
  const seen: unknown[] = [];
  value.forEach((item, index) => {
    const id = isSet ? item : Object.fromEntries(keys.map((key) => [key, objectOf(item)[key]]));
    if (seen.some((one) => isSame(one, id))) {
      const field = `${path}[${index}]`;
      causes.push({ reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(id)}` });
    }
    seen.push(id);
  });
}

function boundCauses(schema: JsonObject, value: unknown, path: string): Cause[] {
  const fault = (detail: string): Cause => invalidValue(path, value, `${path} in body ${detail}`);
  const causes: Cause[] = [];
  if (typeof value === 'number') {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
    const [least, most] = [numberOf(minimum), numberOf(maximum)];
    if (least !== undefined && (exclusiveMinimum === true ? value <= least : value < least)) {
      causes.push(fault(`should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${least}`));
    }
    if (most !== undefined && (exclusiveMaximum === true ? value >= most : value > most)) {
      causes.push(fault(`should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${most}`));
    }
  }
  if (typeof value === 'string') {
    const [least, most] = [numberOf(schema.minLength), numberOf(schema.maxLength)];
    if (least !== undefined && value.length < least) causes.push(fault(`should be at least ${least} chars long`));
    if (most !== undefined && value.length > most) {
      causes.push({
        reason: 'FieldValueTooLong',
        field: path,
        message: `Too long: may not be more than ${most} bytes`,
      });
    }
    const pattern = patternOf(schema.pattern);
    if (pattern !== undefined && !pattern.test(value)) causes.push(fault(`should match '${textOf(schema.pattern)}'`));
  }
  if (isList(value)) {
    const [least, most] = [numberOf(schema.minItems), numberOf(schema.maxItems)];
    if (least !== undefined && value.length < least) causes.push(fault(`should have at least ${least} items`));
    if (most !== undefined && value.length > most) {
      causes.push({
        reason: 'FieldValueTooMany',
        field: path,
        message: `Too many: ${value.length}: must have at most ${most} items`,
      });
    }
  }
  return causes;
}

/** Go's and JavaScript's expressions differ; one that is not valid here is not checked. */
function patternOf(pattern: unknown): RegExp | undefined {
  if (typeof pattern !== 'string') return undefined;
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}

function hasType(schema: JsonObject, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value);
  switch (schema.type) {
    case 'object':
      return isObject(value);
    case 'array':
      return isList(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    default:
      return true;
  }
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
