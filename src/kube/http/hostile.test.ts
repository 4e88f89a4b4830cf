/** What a malicious or broken server can make a client read, keep or wait for. */
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ScriptedAnswer, startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { soon } from '../../../harness/doubles/soon.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import type { ApiClient, ApiRequest } from './api.ts';
import { type AnswerLimits, makeClient } from './client.ts';
import type { KubeError } from './errors.ts';

const LIST: ApiRequest = { method: 'GET', path: '/api/v1/nodes', timeoutMs: 20_000 };
const OBJECT: ApiRequest = { method: 'GET', path: '/api/v1/nodes/n', timeoutMs: 20_000 };
const PATCH: ApiRequest = { ...OBJECT, method: 'PATCH', patchType: 'merge', body: {} };
const LIMITS: AnswerLimits = { list: 100_000, object: 10_000, line: 10_000 };
const MIB = 1024 * 1024;

const failureOf = (promise: Promise<unknown>): Promise<KubeError> =>
  promise.then(
    () => expect.unreachable('The request succeeded'),
    (error: KubeError) => error,
  );

/** A server with hand-written answers, which counts the bytes that it could send before its client left. */
async function startRaw(
  serve: (socket: Socket) => void,
): Promise<{ url: string; server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Without a listener, the client's disconnect would not be noticed.
    socket.on('error', () => {}).resume();
    socket.once('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets };
}

/** Writes without end, as fast as the client reads. @returns how much the client has taken so far. */
function pour(out: NodeJS.WritableStream & { destroyed?: boolean }, piece: string): () => number {
  let poured = 0;
  const write = (): void => {
    while (out.destroyed !== true) {
      poured += piece.length;
      if (!out.write(piece)) break;
    }
  };
  out.on('drain', write);
  write();
  return () => poured;
}

const clientFor = (url: string | URL): ApiClient => makeClient(credentialsFor({ server: url }), { limits: LIMITS });

describe('an answer that does not end', () => {
  it.each([
    ['a list', 200, LIST, 'TooLarge'],
    ['one object', 200, OBJECT, 'TooLarge'],
    ['what a write gives back', 200, PATCH, 'TooLarge'],
    ['an error', 500, OBJECT, 'ServerError'],
    ['a refusal', 403, LIST, 'Forbidden'],
    ['a redirection', 302, OBJECT, 'ServerError'],
    ['a 401, twice', 401, OBJECT, 'Unauthorized'],
  ])('is read no further than the limit: %s (%i)', async (_, status, request, reason) => {
    const poured: (() => number)[] = [];
    const server = http.createServer((_incoming, outgoing) => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      poured.push(pour(outgoing, 'x'.repeat(16_384)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const error = await failureOf(
      clientFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).request(request),
    );
    expect(error).toMatchObject({ reason, code: status });
    expect(error.message.length).toBeLessThan(1024);
    // Besides the bytes that were read, the buffers of both sides are full.
    for (const bytes of poured) expect(bytes()).toBeLessThan(16 * MIB);
  });

  it('`lines()` gives up on a line above the limit, without waiting for its end', async () => {
    await using server = await startScriptedServer(() => ({
      stream: (out) => {
        out.line({ type: 'ADDED' });
        out.chunk('y'.repeat(LIMITS.line + 1));
      },
    }));
    const lines: string[] = [];
    const read = async (): Promise<void> => {
      const { signal } = new AbortController();
      for await (const line of clientFor(server.url).lines({ path: LIST.path, signal, idleMs: 20_000 }))
        lines.push(line);
    };
    expect(await failureOf(read())).toMatchObject({ reason: 'TooLarge' });
    expect(lines).toEqual(['{"type":"ADDED"}']);
  });

  it('ends with its headers where these are endless', async () => {
    const { url } = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      pour(socket, `x-padding: ${'z'.repeat(1000)}\r\n`);
    });
    expect(await failureOf(clientFor(url).request(OBJECT))).toMatchObject({ reason: 'Unreachable' });
  });

  it('ends at the deadline where it trickles', async () => {
    const { url } = await startRaw((socket) => {
      socket.write('HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
      socket.once('close', () => clearInterval(timer));
    });
    expect(await failureOf(clientFor(url).request({ ...OBJECT, timeoutMs: 300 }))).toMatchObject({
      reason: 'TimedOut',
    });
  });

  it('ends at the deadline where it is nothing but provisional answers', async () => {
    const { url, sockets } = await startRaw((socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 5);
      socket.once('close', () => clearInterval(timer));
    });
    expect(await failureOf(clientFor(url).request({ ...OBJECT, timeoutMs: 300 }))).toMatchObject({
      reason: 'TimedOut',
    });
    await soon(() => expect(sockets.size).toBe(0));
  });
});

describe('compression', () => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB));
  const gzip = { 'content-encoding': 'gzip' };

  it.each<[string, ScriptedAnswer, ApiRequest, string]>([
    ['an error', { status: 500, headers: gzip, body: bomb }, OBJECT, 'ServerError'],
    ['the error of a list', { status: 403, headers: gzip, body: bomb }, LIST, 'Forbidden'],
    ['one object', { headers: gzip, body: bomb }, OBJECT, 'Malformed'],
    ['a list beyond its limit', { headers: gzip, body: bomb }, LIST, 'TooLarge'],
    ['a list in brotli', { headers: { 'content-encoding': 'br' }, body: bomb }, LIST, 'Malformed'],
  ])('unpacks nothing that was not asked for, and nothing beyond the limit: %s', async (_, answer, request, reason) => {
    await using server = await startScriptedServer(() => answer);
    const before = process.memoryUsage().arrayBuffers;
    expect(await failureOf(clientFor(server.url).request(request))).toMatchObject({ reason });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
  });

  it('is not taken from a watch', async () => {
    await using server = await startScriptedServer(() => ({ headers: gzip, stream: (out) => out.chunk(bomb) }));
    const read = async (): Promise<void> => {
      const { signal } = new AbortController();
      for await (const _ of clientFor(server.url).lines({ path: LIST.path, signal, idleMs: 20_000 })) break;
    };
    expect(await failureOf(read())).toMatchObject({ reason: 'Malformed' });
    await soon(() => expect(server.connections.open).toBe(0));
  });
});

describe('a deadline', () => {
  const SILENT = (): void => {};

  it.each([
    ['a server that accepts and says nothing', (url: string) => ({ server: url })],
    ['a TLS handshake that nobody answers', (url: string) => ({ server: url.replace('http', 'https') })],
    ['a proxy that accepts and says nothing', (url: string) => ({ server: 'https://api.test', proxyUrl: url })],
    [
      'a SOCKS5 proxy that accepts and says nothing',
      (url: string) => ({ server: 'https://api.test', proxyUrl: url.replace('http', 'socks5') }),
    ],
    [
      'a proxy whose own TLS handshake nobody answers',
      (url: string) => ({ server: 'https://api.test', proxyUrl: url.replace('http', 'https') }),
    ],
  ])('holds for %s, and its connection is closed', async (_, config) => {
    const { url, sockets } = await startRaw(SILENT);
    const client = makeClient(credentialsFor(config(url)));
    expect(await failureOf(client.request({ ...OBJECT, timeoutMs: 200 }))).toMatchObject({
      reason: 'TimedOut',
      message: `GET ${OBJECT.path} did not answer within 200 ms`,
    });
    await soon(() => expect(sockets.size).toBe(0));
  });

  it.each(['http', 'https', 'socks5'])('gives way to the caller’s signal behind a silent %s proxy', async (scheme) => {
    const { url, sockets } = await startRaw(SILENT);
    const client = makeClient(credentialsFor({ server: 'https://api.test', proxyUrl: url.replace('http', scheme) }));
    const abort = new AbortController();
    const request = failureOf(client.request({ ...OBJECT, signal: abort.signal }));
    const { signal } = abort;
    const watch = failureOf(
      (async () => {
        for await (const _ of client.lines({ path: LIST.path, signal, idleMs: 60_000 })) break;
      })(),
    );
    await soon(() => expect(sockets.size).toBe(2));
    abort.abort();
    expect(await request).toMatchObject({ reason: 'Aborted' });
    expect(await watch).toMatchObject({ reason: 'Aborted' });
    await soon(() => expect(sockets.size).toBe(0));
  });

  it('holds behind a proxy that opens the tunnel and then says nothing', async () => {
    const { url, sockets } = await startRaw((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    const client = makeClient(credentialsFor({ server: 'https://api.test', proxyUrl: url }));
    expect(await failureOf(client.request({ ...OBJECT, timeoutMs: 300 }))).toMatchObject({ reason: 'TimedOut' });
    await soon(() => expect(sockets.size).toBe(0));
  });

  it('that passes for some requests leaves the way free for those after them', async () => {
    let isSilent = true;
    const { url } = await startRaw((socket) => {
      if (!isSilent) socket.end('HTTP/1.1 502 Bad\r\n\r\n');
    });
    const client = makeClient(credentialsFor({ server: 'https://api.test', proxyUrl: url }, {}));
    const many = Array.from({ length: 100 }, () => failureOf(client.request({ ...OBJECT, timeoutMs: 300 })));
    for (const error of await Promise.all(many)) expect(error.reason).toBe('TimedOut');
    isSilent = false;
    expect((await failureOf(client.request(OBJECT))).message).toContain('answered 502 to CONNECT');
  });
});

describe('what a proxy says', () => {
  it.each([
    ['endless headers', (socket: Socket) => void pour(socket, `x: ${'y'.repeat(1000)}\r\n`)],
    ['an endless line', (socket: Socket) => void pour(socket, 'y'.repeat(1000))],
  ])('is read up to 16 KiB: %s', async (_, serve) => {
    const { url, sockets } = await startRaw(serve);
    const client = makeClient(credentialsFor({ server: 'https://api.test', proxyUrl: url }));
    const error = await failureOf(client.request(OBJECT));
    expect(error).toMatchObject({ reason: 'Unreachable', code: 0 });
    expect(error.message).toContain("The proxy's answer is larger than 16384 bytes");
    await soon(() => expect(sockets.size).toBe(0));
  });

  it.each([
    'HTTP/1.1 403 the-secret-word\r\nx-word: the-secret-word\r\n\r\nthe-secret-word',
    'SSH-2.0-the-secret-word\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\nthe-secret-word',
  ])('is never quoted: %j', async (answer) => {
    const { url } = await startRaw((socket) => socket.write(answer));
    const client = makeClient(credentialsFor({ server: 'https://api.test', proxyUrl: url }));
    const error = await failureOf(client.request(OBJECT));
    expect(error).toMatchObject({ reason: 'Unreachable', code: 0 });
    expect(error.message).not.toContain('secret');
  });
});
