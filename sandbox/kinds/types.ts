/**
 * The types of the built-in kinds. `types.json` is an extract of the real API server's OpenAPI document; see
 * `harness/conformance/api-types.ts`, which generates it and compares it with a real server. A field reads
 *
 *     [core.v1.Container]! patch=merge(name) list=map(name)
 *
 * a list (`{…}`: a map) of a type or of `string`, `integer:int32`, …; `!` if it is required; then how strategic merge patches
 * and server-side apply treat it.
 */
import type { FieldSchema, ListSchema, ScalarSchema, Schema, StructSchema } from './schema.ts';
import { ANY } from './schema.ts';
import data from './types.json' with { type: 'json' };

export type TypeData = string | Readonly<Record<string, string>>;

export const TYPES: ReadonlyMap<string, TypeData> = new Map<string, TypeData>(Object.entries(data));
const compiled = new Map<string, Schema>();

const SCALARS: Readonly<Record<string, Schema>> = {
  string: { is: 'scalar', type: 'string' },
  boolean: { is: 'scalar', type: 'boolean' },
  integer: { is: 'scalar', type: 'integer' },
  number: { is: 'scalar', type: 'number' },
  'api.resource.Quantity': { is: 'scalar', type: 'quantity' },
  'util.intstr.IntOrString': { is: 'scalar', type: 'int-or-string' },
  any: ANY,
  object: ANY,
};

/** Optional fields whose Go `json` tag has no `omitempty`, so that they are present even if they are empty. */
const WRITTEN_EMPTY: Readonly<Record<string, readonly string[]>> = {
  'apps.v1.StatefulSetOrdinals': ['start'],
  'apps.v1.StatefulSetSpec': ['serviceName'],
  'apps.v1.StatefulSetStatus': ['availableReplicas'],
  'authentication.v1.TokenRequestSpec': ['audiences'],
  'core.v1.ContainerImage': ['names'],
  'core.v1.Event': ['reportingComponent', 'reportingInstance'],
  'core.v1.ProjectedVolumeSource': ['sources'],
  'policy.v1.PodDisruptionBudgetStatus': ['currentHealthy', 'desiredHealthy', 'disruptionsAllowed', 'expectedPods'],
  'rbac.v1.ClusterRole': ['rules'],
  'rbac.v1.Role': ['rules'],
  'rbac.v1.RoleRef': ['apiGroup'],
  'scheduling.v1.PriorityClass': ['value'],
  'storage.v1.CSINodeDriver': ['topologyKeys'],
};

/** The fields of a type in `types.json`; undefined if it is not a struct. */
export function fieldsOfType(name: string): Readonly<Record<string, string>> | undefined {
  const found = TYPES.get(name);
  return typeof found === 'object' ? found : undefined;
}

/** The JSON type of a type that is not a struct: `string:date-time`, `object`. */
export function scalarText(name: string): string {
  const found = TYPES.get(name);
  return typeof found === 'string' ? found : 'any';
}

/**
 * The schema of a built-in type such as `core.v1.Pod`.
 *
 * @throws Error if there is no type of that name.
 */
export function builtInType(name: string): Schema {
  const known = SCALARS[name] ?? compiled.get(name);
  if (known !== undefined) return known;
  const found = TYPES.get(name);
  if (found === undefined && !/^(string|integer|number)(:|$)/.test(name)) throw new Error(`There is no type ${name}`);
  const schema = typeof found === 'object' ? structOf(name, found) : scalarOf(found ?? name);
  compiled.set(name, schema);
  return schema;
}

function scalarOf(text: string): Schema {
  const [type = '', format] = text.split(':');
  const plain = SCALARS[type] ?? ANY;
  return plain.is === 'scalar' && format !== undefined ? ({ ...plain, format } satisfies ScalarSchema) : plain;
}

function structOf(name: string, data: Readonly<Record<string, string>>): StructSchema {
  const fields = new Map<string, FieldSchema>();
  const names = Object.keys(data).filter((field) => field !== '');
  return {
    is: 'struct',
    name,
    names: () => names,
    preservesUnknown: false,
    isAtomic: data['']?.includes('map=atomic') ?? false,
    field: (field) => {
      const known = fields.get(field);
      if (known !== undefined) return known;
      const text = field !== '' && Object.hasOwn(data, field) ? data[field] : undefined;
      if (text === undefined) return undefined;
      const made = fieldOf(text, WRITTEN_EMPTY[name]?.includes(field) ?? false);
      fields.set(field, made);
      return made;
    },
  };
}

function fieldOf(text: string, isWrittenEmpty: boolean): FieldSchema {
  const [type = '', ...marks] = text.split(' ');
  const mark = (name: string): string | undefined =>
    marks.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const patch = /^([\w,]+)(?:\((\w+)\))?$/.exec(mark('patch') ?? '');
  return {
    isRequired: type.endsWith('!'),
    // A number without a question mark is not a pointer, which alone could distinguish zero from absent.
    omitsEmpty: !isWrittenEmpty && !type.endsWith('!') && /#[\d.]+$/.test(text),
    schema: typeOf(type.replace(/!$/, ''), mark('list'), mark('map') === 'atomic'),
    patch: patch === null ? undefined : { strategies: (patch[1] ?? '').split(','), mergeKey: patch[2] },
  };
}

function typeOf(type: string, list: string | undefined, isAtomicMap: boolean): Schema {
  if (type.startsWith('{')) return { is: 'map', values: builtInType(type.slice(1, -1)), isAtomic: isAtomicMap };
  if (!type.startsWith('[')) {
    const schema = builtInType(type);
    return schema.is === 'struct' && isAtomicMap ? { ...schema, isAtomic: true } : schema;
  }
  const found = /^(\w+)(?:\(([\w,]+)\))?$/.exec(list ?? '');
  const merges = found?.[1] === 'map' || found?.[1] === 'set' ? found[1] : 'atomic';
  return {
    is: 'list',
    items: builtInType(type.slice(1, -1)),
    merges,
    keys: found?.[2]?.split(',') ?? [],
  } satisfies ListSchema;
}
