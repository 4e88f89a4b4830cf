/**
 * The files of a kubeconfig: their form, and how several become one. A definition is checked when it is used.
 *
 * As in client-go (tools/clientcmd), of several files the first that defines a name wins.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { unreadable } from '../../core/error-message.ts';
import { KubeconfigSyntax, parseKubeconfig, repeated } from './kubeconfig-yaml.ts';

const text = z.string().nullish();
export const execSchema = z.looseObject({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: text })).nullish(),
  interactiveMode: text,
  installHint: text,
  provideClusterInfo: z.boolean().nullish(),
});
export const clusterSchema = z.object({
  // Without a scheme kubectl would use plain HTTP, which a user who writes host:port hardly intends.
  server: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// (or http://)' }),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
  'disable-compression': z.boolean().nullish(),
  extensions: z.array(z.object({ name: text, extension: z.unknown().optional() }).nullable()).nullish(),
});
export const userSchema = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  exec: execSchema.nullish(),
  'auth-provider': z.record(z.string(), z.unknown()).nullish(),
});
export const contextSchema = z.object({ cluster: text, user: text, namespace: text });
const fileSchema = z.object({
  'current-context': text,
  clusters: definitionsOf('cluster'),
  users: definitionsOf('user'),
  contexts: definitionsOf('context'),
});

/** Parts that are missing count as empty, as for Go. @returns the definitions with their names. */
export function definitionsOf(key: 'cluster' | 'user' | 'context') {
  return z
    .array(z.looseObject({ name: text }).nullable())
    .nullish()
    .transform((list) => (list ?? []).map((entry) => ({ name: entry?.name ?? '', value: entry?.[key] })));
}

/** Whether a field of any type has no content, as Go writes one that is not set. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A definition that is checked only if a context uses it: another broken definition must not keep us out. */
export interface Entry {
  readonly file: string;
  readonly value: unknown;
}

export interface Merged {
  readonly files: readonly string[];
  currentContext: string | undefined;
  readonly clusters: Map<string, Entry>;
  readonly users: Map<string, Entry>;
  readonly contexts: Map<string, Entry>;
}

/**
 * Reads the files in their order.
 *
 * @throws Error that names the file and the expected content.
 */
export function merge(files: readonly string[]): Merged {
  const merged: Merged = {
    files,
    currentContext: undefined,
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
  };
  const define = (into: Map<string, Entry>, name: string, entry: Entry): void => {
    if (!into.has(name)) into.set(name, entry);
  };
  for (const file of files) {
    const content = checked(fileSchema, parseYaml(file) ?? {}, `kubeconfig ${file}`);
    for (const list of ['clusters', 'users', 'contexts'] as const) {
      const twice = repeated(content[list].map(({ name }) => name));
      if (twice !== undefined) throw new Error(`kubeconfig ${file}: ${list} has "${twice}" twice`);
    }
    merged.currentContext ??= content['current-context'] || undefined;
    for (const { name, value } of content.clusters) define(merged.clusters, name, { file, value });
    for (const { name, value } of content.users) define(merged.users, name, { file, value: value ?? {} });
    for (const { name, value } of content.contexts) define(merged.contexts, name, { file, value });
  }
  return merged;
}

function parseYaml(file: string): unknown {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`kubeconfig ${file}: ${unreadable(cause)}`, { cause });
  }
  try {
    return parseKubeconfig(content);
  } catch (error) {
    if (error instanceof KubeconfigSyntax) throw new Error(`kubeconfig ${file} ${error.message}`);
    throw error;
  }
}

/** @throws Error that begins with `where` and names each fault. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new Error(`${where}: ${issues.join('; ')}`);
}
