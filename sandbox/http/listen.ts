/** The network side: TLS on 127.0.0.1, authentication, watches, faults. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { User } from '../accounts.ts';
import { ApiError } from '../api.ts';
import type { Certificate } from '../certificates.ts';
import type { Context } from '../context.ts';
import { insteadOf, sendFaulty } from '../faults/play.ts';
import { type FaultMatch, type FaultRules, isMatch } from '../faults/rules.ts';
import type { RequestLog } from '../request-log.ts';
import { type Answer, answerOfError, send } from './answer.ts';
import { type Host, handle, isPublic } from './handle.ts';
import { type ApiRequest, readRequest } from './request.ts';
import { type Route, routeOf, verbOf } from './route.ts';
import { startOf, type WatchEnd, WatchStream } from './watch.ts';

const MAX_CONNECTIONS = 2000;

export interface ListenerOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly context: Context;
  readonly certificate: Certificate;
  readonly faults: FaultRules;
  readonly log: RequestLog;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  /** The TCP connections below TLS, by the client's port: only these can be reset. */
  readonly #raw = new Map<number, Socket>();
  readonly #watches = new Set<WatchStream>();
  #server: Server | undefined;
  #port: number;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Listens: without a given port, first on a free one, later on the same. */
  async open(): Promise<void> {
    const { certificate } = this.#options;
    const server = createServer({ ...certificate, keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
      // A client that disconnects in the middle is not a failure of the server.
      this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      this.#raw.set(remotePort, socket);
      socket.once('close', () => this.#raw.delete(remotePort));
    });
    server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    // A server that listens on TCP has such an address.
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Breaks every connection and stops listening. May be called again. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const isClosed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.breakConnections();
    server.closeAllConnections();
    await isClosed;
  }

  /** Includes connections in the middle of their TLS handshake, which would otherwise outlive a server that closes. */
  breakConnections(): void {
    for (const socket of this.#raw.values()) socket.destroy();
  }

  /** @returns how many watches were ended. */
  endWatches(match: FaultMatch, how: WatchEnd): number {
    const matching = this.#matching(match);
    for (const watch of matching) watch.end(how);
    return matching.length;
  }

  bookmark(match: FaultMatch): number {
    const matching = this.#matching(match);
    for (const watch of matching) watch.bookmark();
    return matching.length;
  }

  #reset({ socket }: ServerResponse): void {
    this.#raw.get(socket?.remotePort ?? 0)?.resetAndDestroy();
  }

  #matching(match: FaultMatch): WatchStream[] {
    const { registry } = this.#options.context;
    return [...this.#watches].filter(({ request }) =>
      isMatch(match, faultableOf(request, routeOf(registry, request.path))),
    );
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let request: ApiRequest;
    try {
      request = await readRequest(incoming);
    } catch (error) {
      await send(response, answerOfError(error), false);
      return;
    }
    const { context, faults, log } = this.#options;
    const route = this.#routeOf(request);
    const known = route instanceof ApiError ? undefined : route;
    const faultable = faultableOf(request, known);
    const user = context.accounts.userOfHeader(request.headers.authorization, context.clock.now());
    const record = (code: number): void => {
      const { method, userAgent, body } = request;
      log.add({
        atMs: context.clock.now(),
        verb: faultable.verb,
        method,
        path: incoming.url ?? '',
        code,
        userAgent,
        user: user?.username ?? '',
        ...(method !== 'GET' && body !== '' && { body }),
      });
    };
    const fault = faults.next(faultable);
    const reset = (): void => this.#reset(response);
    const instead = fault && insteadOf(fault, reset);
    if (instead === 'done') {
      record(0);
      return;
    }
    const answer = instead ?? this.#answer(route, request, user, response);
    if (answer === 'watching') {
      record(200);
      return;
    }
    record(fault?.is === 'lost' ? 0 : answer.code);
    if (await sendFaulty(fault, answer, response, reset)) return;
    const acceptsGzip = (request.headers['accept-encoding'] ?? '').toString().includes('gzip');
    await send(response, answer, acceptsGzip);
  }

  #routeOf({ path }: ApiRequest): Route | undefined | ApiError {
    try {
      return routeOf(this.#options.context.registry, path);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  #answer(
    route: Route | undefined | ApiError,
    request: ApiRequest,
    user: User | undefined,
    response: ServerResponse,
  ): Answer | 'watching' {
    const { context } = this.#options;
    try {
      if (user === undefined && !isPublic(request.path)) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
      if (route instanceof ApiError) throw route;
      if (route !== undefined && request.method === 'GET' && verbOf('GET', route, request.query) === 'watch') {
        this.#watch(route, request, response);
        return 'watching';
      }
      const host: Host = { context, user, address: `127.0.0.1:${this.#port}` };
      return handle(host, route, request);
    } catch (error) {
      return answerOfError(error);
    }
  }

  #watch(route: Route, request: ApiRequest, response: ServerResponse): void {
    const { context } = this.#options;
    const stream = new WatchStream(context, startOf(context, route, request), request, {
      response,
      reset: () => this.#reset(response),
    });
    this.#watches.add(stream);
    stream.run(() => this.#watches.delete(stream));
  }
}

function faultableOf(request: ApiRequest, route: Route | undefined) {
  const { method, path, query, userAgent } = request;
  return {
    method,
    path,
    userAgent,
    verb: verbOf(method, route, query),
    resource: route?.resource.plural,
    subresource: route?.subresource?.name,
  };
}
