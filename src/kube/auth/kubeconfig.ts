/**
 * Where the API server is and how to identify to it, according to a kubeconfig or a Pod's service account.
 *
 * The rules are those of client-go (tools/clientcmd): relative paths are relative to the file that contains them; data takes
 * precedence over the file of the same purpose; `tokenFile` takes precedence over `token`.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { unreadable } from '../../core/error-message.ts';
import {
  checked,
  clusterSchema,
  contextSchema,
  type Entry,
  type execSchema,
  isEmpty,
  type Merged,
  merge,
  userSchema,
} from './kubeconfig-file.ts';
import { isOnThisMachine } from './proxy.ts';

/** Bytes known from the start, or a file that may be rotated (absolute path, readable when it was looked up). */
export type Source = { readonly is: 'data'; readonly data: Buffer } | { readonly is: 'file'; readonly file: string };

/** The access that one context resolves to. */
export interface ClusterAccess {
  /** For people, without secrets. */
  readonly description: string;
  readonly server: URL;
  readonly namespace: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly tlsServerName: string | undefined;
  readonly skipsTlsVerification: boolean;
  /** Whether answers must not be compressed. @default false */
  readonly disablesCompression?: boolean;
  readonly ca: Source | undefined;
  readonly cert: Source | undefined;
  readonly key: Source | undefined;
  readonly token: Source | undefined;
  readonly basic: { readonly username: string; readonly password: string } | undefined;
  readonly impersonatedUser: string | undefined;
  readonly plugin: Plugin | undefined;
}

export type Plugin =
  | { readonly is: 'exec'; readonly exec: ExecSettings }
  /** The section as written in the kubeconfig. */
  | { readonly is: 'authProvider'; readonly authProvider: Readonly<Record<string, unknown>> };

export interface ExecSettings {
  /** The version of the ExecCredential that the plugin must answer with. */
  readonly apiVersion: string;
  /** Absolute, or a bare name that is looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How to install the program if it is missing. */
  readonly installHint?: string;
  /** The description of the cluster for the plugin (`provideClusterInfo`), in the format of an ExecCredential; the CA is added later. */
  readonly clusterInfo?: Readonly<Record<string, unknown>>;
}

export interface AccessOptions {
  /** `--kubeconfig`: one file, which must exist. */
  readonly kubeconfig?: string | undefined;
  /** `--context`. Since a service account has no contexts, the option also rules out the in-cluster credentials. */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  /** @default '/var/run/secrets/kubernetes.io/serviceaccount' */
  readonly serviceAccountDir?: string;
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

type Exec = z.infer<typeof execSchema>;

/**
 * Looks in this order at `--kubeconfig`, `KUBECONFIG`, the Pod's service account and `~/.kube/config`.
 *
 * @throws Error that names the file and the expected content.
 */
export function findAccess(options: AccessOptions): ClusterAccess {
  const { kubeconfig, context, env, homedir } = options;
  if (kubeconfig !== undefined) return accessOf(merge([kubeconfig]), context);
  if (env.KUBECONFIG) {
    const listed = env.KUBECONFIG.split(delimiter).filter((file) => file !== '');
    const present = listed.filter((file) => existsSync(file));
    if (present.length === 0) throw new Error(`KUBECONFIG names no file that exists: ${listed.join(', ')}`);
    return accessOf(merge(present), context);
  }
  const home = join(homedir, '.kube', 'config');
  const serviceAccount = context === undefined ? inCluster(env, options.serviceAccountDir) : undefined;
  if (serviceAccount !== undefined) return serviceAccount;
  if (existsSync(home)) return accessOf(merge([home]), context);
  throw new Error(
    `No cluster is configured: no --kubeconfig, no KUBECONFIG, no service account of a Pod (KUBERNETES_SERVICE_HOST and its token), and no ${home}`,
  );
}

function inCluster(env: AccessOptions['env'], dir = SERVICE_ACCOUNT_DIR): ClusterAccess | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const token = join(dir, 'token');
  if (!host || !existsSync(token)) return undefined;
  const namespaceFile = join(dir, 'namespace');
  return {
    description: 'the service account of this Pod',
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
    proxyUrl: undefined,
    tlsServerName: undefined,
    skipsTlsVerification: false,
    ca: { is: 'file', file: readable(join(dir, 'ca.crt'), 'the CA of the service account') },
    cert: undefined,
    key: undefined,
    token: { is: 'file', file: readable(token, 'the token of the service account') },
    basic: undefined,
    impersonatedUser: undefined,
    plugin: undefined,
  };
}

function accessOf(merged: Merged, wanted: string | undefined): ClusterAccess {
  const files = merged.files.join(', ');
  const known = `there are ${quoted(merged.contexts.keys())}`;
  const name = wanted ?? merged.currentContext;
  if (name === undefined)
    throw new Error(`kubeconfig ${files} sets no current-context: choose one by --context, ${known}`);
  const entry = merged.contexts.get(name);
  if (entry === undefined) throw new Error(`kubeconfig ${files} has no context "${name}": ${known}`);

  const context = checked(contextSchema, entry.value, `context "${name}" in ${entry.file}`);
  const cluster = referred(merged.clusters, context.cluster, 'cluster', `context "${name}" in ${entry.file}`);
  const user = referred(merged.users, context.user, 'user', `context "${name}" in ${entry.file}`);
  const access = {
    description: `kubeconfig ${files}, context "${name}"`,
    namespace: context.namespace || undefined,
    ...clusterAccessOf(cluster, `cluster "${context.cluster}" in ${cluster.file}`),
    ...userAccessOf(user, cluster, `user "${context.user}" in ${user.file}`),
  };
  if (wouldLeak(access)) {
    const where = `cluster "${context.cluster}" in ${cluster.file}`;
    throw new Error(
      `${where}: server must be https, since the user has credentials, which anybody on the way could read`,
    );
  }
  return access;
}

/** kubectl leaves credentials out of requests without TLS. A server on this machine may get them. */
function wouldLeak({ server, proxyUrl, token, basic, plugin }: ClusterAccess): boolean {
  const isReadable = server.protocol === 'http:' && (proxyUrl !== undefined || !isOnThisMachine(server));
  return isReadable && (token !== undefined || basic !== undefined || plugin !== undefined || server.username !== '');
}

function referred(from: Map<string, Entry>, name: string | null | undefined, what: string, referrer: string): Entry {
  if (!name) throw new Error(`${referrer} names no ${what}`);
  const found = from.get(name);
  if (found === undefined)
    throw new Error(`${referrer} names ${what} "${name}", which is not defined: there are ${quoted(from.keys())}`);
  return found;
}

function clusterAccessOf({ file, value }: Entry, where: string) {
  const cluster = checked(clusterSchema, value, where);
  const hasCa = Boolean(cluster['certificate-authority'] || cluster['certificate-authority-data']);
  if (hasCa && cluster['insecure-skip-tls-verify'] === true) {
    throw new Error(`${where}: a certificate authority and insecure-skip-tls-verify exclude each other`);
  }
  return {
    server: new URL(cluster.server),
    proxyUrl: cluster['proxy-url'] || undefined,
    tlsServerName: cluster['tls-server-name'] || undefined,
    skipsTlsVerification: cluster['insecure-skip-tls-verify'] === true,
    ...(cluster['disable-compression'] === true && { disablesCompression: true }),
    ca: sourceOf(cluster['certificate-authority-data'], cluster['certificate-authority'], file, `the CA of ${where}`),
  };
}

function userAccessOf({ file, value }: Entry, cluster: Entry, where: string) {
  const user = checked(userSchema, value, where);
  // Ignoring these would act under the wrong name, most likely one with more rights.
  for (const key of ['as-uid', 'as-groups', 'as-user-extra']) {
    if (!isEmpty(user[key])) throw new Error(`${where}: ${key} is not supported, only as`);
  }
  const { exec, 'auth-provider': authProvider } = user;
  if (exec?.interactiveMode === 'Always') throw new Error(`${where}: exec wants a terminal (interactiveMode: Always)`);
  const cert = sourceOf(
    user['client-certificate-data'],
    user['client-certificate'],
    file,
    `the certificate of ${where}`,
  );
  const key = sourceOf(user['client-key-data'], user['client-key'], file, `the key of ${where}`);
  if (cert !== undefined && key === undefined) throw new Error(`${where}: a client certificate needs a client key`);
  if (user.token && (user.username || user.password)) {
    throw new Error(`${where}: a token and a username with a password exclude each other`);
  }
  return {
    cert,
    key,
    token: tokenOf(user, file, where),
    basic: user.username ? { username: user.username, password: user.password ?? '' } : undefined,
    impersonatedUser: user.as || undefined,
    plugin: pluginOf(exec, authProvider, file, cluster),
  };
}

function tokenOf(user: z.infer<typeof userSchema>, file: string, where: string): Source | undefined {
  if (user.tokenFile) {
    return { is: 'file', file: readable(resolve(dirname(file), user.tokenFile), `the token of ${where}`) };
  }
  return user.token ? { is: 'data', data: Buffer.from(user.token) } : undefined;
}

function pluginOf(
  exec: Exec | null | undefined,
  authProvider: Readonly<Record<string, unknown>> | null | undefined,
  file: string,
  cluster: Entry,
): Plugin | undefined {
  if (exec == null) return authProvider == null ? undefined : { is: 'authProvider', authProvider };
  const { apiVersion, command, args, env, installHint, provideClusterInfo } = exec;
  return {
    is: 'exec',
    exec: {
      apiVersion,
      // A command that contains a slash is relative to the kubeconfig; a bare name is looked up in PATH.
      command: command.includes('/') ? resolve(dirname(file), command) : command,
      args: args ?? [],
      env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value ?? ''])),
      ...(installHint && { installHint }),
      ...(provideClusterInfo === true && {
        clusterInfo: clusterInfoOf(checked(clusterSchema, cluster.value, 'cluster')),
      }),
    },
  };
}

/** The extension whose content a plugin gets as `spec.cluster.config` (client-go tools/clientcmd). */
const EXEC_EXTENSION = 'client.authentication.k8s.io/exec';

/** Like client-go's `Cluster` of an ExecCredential: unset fields are left out. */
function clusterInfoOf(cluster: z.infer<typeof clusterSchema>): Readonly<Record<string, unknown>> {
  const keys = ['tls-server-name', 'insecure-skip-tls-verify', 'proxy-url', 'disable-compression'] as const;
  const config = cluster.extensions?.find((entry) => entry?.name === EXEC_EXTENSION)?.extension;
  return {
    server: cluster.server,
    ...Object.fromEntries(keys.filter((key) => Boolean(cluster[key])).map((key) => [key, cluster[key]])),
    ...(config !== undefined && { config }),
  };
}

function sourceOf(
  base64: string | null | undefined,
  path: string | null | undefined,
  kubeconfig: string,
  what: string,
): Source | undefined {
  if (base64) return { is: 'data', data: Buffer.from(base64, 'base64') };
  return path ? { is: 'file', file: readable(resolve(dirname(kubeconfig), path), what) } : undefined;
}

/** Checks at start, rather than at the first request, that a file can be read. */
function readable(file: string, what: string): string {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new Error(`${what} (${file}): ${unreadable(cause)}`, { cause });
  }
  return file;
}

function quoted(names: Iterable<string>): string {
  const list = [...names].sort().map((name) => `"${name}"`);
  return list.length === 0 ? 'none' : list.join(', ');
}
