/**
 * Chooses the proxy for a server by the rules that kubectl follows: the cluster's `proxy-url`, else the environment as
 * golang.org/x/net/http/httpproxy reads it.
 */
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** `socks5h` is curl's name for what `socks5` means here: the proxy resolves names. */
const PROXY_SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the proxy for a server; undefined to connect directly.
 *
 * @throws Error for a `proxy-url` or an environment variable that is not a URL or has an unsupported scheme.
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
  // The value is not quoted: it may hold a password.
  if (!URL.canParse(value)) throw new Error(`${where} is not a URL`);
  const proxy = new URL(value);
  if (PROXY_SCHEMES.has(proxy.protocol) && proxy.hostname !== '') return proxy;
  // A URL parser reads `proxy:3128` as the scheme "proxy", and so does kubectl.
  throw new Error(
    `${where} has the scheme ${proxy.protocol.slice(0, -1)}: only http, https and socks5 proxies are supported`,
  );
}

/**
 * Whether NO_PROXY, or a server on this machine, exempts the server from the proxy. `*` exempts every server; `example.com` exempts the
 * domain and its subdomains, `.example.com` and `*.example.com` only its subdomains; addresses and CIDRs match literal addresses, names are
 * not resolved. An entry with a port matches that port alone. Invalid entries are ignored.
 */
export function bypassesProxy(server: URL, noProxy: string): boolean {
  const host = hostOf(server);
  if (isOnThisMachine(server)) return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || matchesEntry(entry, host, port));
}

/** Whether a server's requests never leave this machine, by its name or address. */
export function isOnThisMachine(server: URL): boolean {
  const host = hostOf(server);
  return host === 'localhost' || matchesCidr('127.0.0.0/8', host) || host === '::1';
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

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').toLowerCase();
