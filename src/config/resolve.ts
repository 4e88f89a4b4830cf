/** Resolves the options of `run`: a flag takes precedence over a variable, a variable over the file, the file over the default. */

import {
  ENVIRONMENT_PREFIX,
  type OptionRow,
  type OptionValue,
  readTexts,
  variableOf,
  wantedOf,
} from '../core/option.ts';
import { concerns, examine, meet } from './examine.ts';
import { type ConfigFault, closest, describeFound, formatPath, isMapping, type Path } from './faults.ts';
import { type ConfigFile, type ReadFile, readConfigFile } from './file.ts';
import { OPTION_ROWS } from './options.ts';
import { CONFIG_API_VERSION, CONFIG_KIND, checkTogether, type RunOptions, spellOut } from './schema.ts';

export type Source = 'flag' | 'variable' | 'file' | 'default';

export interface Inputs {
  /** The values from the command line, by flag name without dashes, in order (see `cli/parse.ts`). */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
}

export type Resolved =
  | { readonly is: 'ok'; readonly options: RunOptions; readonly sources: ReadonlyMap<string, Source> }
  /** One line each, as shown to an operator. */
  | { readonly is: 'faults'; readonly faults: readonly string[] };

/**
 * Pure apart from `readFile`; never throws. Reports the faults of all sources at once, as far as they can be determined, and none that only
 * follows from another.
 */
export function resolveOptions({ flags, env, readFile }: Inputs): Resolved {
  const { given, misread, faults } = readGiven(flags, env);
  const configPath = given.get('config')?.value;
  const answer = typeof configPath === 'string' ? readConfigFile(configPath, readFile) : undefined;
  if (answer?.is === 'faults') faults.push(...answer.faults);
  const file = answer?.is === 'read' ? answer : undefined;

  const inFile = examine(merge(defaults(), file === undefined ? HEAD : spellOut(file.data)), STAND_INS);
  if (file !== undefined) faults.push(...linesIn(String(configPath), file, inFile.faults));

  const overrides = [...given.values()].filter(({ row }) => row.inFile);
  const whole = examine(
    overrides.reduce((data, { row, value }) => merge(data, nest(row.path, value)), inFile.sound),
    STAND_INS,
  );
  const isRead = (path: Path): boolean => {
    if (misread.some((row) => meet(row.path, path))) return false;
    if (overrides.some(({ row }) => meet(row.path, path))) return true;
    // The content of a file that cannot be read is not known either.
    const isFileRead = answer?.is !== 'faults' && !misread.some(({ flag }) => flag === 'config');
    return isFileRead && !inFile.faults.some((fault) => concerns(fault, path));
  };
  const isKnown = (path: Path): boolean => isRead(path) && !whole.faults.some((fault) => concerns(fault, path));
  const found = [...whole.faults.filter(({ path }) => isRead(path)), ...checkTogether(whole.sound, isKnown)];
  faults.push(...found.map((fault) => attribute(fault, overrides, String(configPath), file)));
  const { configuration } = whole;
  if (faults.length > 0 || configuration === undefined) return { is: 'faults', faults };

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
  /** The name as the operator wrote it: `--tmm-cordon` or the variable's name. */
  readonly name: string;
}

/** The values from outside the file, as far as they could be parsed. */
interface Reading {
  readonly given: ReadonlyMap<string, Given>;
  /** Options whose intended value is not known. */
  readonly misread: readonly OptionRow[];
  readonly faults: string[];
}

function readGiven(flags: Inputs['flags'], env: Inputs['env']): Reading {
  const given = new Map<string, Given>();
  const { faults, meant } = misspeltVariables(env);
  const misread = new Set(meant);
  for (const row of OPTION_ROWS) {
    const variable = variableOf(row);
    const fromFlag = flags.get(row.flag);
    // Templates express "not set" by an empty variable.
    const fromVariable = env[variable] === '' ? undefined : env[variable];
    const candidates = [
      { source: 'variable', name: variable, texts: fromVariable === undefined ? undefined : [fromVariable] },
      { source: 'flag', name: `--${row.flag}`, texts: fromFlag },
    ] as const;
    for (const { source, name, texts } of candidates) {
      if (texts === undefined) continue;
      const value = readTexts(row, texts);
      if (value === undefined) {
        faults.push(`${name}: wanted ${wantedOf(row)}, found ${describeFound(texts.join(','))}`);
        misread.add(row);
        given.delete(row.flag);
      } else {
        misread.delete(row);
        given.set(row.flag, { row, value, source, name });
      }
    }
  }
  return { given, misread: [...misread], faults };
}

/**
 * Only near misses are faults: Kubernetes adds variables with the same prefix to Pods beside a Service of our name, and other tools of this
 * project have variables of their own.
 */
function misspeltVariables(env: Inputs['env']): { readonly faults: string[]; readonly meant: readonly OptionRow[] } {
  const rows = new Map(OPTION_ROWS.map((row) => [variableOf(row), row]));
  const faults: string[] = [];
  const meant: OptionRow[] = [];
  const unknown = Object.keys(env).filter((name) => name.startsWith(ENVIRONMENT_PREFIX) && !rows.has(name));
  for (const name of unknown.sort()) {
    const variable = closest(name, [...rows.keys()]);
    const row = rows.get(variable ?? '');
    if (row === undefined) continue;
    faults.push(`${name}: wanted a known variable (did you mean ${variable}?), found ${name}`);
    meant.push(row);
  }
  return { faults, meant };
}

const HEAD = { apiVersion: CONFIG_API_VERSION, kind: CONFIG_KIND };
/** Replaces invalid values. */
const STAND_INS = merge(defaults(), HEAD);

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

/** `over` takes precedence key by key; mappings are merged, lists replaced. A section without content leaves `under` unchanged. */
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

function linesIn(name: string, file: ConfigFile, faults: readonly ConfigFault[]): string[] {
  return faults
    .map(({ path, text }) => ({ line: file.lineOf(path), text: `${formatPath(path)}: ${text}` }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `${name}:${line}: ${text}`);
}

/** Adds the source of the value: the flag or variable that set it, else the file. */
function attribute(
  { path, text }: ConfigFault,
  overrides: readonly Given[],
  configPath: string,
  file: ConfigFile | undefined,
): string {
  const writer = overrides.find(({ row }) => row.path.every((part, index) => path[index] === part));
  if (writer !== undefined) return `${writer.name}: ${text}`;
  return file === undefined ? `${formatPath(path)}: ${text}` : (linesIn(configPath, file, [{ path, text }])[0] ?? text);
}

function fileOrDefault(row: OptionRow, file: ConfigFile | undefined): Source {
  const path: Path = row.path;
  return row.inFile && file?.has(path) === true ? 'file' : 'default';
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** The namespace of our Pod. If a kubeconfig was given, the Pod's own cluster is not meant, so the mounted file is not read. */
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
