/** The schema of custom resources, from their `openAPIV3Schema`. */
import { isObject, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { ANY, type FieldSchema, type Schema, type StructSchema } from '../kinds/schema.ts';
import { builtInType } from '../kinds/types.ts';

/** The schema of the whole object: `metadata` is the usual one, and unknown fields are dropped. */
export function customSchema(openApi: JsonObject): Schema {
  const inner = schemaOf(openApi);
  const known: Readonly<Record<string, Schema>> = {
    apiVersion: { is: 'scalar', type: 'string' },
    kind: { is: 'scalar', type: 'string' },
    metadata: builtInType('meta.v1.ObjectMeta'),
  };
  const struct = inner.is === 'struct' ? inner : structOf(openApi, {}, true);
  return {
    ...struct,
    names: () => [...new Set([...Object.keys(known), ...struct.names()])],
    field: (name) => {
      const schema = Object.hasOwn(known, name) ? known[name] : undefined;
      return schema === undefined ? struct.field(name) : { schema, isRequired: false };
    },
  };
}

function schemaOf(openApi: JsonObject): Schema {
  if (openApi['x-kubernetes-int-or-string'] === true) return { is: 'scalar', type: 'int-or-string' };
  switch (openApi.type) {
    case 'object':
      return objectSchema(openApi);
    case 'array': {
      const kind = openApi['x-kubernetes-list-type'];
      const merges = kind === 'map' || kind === 'set' ? kind : 'atomic';
      const keys = listOf(openApi['x-kubernetes-list-map-keys']).map(textOf);
      return { is: 'list', items: schemaOf(objectOf(openApi.items)), merges, keys };
    }
    default:
      // Validation reports scalars of the wrong type, with 422, and not the decoder.
      return ANY;
  }
}

function objectSchema(openApi: JsonObject): Schema {
  const isAtomic = openApi['x-kubernetes-map-type'] === 'atomic';
  const preserves = openApi['x-kubernetes-preserve-unknown-fields'] === true;
  if (isObject(openApi.additionalProperties) || openApi.additionalProperties === true) {
    return { is: 'map', values: schemaOf(objectOf(openApi.additionalProperties)), isAtomic };
  }
  if (openApi['x-kubernetes-embedded-resource'] === true) return ANY;
  return structOf(openApi, objectOf(openApi.properties), preserves, isAtomic);
}

function structOf(
  openApi: JsonObject,
  properties: JsonObject,
  preservesUnknown: boolean,
  isAtomic = false,
): StructSchema {
  const fields = new Map<string, FieldSchema>();
  const required = listOf(openApi.required);
  const names = Object.keys(properties);
  return {
    is: 'struct',
    name: '',
    names: () => names,
    preservesUnknown,
    isAtomic,
    field: (name) => {
      const known = fields.get(name);
      if (known !== undefined || !Object.hasOwn(properties, name)) return known;
      const made = { schema: schemaOf(objectOf(properties[name])), isRequired: required.includes(name) };
      fields.set(name, made);
      return made;
    },
  };
}
