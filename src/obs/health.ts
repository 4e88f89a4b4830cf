/** Serves `/healthz`, `/readyz` and `/metrics` over plain HTTP; the answers have the form of Kubernetes' own components. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Log } from '../core/ports.ts';
import type { Check, Runnable } from '../runtime/manager.ts';
import { type BindAddress, formatBindAddress } from './address.ts';

export interface EndpointOptions {
  readonly metricsAddress: BindAddress;
  readonly healthAddress: BindAddress;
  readonly healthz: () => readonly Check[];
  readonly readyz: () => readonly Check[];
  readonly exposition: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly log: Log;
}

/** The actual address on which a server listens. */
export interface Listening {
  readonly address: string;
  readonly port: number;
}

interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly body: string;
}

type Route = (query: URLSearchParams) => Answer | Promise<Answer>;
type On = Extract<BindAddress, { readonly is: 'on' }>;

/** Probes and scrapers open few, short connections; this stops clients that are slow or numerous. */
const MAX_CONNECTIONS = 256;
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 8192;

/** One server per address; the two kinds of endpoints share one if their addresses are equal. */
export class Endpoints implements Runnable {
  readonly name = 'endpoints';
  readonly phase = 'servers';
  readonly needsLeadership = false;
  readonly #options: EndpointOptions;
  readonly #listening = Promise.withResolvers<readonly Listening[]>();

  constructor(options: EndpointOptions) {
    this.#options = options;
    // A caller of `addresses()` gets the failure; without any, `start` still rejects.
    this.#listening.promise.catch(() => {});
  }

  /**
   * Serves until `stop` aborts, then closes the remaining connections.
   *
   * @throws Error that names the address, if listening fails.
   */
  async start(stop: AbortSignal): Promise<void> {
    const servers: Server[] = [];
    try {
      for (const [address, routes] of this.#sites()) servers.push(await this.#listen(address, routes));
      this.#listening.resolve(servers.map((server) => server.address() as Listening));
      await new Promise<void>((resolve) => {
        if (stop.aborted) resolve();
        else stop.addEventListener('abort', () => resolve(), { once: true });
      });
    } catch (error) {
      this.#listening.reject(error);
      throw error;
    } finally {
      await Promise.all(servers.map(close));
    }
  }

  async whenReady(stop: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
    // A failure to listen is thrown by `start`.
    await Promise.race([stopped, this.#listening.promise.catch(() => {})]);
  }

  /** The addresses on which the servers listen, once they do: metrics first. */
  addresses(): Promise<readonly Listening[]> {
    return this.#listening.promise;
  }

  /** Which routes are served on which address. */
  #sites(): readonly (readonly [On, ReadonlyMap<string, Route>])[] {
    const { metricsAddress, healthAddress, healthz, readyz, exposition } = this.#options;
    const metrics: [string, Route][] = [['/metrics', async () => ({ code: 200, ...(await exposition()) })]];
    const probes: [string, Route][] = [
      ['/healthz', (query) => answerChecks('healthz', healthz(), query)],
      ['/readyz', (query) => answerChecks('readyz', readyz(), query)],
    ];
    if (metricsAddress.is === 'on' && healthAddress.is === 'on' && isSame(metricsAddress, healthAddress)) {
      return [[metricsAddress, new Map([...metrics, ...probes])]];
    }
    return [
      ...(metricsAddress.is === 'on' ? [[metricsAddress, new Map(metrics)] as const] : []),
      ...(healthAddress.is === 'on' ? [[healthAddress, new Map(probes)] as const] : []),
    ];
  }

  async #listen(address: On, routes: ReadonlyMap<string, Route>): Promise<Server> {
    const { log } = this.#options;
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void serve(request, response, routes, log),
    );
    server.maxConnections = MAX_CONNECTIONS;
    const paths = [...routes.keys()];
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new Error(describeFailure(address, paths, cause), { cause })));
      server.listen({ port: address.port, host: address.host }, resolve);
    });
    server.on('error', (err) => log.error('Accepting connections failed', { err }));
    log.info('Serving', { address: formatBindAddress(address), paths });
    return server;
  }
}

function isSame(a: On, b: On): boolean {
  return a.port !== 0 && a.port === b.port && a.host === b.host;
}

function describeFailure(address: On, paths: readonly string[], cause: Error): string {
  const where = `${formatBindAddress(address)} for ${paths.join(', ')}`;
  const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return isTaken ? `Address ${where} is already in use` : `Cannot listen on ${where}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, Route>,
  log: Log,
): Promise<void> {
  request.resume();
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  let answer: Answer;
  try {
    answer = await answerTo(request.method ?? '', routes.get(path), new URLSearchParams(query));
  } catch (err) {
    log.error('Answering failed', { path, err });
    answer = text(500, 'internal error\n');
  }
  const body = Buffer.from(answer.body);
  response.writeHead(answer.code, {
    'Content-Type': answer.contentType,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(answer.code === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function answerTo(method: string, route: Route | undefined, query: URLSearchParams): Answer | Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD\n');
  return route === undefined ? text(404, 'not found\n') : route(query);
}

function text(code: number, body: string): Answer {
  return { code, contentType: 'text/plain; charset=utf-8', body };
}

/** Like apiserver's `healthz` package: `ok`, or with `?verbose` and on failure one line per check; `?exclude=NAME` leaves one out. */
function answerChecks(name: string, checks: readonly Check[], query: URLSearchParams): Answer {
  const excluded = query.getAll('exclude');
  const results = checks
    .filter((check) => !excluded.includes(check.name))
    .map((check) => ({ name: check.name, fault: runCheck(check), details: check.details?.() ?? [] }));
  const lines = results.flatMap(({ name: check, fault, details }) => [
    fault === undefined ? `[+]${check} ok` : `[-]${check} failed: ${fault}`,
    ...details.map((detail) => `    ${detail}`),
  ]);
  if (results.some(({ fault }) => fault !== undefined)) {
    return text(500, `${[...lines, `${name} check failed`].join('\n')}\n`);
  }
  return text(200, query.has('verbose') ? `${[...lines, `${name} check passed`].join('\n')}\n` : 'ok');
}

function runCheck({ check }: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
