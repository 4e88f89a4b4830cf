/** An HTTPS server in front of a real API server, with the faults of networks, proxies and load balancers. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { createAuthority } from '../sandbox/certificates.ts';

export interface CannedAnswer {
  readonly code: number;
  readonly body: string;
  readonly type?: string;
}

export class FaultProxy {
  /** The server whose answers are passed on, with that cluster's own credentials. */
  target: ControlPlane;
  /** `frozen`: accepts requests and never answers. `down`: closes every connection. */
  mode: 'ok' | 'frozen' | 'down' = 'ok';
  /** May answer in place of the server. */
  instead: (method: string, path: string) => CannedAnswer | undefined = () => undefined;
  /** Called when the server has carried out a request, before the client gets the answer. */
  carriedOut: (method: string, path: string) => void = () => undefined;
  /** The requests, as `GET /version`, first to last. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #ca: string;

  private constructor(target: ControlPlane, ca: string, cert: string, key: string) {
    this.target = target;
    this.#ca = ca;
    this.#server = createServer({ cert, key }, (incoming, outgoing) => this.#pass(incoming, outgoing));
    this.#server.on('connection', (socket: Socket) => {
      if (this.mode === 'down') socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(target: ControlPlane): Promise<FaultProxy> {
    const authority = createAuthority();
    const { cert, key } = authority.issueServer('127.0.0.1');
    const proxy = new FaultProxy(target, authority.cert, cert, key);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** A kubeconfig for a Secret. */
  kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    const ca = Buffer.from(this.#ca).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': ca } }],
      users: [{ name: 'u', user: { token: 'replaced' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });
  }

  /** Serves with the certificate of another authority from now on; `kubeconfig()` has the new one. */
  renew(): void {
    const authority = createAuthority();
    this.#server.setSecureContext(authority.issueServer('127.0.0.1'));
    this.#ca = authority.cert;
    this.cut();
  }

  /** Breaks every connection at once, like a restart of a load balancer. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url = '/' } = incoming;
    this.requests.push(`${method} ${url}`);
    if (this.mode === 'frozen') return;
    const canned = this.instead(method, url);
    if (canned !== undefined) {
      incoming.resume();
      outgoing.writeHead(canned.code, { 'content-type': canned.type ?? 'application/json' });
      outgoing.end(canned.body);
      return;
    }
    const { serverUrl, caFile, adminToken } = this.target;
    const headers = { ...incoming.headers, authorization: `Bearer ${adminToken}` };
    delete headers.host;
    const agent = new Agent({ ca: readFileSync(caFile) });
    const forwarded = request(new URL(url, serverUrl), { method, headers, agent });
    forwarded.on('error', () => outgoing.destroy());
    // A write that has reached the server is carried out, even if the client has died.
    outgoing.on('close', () => {
      if (method === 'GET') forwarded.destroy();
    });
    forwarded.on('response', (answer) => {
      this.carriedOut(method, url);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        // Data that arrives during an outage is lost, like in a broken network.
        if (this.mode === 'ok') outgoing.write(chunk);
      });
      answer.on('end', () => outgoing.end());
      answer.on('error', () => outgoing.destroy());
    });
    incoming.pipe(forwarded);
  }
}
