/**
 * JSON Schemas for kubeconform, made from what Kubernetes and the Prometheus operator publish in their Go modules: fields that
 * do not exist are refused, as the API server does with strict field validation.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { buildOnce, cacheDirectory, lackingBuild } from '../../controlplane/binaries.ts';

interface PinnedModule {
  readonly path: string;
  readonly version: string;
  /** As in a `go.sum`. These modules are read and not built, and k8s.io/kubernetes cannot be required without forty replacements. */
  readonly sum: string;
}

const kubernetes = (version: string, sum: string): PinnedModule => ({ path: 'k8s.io/kubernetes', version, sum });

/** The oldest release that Chart.yaml allows, and the one that everything else is tested on. */
const KUBERNETES: readonly PinnedModule[] = [
  kubernetes('v1.30.14', 'h1:MrlKXh9uhLIJpyxOeXhcndzRVSvwiV9iJ8NgH8nqPsg='),
  kubernetes('v1.37.2', 'h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE='),
];
const PROMETHEUS_OPERATOR: PinnedModule = {
  path: 'github.com/prometheus-operator/prometheus-operator',
  version: 'v0.85.0',
  sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
};
const MONITORING_KINDS = ['servicemonitors', 'prometheusrules'];

/** Without the leading v. */
export const KUBERNETES_VERSIONS: readonly string[] = KUBERNETES.map(({ version }) => version.slice(1));

const COMPLETE = 'complete';

/** Changes with the modules and with the code that reads them. */
function directory(): string {
  const hash = createHash('sha256').update(readFileSync(import.meta.filename));
  return join(cacheDirectory(), `chart-schemas-${hash.digest('hex').slice(0, 16)}`);
}

const isComplete = (): boolean => existsSync(join(directory(), COMPLETE));

/** Why there can be no schemas here; undefined if they are in the cache, or Go can fetch their sources. */
export function lackingSchemas(): string | undefined {
  const noBuild = isComplete() ? undefined : lackingBuild();
  return noBuild && `the schemas are not in ${cacheDirectory()}, and ${noBuild}`;
}

/**
 * The values for kubeconform's `-schema-location`, after generating the schemas if they are not in the cache.
 *
 * @throws Error if a module is not available, or does not match the pinned checksum.
 */
export async function ensureSchemas(): Promise<readonly string[]> {
  await buildOnce(directory(), isComplete, async (unfinished) => {
    for (const module of KUBERNETES) await writeKubernetes(join(unfinished, module.version), await fetched(module));
    await writeMonitoring(join(unfinished, 'monitoring'), await fetched(PROMETHEUS_OPERATOR));
    await writeFile(join(unfinished, COMPLETE), '');
  });
  const file = '{{.ResourceKind}}{{.KindSuffix}}.json';
  return ['{{.NormalizedKubernetesVersion}}', 'monitoring'].map((folder) => join(directory(), folder, file));
}

/** The folder of a module's sources. */
async function fetched({ path, version, sum }: PinnedModule): Promise<string> {
  const args = ['mod', 'download', '-json', `${path}@${version}`];
  // Outside a module, whose own `go.mod` would take effect.
  const place = { cwd: tmpdir(), env: { ...process.env, GOWORK: 'off' } };
  const { stdout } = await promisify(execFile)('go', args, place).catch((cause: unknown) => {
    throw new Error(`Fetching ${path}@${version} with Go`, { cause });
  });
  const found = JSON.parse(stdout) as { readonly Dir: string; readonly Sum: string };
  if (found.Sum !== sum) throw new Error(`${path}@${version}: wanted ${sum}, found ${found.Sum}`);
  return found.Dir;
}

type Schema = Readonly<Record<string, unknown>>;

interface Definition extends Schema {
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

const DEFINITIONS = 'definitions.json';

/** A small file for each kind that can be created, and one with the types that they refer to. */
async function writeKubernetes(folder: string, sources: string): Promise<void> {
  const text = await readFile(join(sources, 'api/openapi-spec/swagger.json'), 'utf8');
  const { definitions } = JSON.parse(text) as { readonly definitions: Readonly<Record<string, Definition>> };
  await mkdir(folder);
  await writeFile(join(folder, DEFINITIONS), JSON.stringify({ definitions: strict(definitions) }));
  for (const [name, definition] of Object.entries(definitions)) {
    const [kind, ...others] = definition['x-kubernetes-group-version-kind'] ?? [];
    // A type with several kinds, shared by all groups such as DeleteOptions, is not an object.
    if (kind === undefined || others.length > 0) continue;
    await writeFile(join(folder, fileOf(kind)), JSON.stringify({ $ref: `${DEFINITIONS}#/definitions/${name}` }));
  }
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

async function writeMonitoring(folder: string, sources: string): Promise<void> {
  await mkdir(folder);
  for (const plural of MONITORING_KINDS) {
    const path = join(sources, 'example/prometheus-operator-crd', `monitoring.coreos.com_${plural}.yaml`);
    const { spec } = parse(await readFile(path, 'utf8')) as CustomResourceDefinition;
    for (const { name, schema } of spec.versions) {
      const kind = { group: spec.group, version: name, kind: spec.names.kind };
      await writeFile(join(folder, fileOf(kind)), JSON.stringify(strict(schema.openAPIV3Schema)));
    }
  }
}

/** In kubeconform's naming: `deployment-apps-v1.json`, `service-v1.json`. */
function fileOf({ group, version, kind }: { group: string; version: string; kind: string }): string {
  const [firstLabel = ''] = group.split('.');
  return `${[kind.toLowerCase(), firstLabel, version].filter((part) => part !== '').join('-')}.json`;
}

const INT_OR_STRING = { anyOf: [{ type: 'integer' }, { type: 'string' }] };
const QUANTITY = { anyOf: [{ type: 'number' }, { type: 'string' }] };

/** OpenAPI converted to JSON Schema, with no fields besides the listed ones. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema;
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) return INT_OR_STRING;
  const entries = Object.entries(schema).map(([key, part]) => [
    key,
    key.endsWith('.Quantity') ? QUANTITY : strict(part),
  ]);
  const isClosed =
    isObject(schema.properties) &&
    schema.type === 'object' &&
    schema.additionalProperties === undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true;
  return Object.fromEntries(isClosed ? [...entries, ['additionalProperties', false]] : entries);
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
