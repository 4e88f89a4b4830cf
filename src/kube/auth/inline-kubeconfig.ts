/**
 * A kubeconfig that somebody else wrote: the `value` of a Cluster's `<name>-kubeconfig` Secret.
 *
 * Anyone who may write that Secret must not gain rights in our Pod by it. So it may hold inline data only, it must name a server that
 * proves its identity, and its size and structure are bounded before it is parsed. Cluster API refuses `exec` and `auth-provider` as well;
 * it accepts files and unverified TLS, which would read our files and hand the credentials to any server that answers.
 */
import { Lexer } from 'yaml';
import { z } from 'zod';
import type { ClusterAccess, Source } from './kubeconfig.ts';
import { definitionsOf, isEmpty } from './kubeconfig-file.ts';
import { KubeconfigSyntax, parseKubeconfig, repeated } from './kubeconfig-yaml.ts';

/** `why` is one short sentence that names the field, and never repeats content. */
export type InlineAccess =
  | { readonly is: 'usable'; readonly access: ClusterAccess }
  | { readonly is: 'refused'; readonly why: string };

/** What the operator permits such a kubeconfig; nothing by default. */
export interface KubeconfigRules {
  /** Proxies that may be used, as `host` or `host:port`: a proxy connects from our network to any address that it is asked for. */
  readonly allowedProxies: readonly string[];
  /** Whether `insecure-skip-tls-verify` takes effect. */
  readonly allowInsecureTls: boolean;
}

export const STRICT: KubeconfigRules = { allowedProxies: [], allowInsecureTls: false };

const MAX_BYTES = 256 * 1024;
/**
 * A kubeconfig has some hundreds of tokens. The parser's time grows with their square: without a bound, 256 KiB of quotes would block the
 * whole process for half a minute, and ten thousand nested brackets for a second.
 */
const MAX_TOKENS = 2000;

const text = z.string().nullish();
/** As Go reads a `[]byte`: standard alphabet with padding, line breaks ignored. */
const bytes = z
  .string()
  .transform((value) => value.replace(/[\r\n]/g, ''))
  .pipe(z.base64('must be base64'))
  .nullish();
/** Characters that are valid in a header. */
const word = z
  .string()
  .trim()
  .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')
  .nullish();
/** Refuses any value; absent, null and empty are accepted. */
const never = (why: string) =>
  z
    .unknown()
    .refine((value) => value === null || value === '', why)
    .optional();
const noFile = never('names a file, and only inline data is used');
const noImpersonation = z.unknown().refine(isEmpty, 'is not supported, only as is').optional();

const clusterSchema = z.object({
  server: z.string().refine(isPlainHttps, 'must be a URL that begins with https://, without user and password'),
  'certificate-authority': noFile,
  'certificate-authority-data': bytes,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
  'disable-compression': z.boolean().nullish(),
});
const userSchema = z.object({
  'client-certificate': noFile,
  'client-certificate-data': bytes,
  'client-key': noFile,
  'client-key-data': bytes,
  token: word,
  tokenFile: noFile,
  username: text,
  password: text,
  as: word,
  'as-uid': noImpersonation,
  'as-groups': noImpersonation,
  'as-user-extra': noImpersonation,
  exec: never('would run a program, and only inline data is used'),
  'auth-provider': never('would run a plugin, and only inline data is used'),
});
const contextSchema = z.object({ cluster: z.string().min(1), user: z.string().min(1), namespace: text });
const fileSchema = z.object({
  'current-context': z.string().min(1),
  clusters: definitionsOf('cluster'),
  users: definitionsOf('user'),
  contexts: definitionsOf('context'),
});

/** Carries the sentence from any depth to `inlineAccess`. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

/**
 * Resolves the current context. Definitions that it does not use are not checked.
 *
 * @param content YAML or JSON.
 * @param description where the kubeconfig comes from, for people.
 */
export function inlineAccess(content: string, description: string, rules: KubeconfigRules = STRICT): InlineAccess {
  try {
    return { is: 'usable', access: accessOf(parsed(content), description, rules) };
  } catch (error) {
    if (error instanceof Refusal) return { is: 'refused', why: error.message };
    throw error;
  }
}

function parsed(content: string): unknown {
  if (Buffer.byteLength(content) > MAX_BYTES) throw new Refusal(`kubeconfig is larger than ${MAX_BYTES / 1024} KiB`);
  let tokens = 0;
  for (const _ of new Lexer().lex(content)) {
    tokens += 1;
    if (tokens > MAX_TOKENS) throw new Refusal('kubeconfig has far more entries than a kubeconfig needs');
  }
  try {
    return parseKubeconfig(content);
  } catch (error) {
    if (error instanceof KubeconfigSyntax) throw new Refusal(`kubeconfig ${error.message}`);
    throw error;
  }
}

function accessOf(content: unknown, description: string, rules: KubeconfigRules): ClusterAccess {
  const file = checked(fileSchema, content, 'kubeconfig');
  for (const list of ['clusters', 'users', 'contexts'] as const) {
    if (repeated(file[list].map(({ name }) => name)) !== undefined) throw new Refusal(`${list} has a name twice`);
  }
  const named = file.contexts.find(({ name }) => name === file['current-context']);
  if (named === undefined) throw new Refusal('current-context names a context that is not defined');
  const context = checked(contextSchema, named.value, 'context');
  const cluster = file.clusters.find(({ name }) => name === context.cluster);
  if (cluster === undefined) throw new Refusal('context.cluster names a cluster that is not defined');
  const user = file.users.find(({ name }) => name === context.user);
  if (user === undefined) throw new Refusal('context.user names a user that is not defined');
  return {
    description,
    namespace: context.namespace || undefined,
    plugin: undefined,
    ...serverOf(checked(clusterSchema, cluster.value, 'cluster'), rules),
    ...identityOf(checked(userSchema, user.value, 'user')),
  };
}

function serverOf(cluster: z.infer<typeof clusterSchema>, rules: KubeconfigRules) {
  const skipsTlsVerification = cluster['insecure-skip-tls-verify'] === true;
  const ca = dataOf(cluster['certificate-authority-data']);
  const proxyUrl = cluster['proxy-url'] || undefined;
  if (skipsTlsVerification && !rules.allowInsecureTls) {
    throw new Refusal(
      'cluster.insecure-skip-tls-verify: would send the credentials to whoever answers, and capi.allowInsecureTLS is off',
    );
  }
  if (skipsTlsVerification && ca !== undefined) {
    throw new Refusal('cluster: a certificate authority and insecure-skip-tls-verify exclude each other');
  }
  if (proxyUrl !== undefined && !isAllowed(proxyUrl, rules.allowedProxies)) {
    throw new Refusal('cluster.proxy-url: its host is not in capi.allowedProxies');
  }
  return {
    server: new URL(cluster.server),
    proxyUrl,
    tlsServerName: cluster['tls-server-name'] || undefined,
    skipsTlsVerification,
    ...(cluster['disable-compression'] === true && { disablesCompression: true }),
    ca,
  };
}

const PROXY_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const SOCKS_PORT = '1080';

function isAllowed(proxyUrl: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(proxyUrl)) return false;
  const { protocol, hostname, port } = new URL(proxyUrl);
  const host = hostname.toLowerCase();
  const withPort = `${host}:${port || (PROXY_PORTS[protocol] ?? SOCKS_PORT)}`;
  return host !== '' && allowed.some((entry) => [host, withPort].includes(entry.toLowerCase()));
}

function identityOf(user: z.infer<typeof userSchema>) {
  const cert = dataOf(user['client-certificate-data']);
  const key = dataOf(user['client-key-data']);
  if ((cert === undefined) !== (key === undefined)) {
    throw new Refusal('user has only one of client-certificate-data and client-key-data');
  }
  if (user.token && (user.username || user.password)) {
    throw new Refusal('user has a token as well as a username and password');
  }
  if (cert === undefined && !user.token && !user.username) {
    throw new Refusal('user has neither a client certificate nor a token nor a username');
  }
  return {
    cert,
    key,
    token: user.token ? ({ is: 'data', data: Buffer.from(user.token) } as const) : undefined,
    basic: user.username ? { username: user.username, password: user.password ?? '' } : undefined,
    impersonatedUser: user.as || undefined,
  };
}

function dataOf(base64: string | null | undefined): Source | undefined {
  return base64 ? { is: 'data', data: Buffer.from(base64, 'base64') } : undefined;
}

function isPlainHttps(server: string): boolean {
  if (!URL.canParse(server)) return false;
  const { protocol, username, password } = new URL(server);
  return protocol === 'https:' && username === '' && password === '';
}

/** One fault is enough. Paths contain only names of our own schema, since arrays have numbers and unknown keys are not read. */
function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal(`${[where, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`);
}
