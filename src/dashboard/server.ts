/** Serves the page, its messages and its requests, on the loopback interface alone. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Listening } from '../obs/health.ts';
import { admit, cookieNameOf, type Door } from './access.ts';
import type { Feed, Subscriber } from './feed.ts';
import type { Timeline } from './protocol.ts';

/** The files of the page. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

export interface DashboardOptions {
  readonly feed: Pick<Feed, 'subscribe' | 'catchUp'>;
  readonly assets: PageAssets;
  /** The Events of an object, in the argument form of `why`: `node/NAME`. */
  readonly timeline: (object: string, signal: AbortSignal) => Promise<Timeline>;
  /** The picture of a Node's plan, as HTML with its own style. */
  readonly plan: (node: string, signal: AbortSignal) => Promise<string>;
  /** @default any free one */
  readonly port?: number;
}

export interface Dashboard extends AsyncDisposable {
  /** Contains the token, which is valid once. */
  readonly url: string;
}

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 16_384;
/** A page that has this much unsent data is sent no more until it has taken it. */
const BEHIND_BYTES = 4 * 1024 * 1024;
/** Detects a connection that was cut silently. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 1000;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const COMMON_HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

const DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>maintenance-bridge</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body><div id="page"><noscript>This page needs JavaScript. \`maintenance-bridge status --watch\` shows the same in a terminal.</noscript></div></body>
</html>
`;

/**
 * Listens and serves until it is disposed of, which closes the remaining connections.
 *
 * @throws Error if the port is taken.
 */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(options.port ?? 0, LOOPBACK);
  await once(server, 'listening');
  const host = `${LOOPBACK}:${(server.address() as Listening).port}`;
  const door = { host, token: secret() as string | undefined, session: secret() };
  const url = `http://${host}/?token=${door.token}`;
  server.on('request', (request, response) => {
    answer(request, response, door, options).catch((error: unknown) => fail(response, error));
  });
  return {
    url,
    [Symbol.asyncDispose]: () => close(server),
  };
}

const secret = (): string => randomBytes(32).toString('base64url');

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  door: { -readonly [K in keyof Door]: Door[K] },
  options: DashboardOptions,
): Promise<void> {
  const { method = '', url = '/', headers } = request;
  const admission = admit({ method, url, headers }, door);
  if (admission.is === 'refused') return send(response, admission.code, 'text/plain', `${admission.why}\n`);
  if (admission.is === 'welcome') {
    door.token = undefined;
    const cookie = `${cookieNameOf(door.host)}=${door.session}; HttpOnly; SameSite=Lax; Path=/`;
    response.writeHead(303, { ...COMMON_HEADERS, 'Set-Cookie': cookie, Location: '/' }).end();
    return;
  }
  const { pathname, searchParams } = new URL(url, `http://${door.host}`);
  const left = new AbortController();
  response.on('close', () => left.abort());
  switch (pathname) {
    case '/':
      return send(response, 200, 'text/html', DOCUMENT);
    case '/page.js':
      return send(response, 200, 'text/javascript', options.assets.script);
    case '/page.css':
      return send(response, 200, 'text/css', options.assets.style);
    case '/messages':
      return stream(response, options.feed);
    case '/timeline': {
      const timeline = await options.timeline(searchParams.get('of') ?? '', left.signal);
      return send(response, 200, 'application/json', JSON.stringify(timeline));
    }
    case '/plan': {
      const picture = await options.plan(searchParams.get('node') ?? '', left.signal);
      // The page has no script, and an inline style.
      const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
      return send(response, 200, 'text/html', picture, { 'Content-Security-Policy': policy });
    }
    default:
      return send(response, 404, 'text/plain', 'There is no such page.\n');
  }
}

function send(
  response: ServerResponse,
  code: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const common = { ...COMMON_HEADERS, 'Content-Type': `${type}; charset=utf-8`, ...headers };
  response.writeHead(code, { ...common, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else send(response, 502, 'text/plain', `${error instanceof Error ? error.message : String(error)}\n`);
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), until the page is closed. */
function stream(response: ServerResponse, feed: DashboardOptions['feed']): void {
  response.writeHead(200, { ...COMMON_HEADERS, 'Content-Type': 'text/event-stream' });
  response.write(`retry: ${RECONNECT_MS}\n\n`);
  const subscriber: Subscriber = {
    send: (message) => void response.write(`data: ${JSON.stringify(message)}\n\n`),
    isBehind: () => response.writableLength > BEHIND_BYTES,
  };
  const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS);
  response.on('drain', () => feed.catchUp(subscriber));
  const leave = feed.subscribe(subscriber);
  response.on('close', () => {
    clearInterval(heartbeat);
    leave();
  });
}
