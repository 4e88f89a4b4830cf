import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../../harness/doubles/scripted-server.ts';
import { credentialsFor, writeKubeconfig } from '../../../harness/doubles/test-kubeconfig.ts';
import { createAuthority } from '../../../sandbox/certificates.ts';
import { loadKubeConfig } from '../auth/credentials.ts';
import type { ApiClient, ApiRequest } from './api.ts';
import { type ClientOptions, makeClient, type RequestReport } from './client.ts';
import { KubeError } from './errors.ts';

const GET: ApiRequest = { method: 'GET', path: '/api/v1/nodes/n' };

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer();
});
afterEach(() => server.close());

const clientOf = (options?: ClientOptions): ApiClient => makeClient(credentialsFor({ server: server.url }), options);
const lastRequest = () => server.requests.at(-1);

/** Answers in their order; the last one is repeated. */
function script(...answers: readonly ScriptedAnswer[]): void {
  let next = 0;
  server.handle(() => answers[Math.min(next++, answers.length - 1)] ?? {});
}

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KubeError) return error;
  throw new Error('Expected a KubeError', { cause: error });
}

describe('`request()`', () => {
  it('gives the parsed body, and undefined for an empty one', async () => {
    script({ body: { kind: 'Node' } }, { body: '' });
    const client = clientOf();
    expect(await client.request(GET)).toEqual({ kind: 'Node' });
    expect(await client.request(GET)).toBeUndefined();
  });

  it('passes the items of a list one by one, and throws what that throws', async () => {
    script({ body: { metadata: { resourceVersion: '9' }, items: [{ name: 'a' }, { name: 'b' }] } });
    const items: unknown[] = [];
    const list = { ...GET, path: '/api/v1/nodes', onItem: (item: unknown) => items.push(item) };
    expect(await clientOf().request(list)).toEqual({ metadata: { resourceVersion: '9' }, items: [] });
    expect(items).toEqual([{ name: 'a' }, { name: 'b' }]);
    const bug = new Error('a bug of the caller');
    const onItem = (): void => {
      throw bug;
    };
    await expect(clientOf().request({ ...list, onItem })).rejects.toBe(bug);
  });

  it('sends path, query, credentials and user agent', async () => {
    await clientOf({ userAgent: 'maintenance-bridge/1.2.3' }).request({
      method: 'GET',
      path: '/api/v1/namespaces/a%2Fb/pods',
      query: { limit: 500, labelSelector: 'a=b,c in (d, e)', watch: false, continue: undefined },
    });
    const { path, query, headers } = lastRequest() ?? {};
    expect(path).toBe('/api/v1/namespaces/a%2Fb/pods');
    expect(Object.fromEntries(query ?? [])).toEqual({ limit: '500', labelSelector: 'a=b,c in (d, e)', watch: 'false' });
    expect(headers).toMatchObject({ authorization: 'Bearer test-token', 'user-agent': 'maintenance-bridge/1.2.3' });
  });

  it('keeps the path of a server below which the API is served', async () => {
    const credentials = credentialsFor({ server: new URL('/k8s/clusters/c-1/', server.url) });
    await makeClient(credentials).request(GET);
    expect(lastRequest()?.path).toBe('/k8s/clusters/c-1/api/v1/nodes/n');
    await makeClient(credentialsFor({ server: new URL('/k8s//', server.url) })).request(GET);
    expect(lastRequest()?.path).toBe('/k8s/api/v1/nodes/n');
  });

  it.each([
    ['merge', 'application/merge-patch+json'],
    ['strategic-merge', 'application/strategic-merge-patch+json'],
    ['json', 'application/json-patch+json'],
    ['apply', 'application/apply-patch+yaml'],
  ] as const)('sends a %s patch as %s', async (patchType, contentType) => {
    await clientOf().request({ method: 'PATCH', path: '/api/v1/nodes/n', patchType, body: { metadata: { a: 'ü' } } });
    expect(lastRequest()).toMatchObject({
      method: 'PATCH',
      body: '{"metadata":{"a":"ü"}}',
      headers: { 'content-type': contentType, 'content-length': '23' },
    });
  });

  it.each([
    [GET.path, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'],
    ['/api/v1/nodes', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'],
    ['/apis/apps/v1/namespaces/a/replicasets', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'],
  ])('asks for metadata only of %s, with no whole objects as a second choice', async (path, accept) => {
    await clientOf().request({ method: 'GET', path, metadataOnly: true });
    expect(lastRequest()?.headers.accept).toBe(accept);
  });

  it('takes a list compressed', async () => {
    const body = gzipSync(JSON.stringify({ items: ['ü'.repeat(100_000)] }));
    script({ headers: { 'content-encoding': 'gzip' }, body });
    expect(await clientOf().request({ method: 'GET', path: '/api/v1/nodes' })).toEqual({
      items: ['ü'.repeat(100_000)],
    });
    expect(lastRequest()?.headers['accept-encoding']).toBe('gzip');
  });

  it('takes nothing compressed where the kubeconfig sets `disable-compression`', async () => {
    const credentials = credentialsFor({ server: server.url, disablesCompression: true });
    await makeClient(credentials).request({ method: 'GET', path: '/api/v1/nodes' });
    expect(lastRequest()?.headers['accept-encoding']).toBe('identity');
  });

  it('reports each attempt with verb, code and duration', async () => {
    const reports: RequestReport[] = [];
    const client = clientOf({ onRequest: (report) => reports.push(report) });
    await client.request(GET);
    script({ status: 429, body: {} });
    await failureOf(client.request({ method: 'POST', path: '/api/v1/namespaces/a/pods/p/eviction', retry: 'never' }));
    script({ destroy: true });
    await failureOf(client.request({ method: 'DELETE', path: '/api/v1/namespaces/a', retry: 'never' }));
    expect(reports.map(({ verb, code }) => [verb, code])).toEqual([
      ['get', '200'],
      ['evict', '429'],
      ['delete', 'Unreachable'],
    ]);
    expect(reports.every(({ durationMs }) => durationMs >= 0 && durationMs < 10_000)).toBe(true);
  });
});

describe('an answer that is not 2xx', () => {
  const status = (reason: string, message = 'words', details = {}) => ({ kind: 'Status', reason, message, details });

  it.each([
    [400, status('BadRequest'), 'BadRequest'],
    [401, status('Unauthorized'), 'Unauthorized'],
    [403, status('Forbidden'), 'Forbidden'],
    [404, status('NotFound'), 'NotFound'],
    [405, status('MethodNotAllowed'), 'BadRequest'],
    [406, status('NotAcceptable'), 'BadRequest'],
    [409, status('Conflict'), 'Conflict'],
    [409, status('AlreadyExists'), 'AlreadyExists'],
    [410, status('Gone'), 'Gone'],
    [410, status('Expired'), 'Gone'],
    [422, status('Invalid'), 'Invalid'],
    [429, status('TooManyRequests'), 'TooManyRequests'],
    [500, status('InternalError'), 'ServerError'],
    [503, status('ServiceUnavailable'), 'ServerError'],
    [504, status('Timeout'), 'ServerError'],
  ])('%i %o is a `KubeError` with reason %s and the server’s words', async (code, body, reason) => {
    script({ status: code, body });
    expect(await failureOf(clientOf().request(GET))).toMatchObject({ code, reason, message: 'words', causes: [] });
  });

  it.each([
    [302, 'ServerError'],
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [404, 'NotFound'],
    [429, 'TooManyRequests'],
    [502, 'ServerError'],
  ])('%i with a proxy’s page says what was asked and starts the page', async (code, reason) => {
    script({ status: code, headers: { 'content-type': 'text/html' }, body: `<html>\n <b>no</b>${'x'.repeat(500)}` });
    const error = await failureOf(clientOf().request({ ...GET, query: { fieldManager: 'm' } }));
    expect(error).toMatchObject({ code, reason });
    expect(error.message).toMatch(new RegExp(`^GET /api/v1/nodes/n answered ${code}: <html> <b>no</b>x+$`));
    expect(error.message.length).toBeLessThan(250);
  });

  it('never has a token in its message', async () => {
    const client = makeClient(credentialsFor({ server: server.url, user: { token: 'very-secret-token' } }));
    server.handle(({ headers }) => ({ status: 400, body: `Bad header ${headers.authorization}` }));
    expect((await failureOf(client.request(GET))).message).toContain('Bad header Bearer …');
    server.handle(({ headers }) => ({ body: `Echo ${headers.authorization}` }));
    expect(inspect(await failureOf(client.request(GET)))).not.toContain('secret');
  });

  it('carries the causes', async () => {
    const causes = [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }];
    script({ status: 429, body: status('TooManyRequests', 'Cannot evict pod', { causes }) });
    const error = await failureOf(clientOf().request({ ...GET, method: 'POST', retry: 'never' }));
    expect(error).toMatchObject({ message: 'Cannot evict pod', causes, retryAfterMs: undefined });
  });

  it.each([
    ['seconds', { 'retry-after': '7' }, {}, 7000],
    ['zero seconds', { 'retry-after': '0' }, {}, 0],
    ['a date', { 'retry-after': new Date(1_000_000_012_000).toUTCString() }, {}, 12_000],
    ['a date that has passed', { 'retry-after': new Date(999_999_999_000).toUTCString() }, {}, 0],
    ['the Status', {}, { retryAfterSeconds: 3 }, 3000],
    ['the header before the Status', { 'retry-after': '7' }, { retryAfterSeconds: 3 }, 7000],
    ['a Status that leaves it out', {}, { retryAfterSeconds: 0 }, undefined],
    ['nonsense', { 'retry-after': 'soon' }, {}, undefined],
  ])('has `retryAfterMs` from %s', async (_, headers: Record<string, string>, details, retryAfterMs) => {
    script({ status: 429, headers, body: status('TooManyRequests', 'wait', details) });
    const client = clientOf({ clock: { now: () => 1_000_000_000_000 } });
    expect(await failureOf(client.request({ ...GET, retry: 'never' }))).toMatchObject({ retryAfterMs });
  });

  it('is `Malformed` where a 2xx has a body that is no JSON', async () => {
    script({ body: '<html>Welcome' });
    expect(await failureOf(clientOf().request(GET))).toMatchObject({
      code: 200,
      reason: 'Malformed',
      message: 'GET /api/v1/nodes/n answered with a body that is no JSON: <html>Welcome',
    });
  });
});

describe('giving up', () => {
  it('is `TimedOut` after `timeoutMs` without an answer, or in the middle of one', async () => {
    script({ stream: () => {} });
    expect(await failureOf(clientOf().request({ ...GET, timeoutMs: 50 }))).toMatchObject({
      reason: 'TimedOut',
      code: 0,
    });
    script({ headers: { 'content-length': '100' }, stream: (out) => out.chunk('{') });
    const error = await failureOf(clientOf().request({ ...GET, timeoutMs: 50 }));
    expect(error).toMatchObject({ reason: 'TimedOut', message: 'GET /api/v1/nodes/n did not answer within 50 ms' });
    await Promise.all(server.requests.map(({ closed }) => closed));
  });

  it('is `Aborted` by the caller’s signal: before, during the request and between attempts', async () => {
    const already = AbortSignal.abort();
    expect(await failureOf(clientOf().request({ ...GET, signal: already }))).toMatchObject({
      reason: 'Aborted',
      code: 0,
    });

    const during = new AbortController();
    script({ stream: () => during.abort() });
    expect(await failureOf(clientOf().request({ ...GET, signal: during.signal }))).toMatchObject({ reason: 'Aborted' });

    const between = new AbortController();
    script({ status: 429, headers: { 'retry-after': '30' }, body: {} });
    const pending = clientOf().request({ ...GET, signal: between.signal });
    await vi.waitUntil(() => server.requests.length === 2);
    between.abort();
    expect(await failureOf(pending)).toMatchObject({ reason: 'Aborted' });
  });

  it('is `Unreachable` where nobody listens', async () => {
    const client = clientOf();
    await server.close();
    const error = await failureOf(client.request(GET));
    expect(error).toMatchObject({ reason: 'Unreachable', code: 0 });
    expect(error.message).toMatch(/^GET \/api\/v1\/nodes\/n: connect ECONNREFUSED/);
  });

  it('is `Unreachable` where the body is shorter than announced', async () => {
    script({
      headers: { 'content-length': '100' },
      stream: (out) => {
        out.chunk('{"a":1}');
        out.destroy();
      },
    });
    expect(await failureOf(clientOf().request(GET))).toMatchObject({ reason: 'Unreachable' });
  });
});

describe('`mayWrite`', () => {
  it('lets nothing but a GET through while it says no', async () => {
    const client = clientOf({ mayWrite: () => false });
    script({ body: { ok: true } });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const { reason, message } = await failureOf(client.request({ ...GET, method, body: {} }));
      expect([reason, message]).toEqual([
        'Aborted',
        `${method} ${GET.path} was not sent: this process does not lead any more`,
      ]);
    }
    expect(await client.request(GET)).toEqual({ ok: true });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('is asked again before each attempt', async () => {
    let isLeader = true;
    const sleep = async (): Promise<void> => {
      isLeader = false;
    };
    script({ status: 429, headers: { 'retry-after': '2' }, body: {} }, { body: { ok: true } });
    const client = clientOf({ mayWrite: () => isLeader, sleep });
    expect((await failureOf(client.request({ ...GET, method: 'PATCH', patchType: 'merge', body: {} }))).reason).toBe(
      'Aborted',
    );
    expect(server.requests).toHaveLength(1);
  });
});

describe('trying again', () => {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  beforeEach(() => waits.splice(0));

  it.each([429, 503])('after %i waits for as long as `Retry-After` says', async (status) => {
    script({ status, headers: { 'retry-after': '2' }, body: {} }, { body: { ok: true } });
    expect(await clientOf({ sleep }).request({ ...GET, method: 'POST', body: {} })).toEqual({ ok: true });
    expect(waits).toEqual([expect.closeTo(2100, -3)]);
    expect(waits[0]).toBeGreaterThanOrEqual(2000);
  });

  it('waits at most about half a minute at once, and ends after a minute in all', async () => {
    let now = 0;
    const advancing = async (ms: number): Promise<void> => {
      now += ms;
      await sleep(ms);
    };
    script({ status: 503, headers: { 'retry-after': '3600' }, body: {} });
    const client = clientOf({ sleep: advancing, clock: { now: () => now } });
    expect(await failureOf(client.request(GET))).toMatchObject({ code: 503, retryAfterMs: 3_600_000 });
    expect(waits.length).toBeGreaterThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(33_000);
    expect(now).toBeLessThanOrEqual(60_000);
  });

  it('ends after five attempts', async () => {
    script({ status: 429, headers: { 'retry-after': '1' }, body: {} });
    await failureOf(clientOf({ sleep }).request(GET));
    expect(server.requests).toHaveLength(5);
  });

  it.each([
    ['429 without `Retry-After`', { status: 429, body: {} }, {}],
    ['500', { status: 500, headers: { 'retry-after': '1' }, body: {} }, {}],
    [
      '429 with `retry: never`',
      { status: 429, headers: { 'retry-after': '1' }, body: {} },
      { retry: 'never' as const },
    ],
    ['a cut first connection', { destroy: true }, {}],
  ])('is not done after %s', async (_, answer, request) => {
    script(answer);
    await failureOf(clientOf({ sleep }).request({ ...GET, ...request }));
    expect(server.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  it.each([
    ['GET', {}, true],
    ['PUT', {}, true],
    ['PATCH', {}, true],
    ['DELETE', {}, true],
    ['POST', {}, false],
    ['GET', { retry: 'never' }, false],
  ] as const)('after a used connection was cut: %s %o is repeated: %s', async (method, options, isRepeated) => {
    script({ body: {} }, { destroy: true }, { body: { ok: true } });
    const client = clientOf({ sleep });
    await client.request(GET);
    const second = client.request({ method, path: GET.path, ...options });
    if (isRepeated) expect(await second).toEqual({ ok: true });
    else expect(await failureOf(second)).toMatchObject({ reason: 'Unreachable' });
    expect(server.requests).toHaveLength(isRepeated ? 3 : 2);
    expect(waits).toEqual([]);
  });
});

describe('connections', () => {
  it('serves 200 requests in a row over one TLS connection', async () => {
    const authority = createAuthority();
    await using secure = await startScriptedServer(undefined, { tls: authority.issueServer('127.0.0.1') });
    const client = makeClient(credentialsFor({ server: secure.url, ca: authority.cert }));
    for (let i = 0; i < 200; i += 1) await client.request(GET);
    expect(secure.requests).toHaveLength(200);
    expect(secure.connections).toEqual({ opened: 1, open: 1 });
  });

  it('opens at most `maxSockets` for requests, and streams do not count', async () => {
    const kubeconfig = writeKubeconfig({ server: server.url });
    const client = makeClient(loadKubeConfig({ kubeconfig, env: {}, homedir: '/nonexistent', maxSockets: 3 }));
    server.handle(({ query }) => (query.has('watch') ? { stream: (out) => out.line({}) } : { body: {}, delayMs: 5 }));

    const leave = new AbortController();
    const streams = Array.from({ length: 5 }, () =>
      client
        .lines({ path: '/api/v1/nodes', query: { watch: true }, signal: leave.signal, idleMs: 60_000 })
        [Symbol.asyncIterator](),
    );
    await Promise.all(streams.map((stream) => stream.next()));
    expect(server.connections.open).toBe(5);
    await Promise.all(Array.from({ length: 30 }, () => client.request(GET)));
    expect(server.connections.opened).toBe(8);
    leave.abort();
  });
});

describe('`lines()`', () => {
  const WATCH = { path: '/api/v1/nodes', query: { watch: true }, idleMs: 10_000, signal: new AbortController().signal };

  async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
    const seen: string[] = [];
    for await (const line of lines) seen.push(line);
    return seen;
  }

  it('gives each line and ends when the server closes properly', async () => {
    script({
      stream: (out) => {
        out.line({ n: 1 });
        out.chunk('{"n":2}\n{"n":3}\n');
        out.end();
      },
    });
    const lines = clientOf().lines({ ...WATCH, metadataOnly: true });
    expect(await linesOf(lines)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(lastRequest()?.headers).toMatchObject({
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      'accept-encoding': 'identity',
    });
  });

  it('keeps a character whole that was cut in two on the way', async () => {
    const bytes = Buffer.from('"käse 🧀"\n');
    let received = 0;
    script({
      stream: async (out) => {
        for (const byte of bytes) {
          out.chunk(Uint8Array.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
        out.end();
      },
    });
    for await (const line of clientOf().lines(WATCH)) {
      expect(line).toBe('"käse 🧀"');
      received += 1;
    }
    expect(received).toBe(1);
  });

  it.each([
    ['the connection is cut between lines', (out: { destroy(): void }) => out.destroy()],
    [
      'the server ends in the middle of a line',
      (out: { chunk(text: string): void; end(): void }) => {
        out.chunk('{"n":');
        out.end();
      },
    ],
  ])('throws `Unreachable` after the whole lines when %s', async (_, finish) => {
    let proceed = (): void => {};
    const isRead = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    script({
      stream: async (out) => {
        out.line({ n: 1 });
        await isRead;
        finish(out);
      },
    });
    const lines = clientOf().lines(WATCH)[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: '{"n":1}' });
    proceed();
    expect(await failureOf(lines.next())).toMatchObject({ reason: 'Unreachable' });
    expect((await lines.next()).done).toBe(true);
  });

  it('throws `TimedOut` after `idleMs` without a byte, and closes the connection', async () => {
    script({ stream: (out) => out.line({ n: 1 }) });
    const lines = clientOf()
      .lines({ ...WATCH, idleMs: 50 })
      [Symbol.asyncIterator]();
    await lines.next();
    expect(await failureOf(lines.next())).toMatchObject({ reason: 'TimedOut', code: 0 });
    await lastRequest()?.closed;
  });

  it('does not take a slow reader for an idle server', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    script({
      stream: (out) => {
        out.chunk('1\n2\n');
        out.end();
      },
    });
    const seen: string[] = [];
    for await (const line of clientOf().lines({ ...WATCH, idleMs: 30_000 })) {
      seen.push(line);
      vi.advanceTimersByTime(60_000);
    }
    expect(seen).toEqual(['1', '2']);
  });

  it('throws `Aborted` when the caller’s signal aborts, and closes the connection', async () => {
    const controller = new AbortController();
    script({ stream: (out) => out.line({ n: 1 }) });
    const lines = clientOf()
      .lines({ ...WATCH, signal: controller.signal })
      [Symbol.asyncIterator]();
    await lines.next();
    const next = lines.next();
    controller.abort();
    expect(await failureOf(next)).toMatchObject({ reason: 'Aborted' });
    await lastRequest()?.closed;
  });

  it('closes the connection when the reader leaves the loop', async () => {
    script({ stream: (out) => out.line({ n: 1 }) });
    for await (const _ of clientOf().lines(WATCH)) break;
    await lastRequest()?.closed;
    expect(server.connections.open).toBe(0);
  });

  it('throws `TooLarge` for a line above 16 MiB without waiting for its end', async () => {
    script({
      stream: (out) => {
        for (let i = 0; i < 17; i += 1) out.chunk(Buffer.alloc(1024 * 1024, 'x'));
      },
    });
    expect(await failureOf(linesOf(clientOf().lines(WATCH)))).toMatchObject({ reason: 'TooLarge' });
    await lastRequest()?.closed;
  });

  it('throws like `request()` for an answer that is not 2xx, and leaves its connection usable', async () => {
    script({ status: 410, body: { kind: 'Status', reason: 'Expired', message: 'too old resource version' } });
    const client = clientOf();
    for (let i = 0; i < 3; i += 1) {
      const error = await failureOf(linesOf(client.lines(WATCH)));
      expect(error).toMatchObject({ code: 410, reason: 'Gone', message: 'too old resource version' });
    }
    expect(server.connections.opened).toBe(1);
  });
});
