/** Scripted faults, and the behaviour of our own client and watches. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../harness/wait.ts';
import { type Sandbox, startSandboxApi } from '../../sandbox/start.ts';
import type { ApiClient } from '../../src/kube/http/api.ts';
import { clientOf, type Following, followNamespaces } from './client.ts';

let sandbox: Sandbox;
let client: ApiClient;

beforeEach(async () => {
  sandbox = await startSandboxApi();
  client = clientOf(sandbox);
});
afterEach(() => sandbox.stop());

const create = (name: string): unknown => sandbox.api.create('namespaces', { metadata: { name } });
const known = ({ names }: Following, name: string): Promise<true> =>
  eventually(() => (names.has(name) ? true : undefined), { what: `${name} to be known` });
const watching = (): Promise<true> =>
  eventually(() => (sandbox.requests().some(({ verb }) => verb === 'watch') ? true : undefined), { what: 'a watch' });

describe('`faults.endWatches()` and our `Reflector`', () => {
  it.each([
    ['close', 'ClosedEarly'],
    ['reset', 'Unreachable'],
    ['expire', 'Expired'],
    ['garbage', 'Malformed'],
  ] as const)('a watch that ends with %s restarts as %s and misses nothing', async (how, restart) => {
    await using following = followNamespaces(client);
    await known(following, 'default');
    await watching();
    await eventually(() => (sandbox.faults.endWatches({ resource: 'namespaces' }, how) > 0 ? true : undefined), {
      what: 'a watch to end',
    });
    create('after');
    await known(following, 'after');
    expect(following.restarts).toContain(restart);
  });

  it('lists again where the history was forgotten while it was away', async () => {
    await using following = followNamespaces(client);
    await known(following, 'default');
    await watching();
    sandbox.faults.add({ verb: 'watch', times: 1 }, { is: 'status', code: 503 });
    await eventually(() => (sandbox.faults.endWatches() > 0 ? true : undefined), { what: 'a watch to end' });
    create('missed');
    sandbox.faults.compact();
    await known(following, 'missed');
    expect(following.restarts).toContain('Expired');
  });

  it('outlives a restart of the server on the same port with the same data', async () => {
    await using following = followNamespaces(client);
    await known(following, 'default');
    create('before');
    await sandbox.faults.restart(50);
    create('after');
    await known(following, 'before');
    await known(following, 'after');
  });

  it('restarts although somebody has connected and not said a word yet', async () => {
    const silent = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    await once(silent, 'connect');
    // A response to a later request: the server has accepted the first connection too.
    await client.request({ method: 'GET', path: '/version' });
    const isClosed = once(silent, 'close');
    await sandbox.faults.restart();
    await isClosed;
    await client.request({ method: 'GET', path: '/version' });
  });
});

describe('`faults.add()` and our client', () => {
  const read = (more: object = {}) =>
    client.request({ method: 'GET', path: '/api/v1/namespaces/default', retry: 'never', ...more });

  it.each([
    [{ is: 'status', code: 500 } as const, 'ServerError'],
    [{ is: 'status', code: 409 } as const, 'Conflict'],
    [{ is: 'status', code: 410 } as const, 'Gone'],
    [{ is: 'status', code: 429 } as const, 'TooManyRequests'],
    [{ is: 'reset' } as const, 'Unreachable'],
    [{ is: 'truncated' } as const, 'Unreachable'],
    [{ is: 'garbage' } as const, 'Malformed'],
    [{ is: 'hang' } as const, 'TimedOut'],
    [{ is: 'late', ms: 2000 } as const, 'TimedOut'],
    [{ is: 'slow', bytesPerSecond: 100 } as const, 'TimedOut'],
  ])('%j shows as %s', async (fault, reason) => {
    sandbox.faults.add({ resource: 'namespaces', verb: 'get' }, fault);
    await expect(read({ timeoutMs: 500 })).rejects.toMatchObject({ reason });
    sandbox.faults.clear();
    await expect(read()).resolves.toMatchObject({ kind: 'Namespace' });
  });

  it('counts matching requests: `skip` lets the first through, `times` ends the rule', async () => {
    sandbox.faults.add({ path: /\/default$/, skip: 1, times: 1 }, { is: 'status', code: 503 });
    await expect(read()).resolves.toBeDefined();
    await expect(read()).rejects.toMatchObject({ code: 503 });
    await expect(read()).resolves.toBeDefined();
    expect(sandbox.requests().map(({ code }) => code)).toEqual([200, 503, 200]);
  });

  it('`lost` carries the request out and loses its answer', async () => {
    sandbox.faults.add({ method: 'POST' }, { is: 'lost' });
    const body = { metadata: { name: 'lost' } };
    await expect(client.request({ method: 'POST', path: '/api/v1/namespaces', body })).rejects.toMatchObject({
      reason: 'Unreachable',
    });
    expect(sandbox.api.get({ resource: 'namespaces', name: 'lost' })).toBeDefined();
  });

  it('is tried again by the client after `Retry-After`', async () => {
    sandbox.faults.add({ verb: 'get', times: 1 }, { is: 'status', code: 429, retryAfterSeconds: 0 });
    await expect(read({ retry: 'transient' })).resolves.toMatchObject({ kind: 'Namespace' });
    expect(sandbox.requests().map(({ code }) => code)).toEqual([429, 200]);
  });

  it('matches user agents and leaves others alone', async () => {
    sandbox.faults.add({ userAgent: 'another-client' }, { is: 'reset' });
    await expect(read()).resolves.toBeDefined();
    expect(sandbox.requests()[0]).toMatchObject({
      verb: 'get',
      path: '/api/v1/namespaces/default',
      userAgent: 'our-client/1',
    });
  });
});
