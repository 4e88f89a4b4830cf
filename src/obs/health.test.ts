import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, connect as openSocket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Check } from '../runtime/manager.ts';
import type { BindAddress } from './address.ts';
import { type EndpointOptions, Endpoints } from './health.ts';
import { makeLog } from './log.ts';

const ANY: BindAddress = { is: 'on', host: '127.0.0.1', port: 0 };
const OFF: BindAddress = { is: 'off' };
const silent = makeLog({ level: 'error', format: 'json', write: () => {} });

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(options: Partial<EndpointOptions>): Promise<readonly number[]> {
  const endpoints = new Endpoints({
    metricsAddress: ANY,
    healthAddress: ANY,
    healthz: () => [],
    readyz: () => [],
    exposition: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    log: silent,
    ...options,
  });
  const stop = new AbortController();
  const running = endpoints.start(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await running;
  });
  return (await endpoints.addresses()).map(({ port }) => port);
}

async function ask(port: number | undefined, path: string, method = 'GET') {
  const sent = request({ host: '127.0.0.1', port, path, method, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { code: response.statusCode, type: response.headers['content-type'], allow: response.headers.allow, body };
}

const good: Check = { name: 'caches', check: () => undefined };
const bad: Check = { name: 'watch/pods', check: () => 'no contact for 3m' };

describe('`Endpoints`', () => {
  it('answers ok, and lists the checks with ?verbose', async () => {
    const [, health] = await serve({ healthz: () => [good] });
    expect(await ask(health, '/healthz')).toMatchObject({ code: 200, body: 'ok' });
    expect((await ask(health, '/healthz?verbose')).body).toBe('[+]caches ok\nhealthz check passed\n');
  });

  it('shows what is worth knowing below its check, and stays green', async () => {
    const details = (): readonly string[] => ['metal/shop Unreachable: no answer', '1 of 2 connected'];
    const [, health] = await serve({ readyz: () => [{ ...good, details }] });
    expect(await ask(health, '/readyz')).toMatchObject({ code: 200, body: 'ok' });
    expect((await ask(health, '/readyz?verbose')).body).toBe(
      '[+]caches ok\n    metal/shop Unreachable: no answer\n    1 of 2 connected\nreadyz check passed\n',
    );
  });

  it('answers 500 and says which check failed and why', async () => {
    const [, health] = await serve({ readyz: () => [good, bad] });
    expect(await ask(health, '/readyz')).toMatchObject({
      code: 500,
      body: '[+]caches ok\n[-]watch/pods failed: no contact for 3m\nreadyz check failed\n',
    });
    expect(await ask(health, '/readyz?exclude=watch/pods')).toMatchObject({ code: 200 });
  });

  it('takes a check that throws for a failed one', async () => {
    const broken: Check = {
      name: 'broken',
      check: () => {
        throw new Error('oops');
      },
    };
    const [, health] = await serve({ healthz: () => [broken] });
    expect((await ask(health, '/healthz')).body).toContain('[-]broken failed: oops');
  });

  it('serves metrics on their own address only', async () => {
    const [metrics, health] = await serve({});
    expect(await ask(metrics, '/metrics')).toMatchObject({
      code: 200,
      type: 'text/plain; version=0.0.4',
      body: 'up 1\n',
    });
    expect((await ask(health, '/metrics')).code).toBe(404);
    expect((await ask(metrics, '/healthz')).code).toBe(404);
  });

  it('serves everything by one server where the addresses are equal', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const address: BindAddress = { is: 'on', host: '127.0.0.1', port };
    expect(await serve({ metricsAddress: address, healthAddress: address })).toEqual([port]);
    expect((await ask(port, '/metrics')).code).toBe(200);
    expect((await ask(port, '/readyz')).code).toBe(200);
  });

  it('serves nothing where both are off', async () => {
    expect(await serve({ metricsAddress: OFF, healthAddress: OFF })).toEqual([]);
  });

  it('answers 500 where the metrics cannot be written', async () => {
    const [metrics] = await serve({ exposition: () => Promise.reject(new Error('secret detail')) });
    expect(await ask(metrics, '/metrics')).toMatchObject({ code: 500, body: 'internal error\n' });
  });

  it('takes GET and HEAD only', async () => {
    const [, health] = await serve({});
    expect(await ask(health, '/healthz', 'HEAD')).toMatchObject({ code: 200, body: '' });
    expect(await ask(health, '/healthz', 'POST')).toMatchObject({ code: 405, allow: 'GET, HEAD' });
  });

  it('refuses headers above 8 KiB', async () => {
    const [, health] = await serve({});
    const socket = openSocket(health ?? 0, '127.0.0.1');
    socket.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 431/);
    socket.destroy();
  });

  it('names the address that is in use', async () => {
    const [, port = 0] = await serve({});
    await expect(serve({ metricsAddress: { is: 'on', host: '127.0.0.1', port }, healthAddress: OFF })).rejects.toThrow(
      `Address 127.0.0.1:${port} for /metrics is already in use`,
    );
    await expect(cleanups.pop()?.()).rejects.toThrow('already in use');
  });

  it('ends at once when stopped, whatever connections are open', async () => {
    const [, health] = await serve({});
    const socket = openSocket(health ?? 0, '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    await cleanups.pop()?.();
    await closed;
  });
});
