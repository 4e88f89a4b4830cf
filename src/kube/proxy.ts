/**
 * Through which proxy a server is reached, by the rules that kubectl follows: the cluster's `proxy-url`, else the
 * environment as golang.org/x/net/http/httpproxy reads it.
 */
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type SecureContext } from 'node:tls';
import { domainToASCII } from 'node:url';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** What a TLS connection to the API server needs. */
export interface TlsSettings {
  /** CA, client certificate and key, parsed once for all connections. */
  readonly secureContext: SecureContext;
  /** The name to ask for and to verify, where it differs from the URL's host. */
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the proxy for a server; undefined to connect directly.
 *
 * @throws Error for a `proxy-url` that is no URL or of a kind that is not supported, and for such an environment
 * variable.
 */
export function proxyFor(server: URL, proxyUrl: string | undefined, env: Environment): URL | undefined {
  if (proxyUrl !== undefined) return proxyOf(proxyUrl, 'proxy-url');
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()];
  if (!value || bypassesProxy(server, env.NO_PROXY || env.no_proxy || '')) return undefined;
  // The environment may leave the scheme out: host:port.
  return proxyOf(value.includes('://') ? value : `http://${value}`, name);
}

function proxyOf(value: string, where: string): URL {
  // The value is not repeated: it may hold a password.
  if (!URL.canParse(value)) throw new Error(`${where} is not a URL`);
  const proxy = new URL(value);
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy;
  throw new Error(`${where} has the scheme ${proxy.protocol.slice(0, -1)}: only http and https proxies are supported`);
}

/**
 * Whether NO_PROXY (or being on this machine) exempts a server. `*` exempts all; `example.com` the domain and what is
 * below it, `.example.com` and `*.example.com` only what is below it; addresses and CIDRs match literal addresses,
 * names are not resolved. An entry with a port matches that port alone. Entries that make no sense are ignored.
 */
export function bypassesProxy(server: URL, noProxy: string): boolean {
  const host = hostOf(server);
  if (host === 'localhost' || isLoopback(host)) return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || matchesEntry(entry, host, port));
}

function matchesEntry(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return matchesCidr(entry, host);
  // A bare IPv6 address has colons, but no port.
  const [, bracketed, named, entryPort] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const wanted = bracketed ?? named ?? (isIP(entry) === 6 ? entry : '');
  if (wanted === '' || (entryPort !== undefined && entryPort !== port)) return false;
  if (isIP(wanted) !== 0) return isIP(host) !== 0 && matchesCidr(`${wanted}/${isIP(wanted) === 4 ? 32 : 128}`, host);
  return isIP(host) === 0 && matchesDomain(wanted, host);
}

function matchesDomain(wanted: string, host: string): boolean {
  const domain = wanted.startsWith('*.') ? wanted.slice(1) : wanted;
  if (domain.startsWith('.')) return host.endsWith(`.${domainToASCII(domain.slice(1))}`);
  const ascii = domainToASCII(domain);
  return host === ascii || host.endsWith(`.${ascii}`);
}

function matchesCidr(cidr: string, host: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0 || !/^\d+$/.test(prefix)) return false;
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

const isLoopback = (host: string): boolean => matchesCidr('127.0.0.0/8', host) || host === '::1';
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').toLowerCase();

/**
 * Idle connections are probed after this long, so that a dead peer is found before a proxy or a load balancer forgets
 * us.
 */
const KEEP_ALIVE_MS = 30_000;

/** Makes a keep-alive agent for one server. @param maxSockets requests beyond it wait for a free connection. */
export function makeAgent(
  server: URL,
  proxy: URL | undefined,
  tls: TlsSettings | undefined,
  maxSockets: number,
): http.Agent {
  const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets };
  if (proxy !== undefined) return new TunnelAgent(proxy, tls, options);
  if (server.protocol === 'http:') return new http.Agent(options);
  return new https.Agent({ ...options, ...tlsOptions(tls) });
}

/** Lets requests in flight finish; their connections and the idle ones are closed instead of being used again. */
export function retireAgent(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

function tlsOptions(tls: TlsSettings | undefined) {
  if (tls === undefined) return {};
  const { secureContext, rejectUnauthorized, servername } = tls;
  return { secureContext, rejectUnauthorized, ...(servername !== undefined && { servername }) };
}

type ConnectArguments = Parameters<HttpsProxyAgent<string>['connect']>;

/** A CONNECT tunnel, also to servers without TLS. */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #tls: TlsSettings | undefined;

  constructor(proxy: URL, tls: TlsSettings | undefined, options: http.AgentOptions) {
    // These are the options of the connection to the proxy, which the API server's CA has no say in.
    super(proxy, { ...options, keepAliveInitialDelay: KEEP_ALIVE_MS });
    this.#tls = tls;
  }

  /** The base class would pass the proxy's refusal off as the API server's answer. */
  override async connect(...[request, options]: ConnectArguments): Promise<Socket> {
    let status = 0;
    request.once('proxyConnect', (answer: { statusCode: number }) => {
      status = answer.statusCode;
    });
    const name = this.#tls?.servername ?? options.host ?? '';
    // The base class drops the host, and an address is no servername: node would verify against "localhost".
    const identity = {
      checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate),
    };
    const socket = await super.connect(request, { ...options, ...tlsOptions(this.#tls), ...identity });
    if (status === 200) return socket;
    socket.destroy();
    throw new Error(`Proxy ${this.proxy.host} answered ${status} to CONNECT`);
  }
}
