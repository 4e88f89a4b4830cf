/**
 * How a client identifies itself to one API server, renewed as tokens, certificates and plugins' answers change.
 *
 * The client library runs only `auth-provider`s (`plugins.ts`). All other credentials are read here: the library does not support
 * `tokenFile`, does not limit plugins, and does not merge files as kubectl does.
 */
import { createHash } from 'node:crypto';
import type { Agent } from 'node:http';
import { messageOf } from '../../core/error-message.ts';
import type { Clock } from '../../core/ports.ts';
import { makeAgent, retireAgent } from './agents.ts';
import { makeSecureContext } from './certificates.ts';
import { type AccessOptions, type ClusterAccess, findAccess, type Source } from './kubeconfig.ts';
import { type AskPlugin, askExec, askProvider, type PluginAnswer } from './plugins.ts';
import { proxyFor } from './proxy.ts';
import { RotatingFile } from './rotating-file.ts';

/** What a request needs. The object stays the same until something changes. */
export interface Connection {
  readonly headers: Readonly<Record<string, string>>;
  /** Keep-alive, at most `maxSockets` at once. */
  readonly agent: Agent;
  /** Keep-alive without a limit: streams hold a connection for minutes and must not starve requests. */
  readonly streamAgent: Agent;
}

export interface Credentials {
  /** May have a path, under which the API is served. */
  readonly server: URL;
  /** The namespace of the context or of the Pod. */
  readonly namespace: string | undefined;
  /** Whether answers must not be compressed. @default false */
  readonly disablesCompression?: boolean;
  /** Describes where the credentials come from, for logs and errors. Contains no secrets. */
  describe(): string;
  /**
   * Concurrent calls share one reading of files and one run of the plugin.
   *
   * @throws Error if a file cannot be read, certificate and key do not belong together, or a plugin fails.
   */
  connection(): Promise<Connection>;
  /**
   * Makes the next `connection()` read all files and run the plugin again.
   *
   * @param refused the connection that the server refused; if it is no longer current, the credentials were renewed already and nothing
   * happens.
   */
  invalidate(refused?: Connection): void;
  /** Retires credentials that are no longer used: requests in flight finish, then every connection is closed. */
  retire(): void;
}

interface ConnectionOptions {
  readonly clock?: Clock;
  /** @default 64 */
  readonly maxSockets?: number;
}

export type CredentialsOptions = AccessOptions & ConnectionOptions;

/**
 * Finds the credentials: `--kubeconfig`, else `KUBECONFIG` (a list, merged), else the Pod's service account, else `~/.kube/config`.
 *
 * @throws Error that names the file and the expected content, or the unusable proxy setting.
 */
export function loadKubeConfig(options: CredentialsOptions): Credentials {
  return credentialsOf(findAccess(options), options);
}

/**
 * Credentials for an access that is known already, with separate connections.
 *
 * @throws Error that names the proxy setting that cannot be used.
 */
export function credentialsOf(
  access: ClusterAccess,
  { env, clock = Date, maxSockets = 64 }: ConnectionOptions & Pick<AccessOptions, 'env'>,
): Credentials {
  return new RenewedCredentials(access, proxyFor(access.server, access.proxyUrl, env), env, clock, maxSockets);
}

interface Material extends PluginAnswer {
  readonly ca: Buffer | undefined;
}

interface Agents {
  readonly fingerprint: string;
  readonly agent: Agent;
  readonly streamAgent: Agent;
}

class RenewedCredentials implements Credentials {
  readonly server: URL;
  readonly namespace: string | undefined;
  readonly disablesCompression: boolean;
  readonly #access: ClusterAccess;
  readonly #proxy: URL | undefined;
  readonly #maxSockets: number;
  readonly #files = new Map<string, RotatingFile>();
  readonly #env: AccessOptions['env'];
  readonly #clock: Clock;
  #plugin: AskPlugin | undefined;
  #agents: Agents | undefined;
  #current: Connection | undefined;
  #pending: Promise<Connection> | undefined;

  constructor(
    access: ClusterAccess,
    proxy: URL | undefined,
    env: AccessOptions['env'],
    clock: Clock,
    maxSockets: number,
  ) {
    this.server = access.server;
    this.namespace = access.namespace;
    this.disablesCompression = access.disablesCompression === true;
    this.#access = access;
    this.#proxy = proxy;
    this.#env = env;
    this.#clock = clock;
    this.#maxSockets = maxSockets;
    for (const source of [access.ca, access.cert, access.key, access.token]) {
      if (source?.is === 'file') this.#files.set(source.file, new RotatingFile(source.file, clock));
    }
  }

  describe(): string {
    return `${this.#access.description}, server ${this.server.origin}${this.server.pathname}`;
  }

  connection(): Promise<Connection> {
    if (this.#pending !== undefined) return this.#pending;
    const pending = this.#renew().finally(() => {
      if (this.#pending === pending) this.#pending = undefined;
    });
    this.#pending = pending;
    return pending;
  }

  invalidate(refused?: Connection): void {
    if (refused !== undefined && refused !== this.#current) return;
    for (const file of this.#files.values()) file.invalidate();
    this.#current = undefined;
    this.#pending = undefined;
    // A plugin's answer is cached until it expires; only a new instance drops it earlier.
    this.#plugin = undefined;
  }

  retire(): void {
    if (this.#agents !== undefined) retireAll(this.#agents);
  }

  async #renew(): Promise<Connection> {
    const material = await this.#read();
    const { agent, streamAgent } = this.#agentsFor(material);
    const headers = headersOf(material.authorization, this.#access.impersonatedUser);
    const current = this.#current;
    if (current?.agent === agent && current.headers.authorization === headers.authorization) return current;
    this.#current = { headers, agent, streamAgent };
    return this.#current;
  }

  async #read(): Promise<Material> {
    const { basic } = this.#access;
    const [ca, cert, key, token] = await Promise.all([
      this.#load(this.#access.ca),
      this.#load(this.#access.cert),
      this.#load(this.#access.key),
      this.#load(this.#access.token),
    ]);
    const plugin = await this.#askPlugin(ca);
    return {
      ca,
      cert: plugin?.cert ?? cert,
      key: plugin?.key ?? key,
      authorization:
        token !== undefined
          ? `Bearer ${token.toString('utf8').trim()}`
          : basic !== undefined
            ? `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`
            : plugin?.authorization,
    };
  }

  async #load(source: Source | undefined): Promise<Buffer | undefined> {
    return source?.is === 'file' ? this.#files.get(source.file)?.read() : source?.data;
  }

  async #askPlugin(ca: Buffer | undefined): Promise<PluginAnswer | undefined> {
    const { plugin, cert, token, basic } = this.#access;
    if (plugin === undefined) return undefined;
    // As in client-go: whoever gives other credentials as well means those.
    if (plugin.is === 'exec' && (cert ?? token ?? basic) !== undefined) return undefined;
    this.#plugin ??=
      plugin.is === 'exec' ? askExec(plugin.exec, this.#env, this.#clock) : askProvider(plugin.authProvider);
    try {
      return await this.#plugin(ca);
    } catch (cause) {
      const command = plugin.is === 'exec' ? plugin.exec.command : 'auth-provider';
      // A failing plugin may print any amount of text.
      throw new Error(`Asking ${command} for credentials: ${messageOf(cause).trim().slice(0, 500)}`, { cause });
    }
  }

  /** Makes new agents only if the TLS material changed: each change drops every connection. */
  #agentsFor({ ca, cert, key }: Material): Agents {
    const fingerprint = fingerprintOf(ca, cert, key);
    const old = this.#agents;
    if (old?.fingerprint === fingerprint) return old;
    try {
      this.#agents = this.#makeAgents(fingerprint, { ca, cert, key });
    } catch (cause) {
      // Between the two writes of a rotation, certificate and key do not match: keep the old pair, and read the files again next time.
      for (const file of this.#files.values()) file.invalidate();
      if (old === undefined) throw new Error(`Reading certificate, key or CA: ${messageOf(cause)}`, { cause });
      return old;
    }
    if (old !== undefined) retireAll(old);
    return this.#agents;
  }

  #makeAgents(fingerprint: string, { ca, cert, key }: Omit<Material, 'authorization'>): Agents {
    const tls =
      this.server.protocol === 'https:'
        ? {
            secureContext: makeSecureContext({ ca, cert, key }),
            servername: this.#access.tlsServerName,
            // Set explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
            rejectUnauthorized: !this.#access.skipsTlsVerification,
          }
        : undefined;
    return {
      fingerprint,
      agent: makeAgent(this.server, this.#proxy, tls, this.#maxSockets),
      streamAgent: makeAgent(this.server, this.#proxy, tls, Number.POSITIVE_INFINITY),
    };
  }
}

function retireAll({ agent, streamAgent }: Agents): void {
  for (const each of [agent, streamAgent]) retireAgent(each);
}

function headersOf(authorization: string | undefined, user: string | undefined): Record<string, string> {
  return {
    ...(authorization !== undefined && { authorization }),
    ...(user !== undefined && { 'impersonate-user': user }),
  };
}

function fingerprintOf(...parts: readonly (Buffer | undefined)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part === undefined ? '-' : `${part.length}:`).update(part ?? '');
  return hash.digest('hex');
}
