/**
 * A server on 127.0.0.1 that answers exactly as a test determines, including faults: the handler answers each request in full, streams at
 * the test's pace, or cuts the connection.
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';

export interface ScriptedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The connection of the request, counted from 1 in the order of arrival. */
  readonly connection: number;
  /** Common name of the client's certificate, if it presented one. */
  readonly clientName: string | undefined;
  /** Settles when the exchange is over, from either side. */
  readonly closed: Promise<void>;
}

/** The sending half of a response that the test controls. It stays open until `end`, `destroy` or the client's disconnect. */
export interface ResponseStream {
  /** Sends a value as one line of JSON, as a watch does. */
  line(value: unknown): void;
  /** Sends bytes as they are, at once: for lines cut into pieces. */
  chunk(bytes: string | Uint8Array): void;
  /** Ends the response properly. */
  end(): void;
  /** Cuts the connection, so that the client sees a broken response. */
  destroy(): void;
}

export interface ScriptedAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string or bytes go out as they are; anything else as JSON. */
  readonly body?: unknown;
  /** Called once the status line and headers are out; `body` is not used then. The stream may be kept and fed later. */
  readonly stream?: (out: ResponseStream) => void | Promise<void>;
  /** Cuts the connection instead of answering. */
  readonly destroy?: boolean;
  /** Waits before the answer (or before cutting the connection). */
  readonly delayMs?: number;
}

export type ScriptedHandler = (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

export interface ScriptedServerOptions {
  /** Serves HTTPS. With `ca`, clients must present a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** How long an idle connection stays open. @default 60_000 */
  readonly keepAliveTimeoutMs?: number;
}

export interface ScriptedServer extends AsyncDisposable {
  /** `http(s)://127.0.0.1:port` */
  readonly url: URL;
  /** Every request so far, in the order in which its body was complete. */
  readonly requests: readonly ScriptedRequest[];
  readonly connections: { readonly opened: number; readonly open: number };
  /** Replaces the handler for requests to come. */
  handle(handler: ScriptedHandler): void;
  /** Cuts every connection, but goes on listening. */
  destroyConnections(): void;
  /** Cuts every connection and stops listening. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a server. A handler that throws answers 500 with the error's text, so that the test sees it in its client's
 * error.
 */
export async function startScriptedServer(
  handler: ScriptedHandler = () => ({ body: {} }),
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Map<Socket, number>();
  let opened = 0;
  let current = handler;

  const serve = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const request = await readRequest(incoming, outgoing, sockets.get(incoming.socket) ?? 0);
    requests.push(request);
    const answer = await answerOf(current, request);
    if (answer.delayMs !== undefined) await sleep(answer.delayMs);
    await send(answer, outgoing);
  };
  const onRequest = (incoming: http.IncomingMessage, outgoing: http.ServerResponse): void => {
    // A client that disconnects in the middle of its request is part of the script, not a failure of the server.
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  };
  const settings = { keepAliveTimeout: options.keepAliveTimeoutMs ?? 60_000 };
  const server =
    options.tls === undefined
      ? http.createServer(settings, onRequest)
      : https.createServer({ ...settings, ...options.tls, requestCert: options.tls.ca !== undefined }, onRequest);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    opened += 1;
    sockets.set(socket, opened);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const { port } = server.address() as AddressInfo;
  const destroyConnections = (): void => {
    for (const socket of sockets.keys()) socket.destroy();
  };
  const close = async (): Promise<void> => {
    const isClosed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    destroyConnections();
    await isClosed;
  };
  return {
    url: new URL(`${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`),
    requests,
    get connections() {
      return { opened, open: sockets.size };
    },
    handle: (next) => {
      current = next;
    },
    destroyConnections,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readRequest(
  incoming: http.IncomingMessage,
  outgoing: http.ServerResponse,
  connection: number,
): Promise<ScriptedRequest> {
  const closed = new Promise<void>((resolve) => outgoing.once('close', resolve));
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const certificate = incoming.socket instanceof TLSSocket ? incoming.socket.getPeerCertificate() : undefined;
  const commonName = certificate?.subject?.CN;
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    connection,
    clientName: Array.isArray(commonName) ? commonName[0] : commonName,
    closed,
  };
}

async function answerOf(handler: ScriptedHandler, request: ScriptedRequest): Promise<ScriptedAnswer> {
  try {
    return await handler(request);
  } catch (error) {
    return { status: 500, headers: { 'content-type': 'text/plain' }, body: `The test's handler threw: ${error}` };
  }
}

async function send(answer: ScriptedAnswer, outgoing: http.ServerResponse): Promise<void> {
  if (answer.destroy === true) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  if (answer.stream === undefined) {
    outgoing.end(bytesOf(answer.body));
    return;
  }
  outgoing.flushHeaders();
  const chunk = (bytes: string | Uint8Array): void => {
    outgoing.write(bytes);
  };
  await answer.stream({
    line: (value) => chunk(`${JSON.stringify(value)}\n`),
    chunk,
    end: () => outgoing.end(),
    destroy: () => outgoing.destroy(),
  });
}

function bytesOf(body: unknown): string | Uint8Array {
  if (body === undefined) return '';
  return typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
}
