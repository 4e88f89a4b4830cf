/** Makes `sandbox/kinds/types.json` from the OpenAPI document of a real API server. */
import { BUILT_IN, typeNameOf } from '../../sandbox/kinds.ts';

interface Definition {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly items?: Definition;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly additionalProperties?: Definition;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
}

export interface OpenApiV2 {
  readonly definitions: Readonly<Record<string, Definition>>;
}

type TypeData = string | Record<string, string>;

const PACKAGES = /^io\.k8s\.(api\.|apimachinery\.pkg\.apis\.|apimachinery\.pkg\.|apiextensions-apiserver\.pkg\.apis\.)/;

/** Types that are sent without being stored. */
const OTHER_TYPES = [
  'policy.v1.Eviction',
  'autoscaling.v1.Scale',
  'authentication.v1.TokenRequest',
  'meta.v1.DeleteOptions',
];

/**
 * The types of the sandbox's kinds, and all that are reachable from them (`core.v1.Pod`), in order of their names.
 *
 * @throws Error if the document lacks one.
 */
export function apiTypesOf(document: OpenApiV2): Record<string, TypeData> {
  const roots = [...BUILT_IN.map(({ group, version, kind }) => typeNameOf(group, version, kind)), ...OTHER_TYPES];
  const byName = new Map(Object.entries(document.definitions).map(([long, found]) => [shortNameOf(long), found]));
  const types = new Map<string, TypeData>();
  const follow = (name: string): void => {
    if (types.has(name)) return;
    const found = byName.get(name);
    if (found === undefined) throw new Error(`The document has no type ${name}`);
    types.set(name, '');
    types.set(name, found.properties === undefined ? typeOf(found, follow) : fieldsOf(found, follow));
  };
  for (const root of roots) follow(root);
  return Object.fromEntries([...types].sort(([left], [right]) => (left < right ? -1 : 1)));
}

const shortNameOf = (long: string): string => long.replace(PACKAGES, '');

function fieldsOf({ properties = {}, required = [], ...rest }: Definition, follow: (name: string) => void) {
  const fields: Record<string, string> = {};
  for (const [name, field] of Object.entries(properties)) {
    fields[name] = [`${typeOf(field, follow)}${required.includes(name) ? '!' : ''}`, ...marksOf(field)].join(' ');
  }
  if (rest['x-kubernetes-map-type'] !== undefined) fields[''] = `map=${rest['x-kubernetes-map-type']}`;
  return fields;
}

function typeOf(
  { $ref, type, format, items, additionalProperties }: Definition,
  follow: (name: string) => void,
): string {
  if ($ref !== undefined) {
    const name = shortNameOf($ref.slice('#/definitions/'.length));
    follow(name);
    return name;
  }
  if (type === 'array' && items !== undefined) return `[${typeOf(items, follow)}]`;
  if (type === 'object' && additionalProperties !== undefined) return `{${typeOf(additionalProperties, follow)}}`;
  return type === undefined ? 'any' : `${type}${format === undefined ? '' : `:${format}`}`;
}

function marksOf(field: Definition): string[] {
  const { 'x-kubernetes-patch-strategy': strategy, 'x-kubernetes-patch-merge-key': key } = field;
  const { 'x-kubernetes-list-type': list, 'x-kubernetes-list-map-keys': keys, 'x-kubernetes-map-type': map } = field;
  const marks: string[] = [];
  if (strategy !== undefined) marks.push(`patch=${strategy}${key === undefined ? '' : `(${key})`}`);
  if (list !== undefined) marks.push(`list=${list}${keys === undefined ? '' : `(${keys.join(',')})`}`);
  if (map !== undefined) marks.push(`map=${map}`);
  return marks;
}

/** Go's struct fields, which contain the numbers of protobuf: `Replicas *int32 `json:"replicas" protobuf:"varint,1,opt,name=replicas"``. */
const GO_FIELD = /^\s*(?:(\w+)\s+)?(\*?)([[\]*\w.]+)\s+`json:"([^",]*)[^"]*"[^`]*\sprotobuf:"\w+,(\d+)[^"]*"/;

interface GoField {
  readonly json: string;
  readonly number: string;
  readonly isPointer: boolean;
  /** Name of the struct whose fields are in this one's JSON. */
  readonly inline: string | undefined;
}

/**
 * Adds protobuf's field numbers to the types: `#3` for a field, `#3?` for one that keeps a zero value, `#2.5` for field 5 of an
 * inlined struct that is field 2.
 *
 * @param sources text of Go files by package name (`core.v1`)
 */
export function withNumbers(
  types: Record<string, TypeData>,
  sources: ReadonlyMap<string, string>,
): Record<string, TypeData> {
  const structs = new Map<string, readonly GoField[]>();
  for (const [pkg, source] of sources)
    for (const [name, fields] of structsOf(source)) structs.set(`${pkg}.${name}`, fields);
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => {
      if (typeof type === 'string') return [name, type];
      const marks = numbersOf(name, structs);
      const numbered = Object.entries(type).map(([field, text]) => [
        field,
        [text, marks.get(field)].filter(Boolean).join(' '),
      ]);
      return [name, Object.fromEntries(numbered)];
    }),
  );
}

function structsOf(source: string): Map<string, readonly GoField[]> {
  const structs = new Map<string, GoField[]>();
  let current: GoField[] | undefined;
  for (const line of source.split('\n')) {
    const opened = /^type (\w+) struct \{/.exec(line)?.[1];
    if (opened !== undefined) {
      current = [];
      structs.set(opened, current);
    } else if (line.startsWith('}')) current = undefined;
    const [, , star, type, json = '', number] = GO_FIELD.exec(line) ?? [];
    if (number === undefined || type === undefined) continue;
    // Without a name of its own in JSON, with `inline` or without (since 1.37), the fields are those of the struct.
    current?.push({ json, number, isPointer: star === '*', inline: json === '' ? type : undefined });
  }
  return structs;
}

function numbersOf(name: string, structs: ReadonlyMap<string, readonly GoField[]>, prefix = '#'): Map<string, string> {
  const pkg = name.replace(/\.\w+$/, '');
  const marks = new Map<string, string>();
  for (const { json, number, isPointer, inline } of structs.get(name) ?? []) {
    if (inline === undefined) marks.set(json, `${prefix}${number}${isPointer ? '?' : ''}`);
    else {
      const inner = inline.includes('.')
        ? inline.replace(/^v1\./, 'core.v1.').replace(/^metav1\./, 'meta.v1.')
        : `${pkg}.${inline}`;
      for (const [field, mark] of numbersOf(inner, structs, `${prefix}${number}.`)) marks.set(field, mark);
    }
  }
  return marks;
}
