/** Malicious or broken API servers and proxies: each plays one way in which a server can cost its clients resources. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { kubeconfigText } from '../../controlplane/kubeconfig.ts';
import { createAuthority } from '../../sandbox/certificates.ts';

const MIB = 1024 * 1024;

/** A server of this kind, while it runs. */
export interface Hostile extends AsyncDisposable {
  readonly kubeconfig: string;
  /** How many connections came so far. */
  readonly connections: () => number;
  /** `host:port` of a proxy that the kubeconfig leads through. */
  readonly proxy?: string;
}

/** Answers a request, or does not. */
export type Play = (request: IncomingMessage, response: ServerResponse) => void;

const node = (name: string, labels: object = {}, version = '1'): object => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: version, labels },
});

const json = (response: ServerResponse, body: object): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

const isWatch = ({ url = '' }: IncomingMessage): boolean => url.includes('watch=true');
const isList = (request: IncomingMessage): boolean =>
  request.url?.startsWith('/api/v1/nodes?') === true && !isWatch(request);

/** Behaves like a server with these Nodes; a watch stays open and silent. */
function serve(request: IncomingMessage, response: ServerResponse, items: readonly object[]): void {
  if (isWatch(request)) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
  } else if (request.url?.startsWith('/version')) json(response, { major: '1' });
  else if (request.method === 'PATCH') json(response, items[0] ?? {});
  else json(response, { metadata: { resourceVersion: '1' }, items });
}

/** Writes without end, as fast as the client reads. */
function pour(out: NodeJS.WritableStream & { readonly destroyed?: boolean }, piece: () => string | Buffer): void {
  const write = (): void => {
    while (out.destroyed !== true && out.write(piece()));
  };
  out.on('drain', write);
  write();
}

const listed =
  (play: (request: IncomingMessage, response: ServerResponse) => void): Play =>
  (request, response) =>
    isList(request) ? play(request, response) : serve(request, response, []);

const watched =
  (item: object, play: (response: ServerResponse) => void): Play =>
  (request, response) => {
    serve(request, response, [item]);
    if (isWatch(request)) play(response);
  };

/** 400 KB or less that unpack to 400 MB. */
const bomb = gzipSync(Buffer.alloc(400 * MIB), { level: 9 });

const compressed =
  (code: number): Play =>
  (_, response) => {
    response.writeHead(code, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(bomb);
  };

let count = 0;
/** Numbers that are never repeated. */
const next = (): number => {
  count += 1;
  return count;
};

/** By their behaviour. */
export const PLAYS: Readonly<Record<string, Play>> = {
  'answers slowly': (request, response) => void setTimeout(() => serve(request, response, []), 4500),
  'trickles its answers': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 50);
    response.once('close', () => clearInterval(timer));
  },
  'never answers': () => undefined,
  'lists Nodes without end, page by page': listed((_, response) => {
    const items = Array.from({ length: 250 }, () => node(`endless-${next()}`));
    json(response, { metadata: { resourceVersion: '1', continue: `after-${count}` }, items });
  }),
  'lists the same page again and again': listed((_, response) => {
    json(response, { metadata: { resourceVersion: '1', continue: 'again' }, items: [node('same')] });
  }),
  'lists empty pages without end': listed((_, response) => {
    json(response, { metadata: { resourceVersion: '1', continue: 'more' }, items: [] });
  }),
  'lists one page without end': listed((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"metadata":{"resourceVersion":"1"},"items":[');
    pour(response, () => `${JSON.stringify(node(`endless-${next()}`))},`);
  }),
  'lists most of a page and stops': listed((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"metadata":{"resourceVersion":"1"},"items":["${'x'.repeat(7 * MIB)}`);
  }),
  'lists a Node with a label of 20 MiB': listed((_, response) => {
    json(response, { metadata: { resourceVersion: '1' }, items: [node('huge', { label: 'x'.repeat(20 * MIB) })] });
  }),
  'lists what is nested deeply': listed((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('['.repeat(4 * MIB));
  }),
  'lists millions of empty objects': listed((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`{"metadata":{"resourceVersion":"1"},"items":[${'{},'.repeat(2 * MIB)}{}]}`);
  }),
  'lists a Node with a million labels': listed((_, response) => {
    const labels = Object.fromEntries(Array.from({ length: 600_000 }, (_, i) => [`k${i}`, '']));
    json(response, { metadata: { resourceVersion: '1' }, items: [node('labelled', labels)] });
  }),
  'answers everything with what is nested deeply': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('['.repeat(MIB));
  },
  'tells of new Nodes without end': watched(node('n'), (response) => {
    pour(response, () => {
      const object = node(`flood-${next()}`, {}, String(count));
      return `${JSON.stringify({ type: 'ADDED', object })}\n`;
    });
  }),
  'tells of one Node without end': watched(node('n'), (response) => {
    pour(response, () => `${JSON.stringify({ type: 'MODIFIED', object: node('n', {}, String(next())) })}\n`);
  }),
  'tells of one label that changes without end': watched(node('n'), (response) => {
    const label = 'runtime-extension-maintenance-controller.cloud.sap/approve-maintenance';
    pour(response, () => {
      const object = node('n', { [label]: next() % 2 === 0 ? 'true' : 'false' }, String(count));
      return `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
    });
  }),
  'sends bookmarks without end': watched(node('n'), (response) => {
    pour(response, () => {
      const object = { kind: 'Node', metadata: { resourceVersion: String(next()) } };
      return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
    });
  }),
  'sends empty lines without end': watched(node('n'), (response) => pour(response, () => '\n'.repeat(4096))),
  'sends one event without end': watched(node('n'), (response) => pour(response, () => 'y'.repeat(16_384))),
  'compresses an error (500)': compressed(500),
  'compresses a refusal (403)': compressed(403),
  'compresses a list': (request, response) => (isList(request) ? compressed(200) : serveNone)(request, response),
  'compresses what was asked for plainly': compressed(200),
  'answers with an error without end': (_, response) => {
    response.writeHead(500, { 'content-type': 'text/plain' });
    pour(response, () => 'z'.repeat(16_384));
  },
  'answers with a page of HTML': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<html>${'<p>who goes there</p>'.repeat(1000)}</html>`);
  },
  'answers with 302 to itself': (request, response) => {
    response.writeHead(302, { location: request.url ?? '/' }).end();
  },
  'answers with 418': (_, response) => void response.writeHead(418).end('{}'),
  'answers with 429 for a day': (_, response) => void response.writeHead(429, { 'retry-after': '86400' }).end('{}'),
  'answers with 101': (_, response) => {
    response.writeHead(101, { upgrade: 'websocket', connection: 'upgrade' });
    response.end();
  },
  'cuts its answers in the middle': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"metadata":{"resourceVersion":"1"},"items":[', () => response.destroy());
  },
  'cuts each watch in the middle of a line': watched(node('n'), (response) => {
    response.write('{"type":"MODIFIED","object":{', () => response.destroy());
  }),
  'sends trailers without end': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    const { socket } = response;
    socket?.write('2\r\n{}\r\n0\r\n');
    if (socket) pour(socket, () => `x-trailer: ${'t'.repeat(1000)}\r\n`);
  },
  'takes labels and never answers': (request, response) => {
    if (request.method !== 'PATCH') serve(request, response, [node('n')]);
  },
};

function serveNone(request: IncomingMessage, response: ServerResponse): void {
  serve(request, response, []);
}

/** Starts an API server over TLS. @param isForeign whether its certificate is from a different authority than the kubeconfig's. */
export async function startHostile(play: Play, { isForeign = false } = {}): Promise<Hostile> {
  const authority = createAuthority();
  const { cert, key } = authority.issueServer('127.0.0.1');
  const server = https.createServer({ cert, key }, (request, response) => {
    request.on('error', () => undefined).resume();
    response.on('error', () => undefined);
    play(request, response);
  });
  const ca = isForeign ? createAuthority().cert : authority.cert;
  const running = await listen(server);
  return { ...running, kubeconfig: kubeconfigText({ server: `https://${running.address}`, ca, token: 'hostile' }) };
}

/** Starts a server that does not speak HTTP, where the kubeconfig expects an API server. */
export async function startRawHostile(play: (socket: Socket) => void): Promise<Hostile> {
  const running = await listen(net.createServer(play));
  const ca = createAuthority().cert;
  return { ...running, kubeconfig: kubeconfigText({ server: `https://${running.address}`, ca, token: 'hostile' }) };
}

/** Starts a proxy that a kubeconfig leads through. @param scheme `http`, `https` or `socks5`. */
export async function startHostileProxy(play: (socket: Socket) => void, scheme = 'http'): Promise<Hostile> {
  const running = await listen(net.createServer(play));
  const plain = kubeconfigText({ server: 'https://203.0.113.1:6443', ca: createAuthority().cert, token: 'hostile' });
  const kubeconfig = plain.replace(/( +)server: .*\n/, `$&$1proxy-url: ${scheme}://${running.address}\n`);
  return { ...running, kubeconfig, proxy: running.address };
}

export const RAW_PLAYS: Readonly<Record<string, (socket: Socket) => void>> = {
  'never finishes its TLS handshake': () => undefined,
  'says something other than TLS, without end': (socket) => pour(socket, () => 'SSH-2.0-who\r\n'.repeat(100)),
  'hangs up at once': (socket) => socket.destroy(),
};

export const PROXY_PLAYS: Readonly<Record<string, (socket: Socket) => void>> = {
  'accepts and says nothing': () => undefined,
  'answers CONNECT without end': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    pour(socket, () => `x-more: ${'p'.repeat(1000)}\r\n`);
  },
  'opens the tunnel and says nothing more': (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'),
};

async function listen(server: net.Server): Promise<{ address: string; connections: () => number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
