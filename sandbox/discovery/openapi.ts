/**
 * OpenAPI documents, generated from the server's schemas: enough for `kubectl explain`, `apply` and its validation. Types have no
 * descriptions.
 */
import { createHash } from 'node:crypto';
import { notServed } from '../errors.ts';
import { type JsonObject, objectOf } from '../json.ts';
import { typeNameOf } from '../kinds/built-in.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Resource } from '../kinds/resource.ts';
import { fieldsOfType, scalarText } from '../kinds/types.ts';
import { KUBERNETES_RELEASE } from '../version.ts';

/** `/openapi/v3`: the index of the documents of each version. */
export function openApiIndex(registry: Registry): object {
  const roots = new Set(registry.all().map(rootOf));
  const paths = [...roots].map((root) => {
    const hash = createHash('sha256').update(`${root} ${registry.revision}`).digest('hex').toUpperCase();
    return [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

const rootOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** The document of `api/v1` or `apis/GROUP/VERSION`. @throws ApiError 404 */
export function openApiV3(registry: Registry, root: string): object {
  const resources = registry.all().filter((resource) => rootOf(resource) === root);
  if (resources.length === 0) throw notServed();
  const types = new Types('#/components/schemas/');
  const paths = Object.fromEntries(resources.flatMap((resource) => pathsOf(resource, types, 3)));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: KUBERNETES_RELEASE },
    paths,
    components: { schemas: types.all() },
  };
}

/** `/openapi/v2`: all kinds in one document, for clients that support no other. */
export function openApiV2(registry: Registry): object {
  const types = new Types('#/definitions/');
  const paths = Object.fromEntries(registry.all().flatMap((resource) => pathsOf(resource, types, 2)));
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: KUBERNETES_RELEASE },
    paths,
    definitions: types.all(),
  };
}

const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'];

/** The paths that clients read: which resources can be patched, and that dry runs and field validation are supported. */
function pathsOf(resource: Resource, types: Types, major: 2 | 3): [string, object][] {
  const schema = { $ref: types.refTo(resource) };
  const kind = { group: resource.group, version: resource.version, kind: resource.kind };
  const parameters = WRITE_PARAMETERS.map((name) =>
    major === 3
      ? { name, in: 'query', schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true } }
      : { name, in: 'query', type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
  );
  const responses =
    major === 3
      ? { 200: { description: 'OK', content: { 'application/json': { schema } } } }
      : { 200: { description: 'OK', schema } };
  const operation = (action: string): object => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    parameters,
    responses,
  });
  const base = `/${rootOf(resource)}/${resource.isNamespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}`;
  return [
    [base, { get: operation('list'), post: operation('post') }],
    [
      `${base}/{name}`,
      { get: operation('get'), put: operation('put'), patch: operation('patch'), delete: operation('delete') },
    ],
  ];
}

/** Strings that may be numbers instead, and of which kind. */
const EITHER: Readonly<Record<string, string>> = {
  'util.intstr.IntOrString': 'integer',
  'api.resource.Quantity': 'number',
};

/** Collects the types that a document needs. */
class Types {
  readonly #prefix: string;
  readonly #known = new Map<string, JsonObject>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  all(): object {
    return Object.fromEntries(this.#known);
  }

  refTo(resource: Resource): string {
    const { group, version, kind, custom } = resource;
    const marks = { 'x-kubernetes-group-version-kind': [{ group, version, kind }] };
    if (custom === undefined) {
      const name = longName(typeNameOf(group, version, kind));
      this.#follow(typeNameOf(group, version, kind));
      this.#known.set(name, { ...this.#known.get(name), ...marks });
      return this.#prefix + name;
    }
    const name = `${group.split('.').toReversed().join('.')}.${version}.${kind}`;
    const meta = { $ref: this.#follow('meta.v1.ObjectMeta') };
    const properties = {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      ...objectOf(custom.openApi.properties),
      metadata: { allOf: [meta] },
    };
    this.#known.set(name, { type: 'object', ...custom.openApi, properties, ...marks });
    return this.#prefix + name;
  }

  /** OpenAPI 3. */
  get #isThird(): boolean {
    return this.#prefix.includes('components');
  }

  #follow(type: string): string {
    const name = longName(type);
    if (this.#known.has(name)) return this.#prefix + name;
    const fields = fieldsOfType(type);
    this.#known.set(name, {});
    if (fields === undefined) this.#known.set(name, this.#scalarOf(type));
    else this.#known.set(name, this.#structOf(fields));
    return this.#prefix + name;
  }

  /** A value that may be a number too has no type of its own, so that `kubectl explain` shows its name. */
  #scalarOf(type: string): JsonObject {
    const other = EITHER[type];
    const schema = this.#schemaOf(scalarText(type), false);
    if (other === undefined || !this.#isThird) return schema;
    const { type: _, ...rest } = schema;
    return { ...rest, oneOf: [{ type: 'string' }, { type: other }] };
  }

  #structOf(fields: Readonly<Record<string, string>>): JsonObject {
    const names = Object.keys(fields).filter((field) => field !== '');
    const required = names.filter((name) => fields[name]?.split(' ')[0]?.endsWith('!'));
    const properties = Object.fromEntries(names.map((name) => [name, this.#fieldOf(fields[name] ?? '')]));
    return { type: 'object', properties, ...(required.length > 0 && { required }) };
  }

  #fieldOf(text: string): JsonObject {
    const [type = '', ...marks] = text.split(' ');
    const extensions: Record<string, unknown> = {};
    for (const mark of marks) {
      const [, name, value = '', keys] = /^(\w+)=([\w,]+)(?:\(([\w,]+)\))?$/.exec(mark) ?? [];
      if (name === 'patch') extensions['x-kubernetes-patch-strategy'] = value;
      if (name === 'patch' && keys !== undefined) extensions['x-kubernetes-patch-merge-key'] = keys;
      if (name === 'list') extensions['x-kubernetes-list-type'] = value;
      if (name === 'list' && keys !== undefined) extensions['x-kubernetes-list-map-keys'] = keys.split(',');
      if (name === 'map') extensions['x-kubernetes-map-type'] = value;
    }
    return { ...this.#schemaOf(type.replace(/!$/, ''), true), ...extensions };
  }

  #schemaOf(type: string, wraps: boolean): JsonObject {
    if (type.startsWith('[')) return { type: 'array', items: this.#schemaOf(type.slice(1, -1), wraps) };
    if (type.startsWith('{')) return { type: 'object', additionalProperties: this.#schemaOf(type.slice(1, -1), wraps) };
    const [plain = '', format] = type.split(':');
    if (plain === 'any') return {};
    if (['string', 'integer', 'number', 'boolean', 'object'].includes(plain)) {
      return { type: plain, ...(format !== undefined && { format }) };
    }
    const $ref = this.#follow(type);
    return wraps && this.#isThird ? { allOf: [{ $ref }] } : { $ref };
  }
}

/** `core.v1.Pod` → `io.k8s.api.core.v1.Pod`, as clients know the types. */
function longName(type: string): string {
  if (/^(meta)\./.test(type)) return `io.k8s.apimachinery.pkg.apis.${type}`;
  if (/^(util|runtime|api)\./.test(type)) return `io.k8s.apimachinery.pkg.${type}`;
  if (type.startsWith('apiextensions.')) return `io.k8s.apiextensions-apiserver.pkg.apis.${type}`;
  return `io.k8s.api.${type}`;
}
