/**
 * Sits between the program and a real API server, and causes the faults of a network or a server: cuts watches, answers in place of the
 * server, reports each request when it has been carried out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ControlPlane } from '../controlplane/controlplane.ts';

export interface RelayedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly isWatch: boolean;
}

/** An answer in place of the server's. */
export interface Substitute {
  readonly code: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Relay {
  /** All requests, in order. */
  readonly requests: RelayedRequest[] = [];
  /** May answer in place of the server. */
  substitute: (request: RelayedRequest) => Substitute | undefined = () => undefined;
  /** Called when the server has carried out a request, before the client gets the answer. */
  carriedOut: (request: RelayedRequest) => void = () => undefined;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #target: string;
  readonly #watches = new Set<ServerResponse>();

  private constructor(target: string, ca: string) {
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, ca });
    this.#server = createServer((incoming, outgoing) => this.#relay(incoming, outgoing));
  }

  static async start(controlPlane: ControlPlane): Promise<Relay> {
    const relay = new Relay(controlPlane.serverUrl, readFileSync(controlPlane.caFile, 'utf8'));
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  /** Writes a kubeconfig that leads through this relay, with the token of the given one. */
  kubeconfig(directory: string, token: string): string {
    const { port } = this.#server.address() as AddressInfo;
    const path = join(directory, `relay-${port}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'relay', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name: 'relay', context: { cluster: 'relay', user: 'user' } }],
      'current-context': 'relay',
    };
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  /** Breaks every open watch like a dead connection. @returns how many there were. */
  cutWatches(): number {
    const cut = this.#watches.size;
    for (const response of this.#watches) response.destroy();
    return cut;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#agent.destroy();
  }

  #relay(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url: path = '/' } = incoming;
    const relayed: RelayedRequest = { method, path, isWatch: path.includes('watch=true') };
    this.requests.push(relayed);
    const substitute = this.substitute(relayed);
    if (substitute !== undefined) {
      incoming.resume();
      outgoing.writeHead(substitute.code, { 'content-type': 'application/json', ...substitute.headers });
      outgoing.end(JSON.stringify(substitute.body));
      return;
    }
    const { host: _, ...headers } = incoming.headers;
    const forwarded = request(new URL(path, this.#target), { method, headers, agent: this.#agent });
    forwarded.on('error', () => outgoing.destroy());
    // A write that has reached the server is carried out, even if the client has died. (A server that notices gives up an
    // eviction half-way; the budget then counts the Pod as gone for the disruption controller's two minutes.)
    outgoing.on('close', () => {
      if (method === 'GET') forwarded.destroy();
    });
    forwarded.on('response', (answer) => {
      if (relayed.isWatch) {
        this.#watches.add(outgoing);
        outgoing.on('close', () => this.#watches.delete(outgoing));
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        answer.on('error', () => outgoing.destroy());
        return;
      }
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => outgoing.destroy());
      answer.on('end', () => {
        this.carriedOut(relayed);
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.end(Buffer.concat(chunks));
      });
    });
    incoming.pipe(forwarded);
  }
}
