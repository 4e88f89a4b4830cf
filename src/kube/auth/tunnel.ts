/**
 * Connections through a proxy: CONNECT over HTTP or HTTPS, and SOCKS5 (RFC 1928, RFC 1929).
 *
 * A tenant who chooses the proxy may choose one that hangs, or one that never stops sending. So a tunnel ends with the request that needs
 * it, an answer is read up to a limit, and no error repeats a proxy's text.
 */
import type { ClientRequest } from 'node:http';
import { connect, isIP, isIPv4, isIPv6, type Socket } from 'node:net';
import { type SecureContext, connect as tlsConnect } from 'node:tls';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { identityOf } from './certificates.ts';

/** What a TLS connection to the API server needs. */
export interface TlsSettings {
  /** CA, client certificate and key, parsed once for all connections. */
  readonly secureContext: SecureContext;
  /** The name to ask for and to verify, where it differs from the URL's host. */
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** A proxy did not open a tunnel. The message names the proxy and at most a status, and must not be shown to a tenant. */
export class ProxyFault extends Error {
  override readonly name = 'ProxyFault';
}

/** Carries the signal of the attempt in a request for `TunnelAgent`: an agent's own `signal` never arrives here. */
export interface TunnelRequest {
  readonly tunnelSignal?: AbortSignal;
}

/** Limit of a proxy's answer before a tunnel is open; node's own limit for the headers of an answer. */
const MAX_ANSWER_BYTES = 16 * 1024;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };
const SOCKS_PORT = 1080;

interface Target {
  readonly host: string;
  readonly port: number;
}

/** An agent whose connections all lead through a proxy, including those to servers without TLS. */
export class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #tls: TlsSettings | undefined;

  constructor(proxy: URL, tls: TlsSettings | undefined, options: ConstructorParameters<typeof Agent>[0]) {
    super(options);
    this.#proxy = proxy;
    this.#tls = tls;
  }

  /** @throws ProxyFault, or the abort reason of the request's signal. */
  override async connect(request: ClientRequest, options: AgentConnectOpts & TunnelRequest): Promise<Socket> {
    const target = { host: options.host ?? '', port: Number(options.port) };
    const socket = await openTunnel(this.#proxy, target, options.tunnelSignal);
    if (this.#tls === undefined) {
      request.once('socket', () => socket.resume());
      return socket;
    }
    const { secureContext, rejectUnauthorized, servername } = this.#tls;
    return tlsConnect({ socket, secureContext, rejectUnauthorized, ...identityOf(servername ?? target.host) });
  }
}

/** @returns a paused socket that delivers nothing but the target's bytes. */
async function openTunnel(proxy: URL, target: Target, signal: AbortSignal | undefined): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = connectTo(proxy);
  socket.setKeepAlive(true, 30_000);
  const giveUp = (): void => void socket.destroy(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const answers = new Answers(socket);
    await (proxy.protocol.startsWith('socks5') ? askSocks(proxy, target, answers) : askHttp(proxy, target, answers));
    answers.finish();
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal?.aborted === true ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

function connectTo(proxy: URL): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const port = proxy.port === '' ? (DEFAULT_PORTS[proxy.protocol] ?? SOCKS_PORT) : Number(proxy.port);
  if (proxy.protocol !== 'https:') return connect({ host, port });
  return tlsConnect({ host, port, ALPNProtocols: ['http/1.1'], ...(isIP(host) === 0 && { servername: host }) });
}

async function askHttp(proxy: URL, { host, port }: Target, answers: Answers): Promise<void> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const login = loginOf(proxy);
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    'Proxy-Connection: Keep-Alive',
    ...(login === undefined ? [] : [`Proxy-Authorization: Basic ${Buffer.from(login.join(':')).toString('base64')}`]),
  ];
  answers.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  const head = await answers.until((bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end === -1 ? undefined : end + 4;
  });
  const [, status] = /^HTTP\/1\.[01] (\d{3})\b/.exec(head.toString('latin1')) ?? [];
  if (status === '200') return;
  const said = status === undefined ? 'without HTTP' : status;
  throw new ProxyFault(`Proxy ${proxy.host} answered ${said} to CONNECT`);
}

const SOCKS = { version: 5, noLogin: 0, login: 2, loginVersion: 1, connect: 1, ipv4: 1, name: 3, ipv6: 4 } as const;

async function askSocks(proxy: URL, { host, port }: Target, answers: Answers): Promise<void> {
  const refused = (step: string, code: number | undefined): ProxyFault =>
    new ProxyFault(`Proxy ${proxy.host} answered ${code} to ${step} (SOCKS5)`);
  const login = loginOf(proxy)?.map((part) => Buffer.from(part));
  answers.send(
    Buffer.of(SOCKS.version, ...(login === undefined ? [1, SOCKS.noLogin] : [2, SOCKS.noLogin, SOCKS.login])),
  );
  const [version, method] = await answers.exactly(2);
  if (version !== SOCKS.version) throw refused('the greeting', version);
  if (method === SOCKS.login && login !== undefined) {
    answers.send(Buffer.concat([Buffer.of(SOCKS.loginVersion), ...login.map(withLength)]));
    const [, status] = await answers.exactly(2);
    if (status !== 0) throw refused('the login', status);
  } else if (method !== SOCKS.noLogin) throw refused('the greeting', method);

  // A name is sent as a name: the proxy resolves it, as with Go's client.
  const address = isIPv4(host)
    ? Buffer.of(SOCKS.ipv4, ...host.split('.').map(Number))
    : isIPv6(host)
      ? Buffer.from([SOCKS.ipv6, ...bytesOfIPv6(host)])
      : Buffer.concat([Buffer.of(SOCKS.name), withLength(Buffer.from(host))]);
  answers.send(Buffer.concat([Buffer.of(SOCKS.version, SOCKS.connect, 0), address, Buffer.of(port >> 8, port & 0xff)]));
  const answer = await answers.until((bytes) => lengthOfReply(bytes));
  if (answer[1] !== 0) throw refused('CONNECT', answer[1]);
}

/** @returns undefined until the length is known. */
function lengthOfReply(bytes: Buffer): number | undefined {
  const [, , , kind, length] = bytes;
  if (kind === undefined || length === undefined) return undefined;
  const addressBytes = kind === SOCKS.name ? 1 + length : kind === SOCKS.ipv6 ? 16 : 4;
  const all = 4 + addressBytes + 2;
  return bytes.length < all ? undefined : all;
}

function bytesOfIPv6(address: string): number[] {
  // The URL's parser writes an IPv4 tail in hexadecimal as well.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), tail === undefined ? [] : groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function withLength(text: Buffer): Buffer {
  if (text.length > 255) throw new ProxyFault('A name, a user or a password is too long for SOCKS5');
  return Buffer.concat([Buffer.of(text.length), text]);
}

function loginOf({ username, password }: URL): [string, string] | undefined {
  if (username === '' && password === '') return undefined;
  return [decodeURIComponent(username), decodeURIComponent(password)];
}

/** The bytes that a proxy sends before the tunnel is open, up to the limit. */
class Answers {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #fault: Error | undefined;
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#onEnd);
    socket.on('close', this.#onEnd);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  exactly(length: number): Promise<Buffer> {
    return this.until((bytes) => (bytes.length < length ? undefined : length));
  }

  /** Waits until `lengthOf` knows the length of the next answer, and takes the answer. @throws ProxyFault, or the network's error. */
  async until(lengthOf: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const length = lengthOf(this.#bytes);
      if (length !== undefined) {
        const answer = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        return answer;
      }
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#bytes.length >= MAX_ANSWER_BYTES) {
        throw new ProxyFault(`The proxy's answer is larger than ${MAX_ANSWER_BYTES} bytes`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** Hands the socket over. @throws ProxyFault if the proxy sent more bytes: TLS would not see them. */
  finish(): void {
    if (this.#bytes.length > 0) throw new ProxyFault('The proxy sent data before anything was asked of the server');
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onEnd);
    this.#socket.off('error', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    // Bytes beyond the limit are dropped, until the socket is destroyed.
    if (this.#bytes.length < MAX_ANSWER_BYTES) this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#changed();
  };

  readonly #onEnd = (error?: unknown): void => {
    this.#fault ??= error instanceof Error ? error : new ProxyFault('The proxy closed the connection');
    this.#changed();
  };
}
