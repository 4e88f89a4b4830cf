/** Resolves the options of `run`: flag beats variable beats file beats default. */
import { closest, describeFound, type Fault, formatPath, isMapping, type Path } from './config-faults.ts';
import { type ConfigFile, type ReadFile, readConfigFile } from './config-file.ts';
import { CONFIG_API_VERSION, CONFIG_KIND, checkConfiguration, type RunOptions } from './config-schema.ts';
import { OPTION_ROWS } from './option-rows.ts';
import { ENVIRONMENT_PREFIX, type OptionRow, type OptionValue, readTexts, variableOf, wantedOf } from './options.ts';

export type Source = 'flag' | 'variable' | 'file' | 'default';

export interface Inputs {
  /** What the command line gave, by flag name without dashes, in its order (see `cli.ts`). */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
}

export type Resolved =
  | { readonly is: 'ok'; readonly options: RunOptions; readonly sources: ReadonlyMap<string, Source> }
  /** One line each, as an operator should see them. */
  | { readonly is: 'faults'; readonly faults: readonly string[] };

/** Pure apart from `readFile`; never throws. Shows the faults of all sources at once, as far as they can be known. */
export function resolveOptions({ flags, env, readFile }: Inputs): Resolved {
  const { given, faults } = readGiven(flags, env);
  const configPath = given.get('config')?.value;
  const file = typeof configPath === 'string' ? readConfigFile(configPath, readFile) : undefined;
  if (file?.is === 'faults') return { is: 'faults', faults: [...faults, ...file.faults] };

  const base = merge(defaults(), file?.data ?? { apiVersion: CONFIG_API_VERSION, kind: CONFIG_KIND });
  if (file !== undefined) {
    const checked = checkConfiguration(base);
    if (checked.is === 'faults') faults.push(...inFile(String(configPath), file, checked.faults));
  }
  if (faults.length > 0) return { is: 'faults', faults };

  const overrides = [...given.values()].filter(({ row }) => row.inFile);
  const checked = checkConfiguration(
    overrides.reduce((data, { row, value }) => merge(data, nest(row.path, value)), base),
  );
  if (checked.is === 'faults') {
    return {
      is: 'faults',
      faults: checked.faults.map((fault) => attribute(fault, overrides, String(configPath), file)),
    };
  }
  const { configuration } = checked;
  const namespace = configuration.leaderElection.namespace ?? ownNamespace(given.has('kubeconfig'), env, readFile);
  return {
    is: 'ok',
    options: {
      ...configuration,
      kubeconfig: given.get('kubeconfig')?.value as string | undefined,
      leaderElection: { ...configuration.leaderElection, namespace },
    },
    sources: new Map(OPTION_ROWS.map((row) => [row.flag, given.get(row.flag)?.source ?? fileOrDefault(row, file)])),
  };
}

/** A value from the command line or the environment. */
interface Given {
  readonly row: OptionRow;
  readonly value: OptionValue;
  readonly source: 'flag' | 'variable';
  /** As the operator wrote it: `--tmm-cordon` or the variable's name. */
  readonly name: string;
}

function readGiven(
  flags: Inputs['flags'],
  env: Inputs['env'],
): { given: ReadonlyMap<string, Given>; faults: string[] } {
  const given = new Map<string, Given>();
  const faults = misspeltVariables(env);
  for (const row of OPTION_ROWS) {
    const variable = variableOf(row);
    const fromFlag = flags.get(row.flag);
    // An empty variable is how a template says "not set".
    const fromVariable = env[variable] === '' ? undefined : env[variable];
    const candidates = [
      { source: 'variable', name: variable, texts: fromVariable === undefined ? undefined : [fromVariable] },
      { source: 'flag', name: `--${row.flag}`, texts: fromFlag },
    ] as const;
    for (const { source, name, texts } of candidates) {
      if (texts === undefined) continue;
      const value = readTexts(row, texts);
      if (value !== undefined) given.set(row.flag, { row, value, source, name });
      else faults.push(`${name}: wanted ${wantedOf(row)}, found ${describeFound(texts.join(','))}`);
    }
  }
  return { given, faults };
}

/**
 * Only near misses are faults: Kubernetes adds variables of the same prefix to Pods beside a Service of our name, and
 * other tools of this project have variables of their own.
 */
function misspeltVariables(env: Inputs['env']): string[] {
  const known = OPTION_ROWS.map(variableOf);
  return Object.keys(env)
    .filter((name) => name.startsWith(ENVIRONMENT_PREFIX) && !known.includes(name))
    .sort()
    .flatMap((name) => {
      const meant = closest(name, known);
      return meant === undefined ? [] : [`${name}: wanted a known variable (did you mean ${meant}?), found ${name}`];
    });
}

function defaults(): Readonly<Record<string, unknown>> {
  return OPTION_ROWS.filter((row) => row.inFile).reduce<Readonly<Record<string, unknown>>>(
    (data, row) => (row.default === undefined ? data : merge(data, nest(row.path, row.default))),
    {},
  );
}

function nest(path: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  const [first = '', ...rest] = path;
  return { [first]: rest.length === 0 ? value : nest(rest, value) };
}

/** `over` wins key by key; mappings are merged, lists replaced. A section without content leaves what is below it. */
function merge(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  // A Map, since assigning a key called `__proto__` would change an object's prototype.
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    if (!isMapping(below)) merged.set(key, value);
    else if (value !== null) merged.set(key, isMapping(value) ? merge(below, value) : value);
  }
  return Object.fromEntries(merged);
}

function inFile(name: string, file: ConfigFile, faults: readonly Fault[]): string[] {
  return faults
    .map(({ path, text }) => ({ line: file.lineOf(path), text: `${formatPath(path)}: ${text}` }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `${name}:${line}: ${text}`);
}

/** Says who wrote the value: the flag or variable that set it, else the file. */
function attribute(
  { path, text }: Fault,
  overrides: readonly Given[],
  configPath: string,
  file: ConfigFile | undefined,
): string {
  const writer = overrides.find(({ row }) => row.path.every((part, index) => path[index] === part));
  if (writer !== undefined) return `${writer.name}: ${text}`;
  return file === undefined ? `${formatPath(path)}: ${text}` : (inFile(configPath, file, [{ path, text }])[0] ?? text);
}

function fileOrDefault(row: OptionRow, file: ConfigFile | undefined): Source {
  const path: Path = row.path;
  return row.inFile && file?.has(path) === true ? 'file' : 'default';
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** The namespace of our Pod. Its own cluster is not meant where a kubeconfig was given, so the mounted file is not asked then. */
function ownNamespace(hasKubeconfig: boolean, env: Inputs['env'], readFile: ReadFile): string | undefined {
  if (env.POD_NAMESPACE !== undefined && env.POD_NAMESPACE !== '') return env.POD_NAMESPACE;
  if (hasKubeconfig || (env.KUBECONFIG ?? '') !== '') return undefined;
  try {
    const namespace = readFile(NAMESPACE_FILE, 256).trim();
    return namespace === '' ? undefined : namespace;
  } catch {
    return undefined; // Not in a cluster.
  }
}
