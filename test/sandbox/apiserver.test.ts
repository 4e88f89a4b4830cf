/** The sandbox over HTTP, with our own client. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchange } from '../../harness/conformance/exchange.ts';
import { type Sandbox, startSandboxApi } from '../../sandbox/start.ts';
import type { ApiClient } from '../../src/kube/http/api.ts';
import { clientOf } from './client.ts';

interface Page {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

let sandbox: Sandbox;
let client: ApiClient;

beforeEach(async () => {
  sandbox = await startSandboxApi();
  client = clientOf(sandbox);
});
afterEach(() => sandbox.stop());

const MAPS = '/api/v1/namespaces/default/configmaps';
const add = (name: string, labels: Record<string, string> = {}) =>
  sandbox.api.create('configmaps', { metadata: { name, labels } }, 'default');
const remove = (name: string): void => sandbox.api.delete({ resource: 'configmaps', namespace: 'default', name });
const page = (query: Record<string, string | number>) => client.request<Page>({ method: 'GET', path: MAPS, query });
const namesOf = ({ items }: Page): string[] => items.map(({ metadata }) => metadata.name);

/** The first lines of a watch, as `TYPE name`. */
async function watched(count: number, query: Record<string, string | boolean>, change: () => void): Promise<string[]> {
  const stop = new AbortController();
  const lines: string[] = [];
  const query_ = { watch: true, ...query };
  const stream = client.lines({ path: MAPS, query: query_, signal: stop.signal, idleMs: 5000 });
  const reading = stream[Symbol.asyncIterator]();
  const first = reading.next();
  await expect.poll(() => sandbox.requests().some(({ verb }) => verb === 'watch')).toBe(true);
  change();
  for (let next = await first; !next.done; next = await reading.next()) {
    const { type, object } = JSON.parse(next.value);
    lines.push(`${type} ${object.metadata.name ?? '-'}`);
    if (lines.length === count) break;
  }
  stop.abort();
  await reading.return?.(undefined);
  return lines;
}

describe('lists', () => {
  it('show the state of their first page on every page', async () => {
    for (const name of ['a', 'b', 'c', 'd']) add(name);
    const first = await page({ limit: 2 });
    expect(first.metadata.remainingItemCount).toBe(2);
    remove('c');
    add('cc');
    const second = await page({ limit: 2, continue: first.metadata.continue ?? '' });
    expect([...namesOf(first), ...namesOf(second)]).toEqual(['a', 'b', 'c', 'd']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('answer 410 for a page whose version is forgotten, with a token to go on from', async () => {
    for (const name of ['a', 'b', 'c']) add(name);
    const { metadata } = await page({ limit: 2 });
    add('bb');
    sandbox.faults.compact();
    const { code, body } = await exchange(sandbox, {
      method: 'GET',
      path: `${MAPS}?limit=2&continue=${metadata.continue}`,
    });
    expect(code).toBe(410);
    const rest = await page({ limit: 5, continue: (body as Page).metadata.continue ?? '' });
    expect(namesOf(rest)).toEqual(['bb', 'c']);
  });

  it('can be had at an exact older version', async () => {
    const { metadata } = add('a');
    add('b');
    const old = await page({ resourceVersion: metadata.resourceVersion, resourceVersionMatch: 'Exact' });
    expect(namesOf(old)).toEqual(['a']);
  });
});

describe('watches', () => {
  it('tell what enters and leaves a selector', async () => {
    const { metadata } = add('a');
    const label = (value: string | null): unknown =>
      sandbox.api.patch(
        { resource: 'configmaps', namespace: 'default', name: 'a' },
        { metadata: { labels: { in: value } } },
      );
    const lines = await watched(3, { labelSelector: 'in=yes', resourceVersion: metadata.resourceVersion }, () => {
      label('yes');
      label('no');
      label('yes');
    });
    expect(lines).toEqual(['ADDED a', 'DELETED a', 'ADDED a']);
  });

  it('begin with what there is and a bookmark where initial events are asked for', async () => {
    add('a');
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true };
    expect(await watched(3, query, () => add('b'))).toEqual(['ADDED a', 'BOOKMARK -', 'ADDED b']);
  });

  it('answer 410 from a version that is forgotten', async () => {
    const { metadata } = add('a');
    add('b');
    sandbox.faults.compact();
    const path = `${MAPS}?watch=true&resourceVersion=${metadata.resourceVersion}`;
    expect(await exchange(sandbox, { method: 'GET', path })).toMatchObject({ code: 410, body: { reason: 'Expired' } });
  });
});

describe('requests', () => {
  it('need the token', async () => {
    const { code } = await exchange({ ...sandbox, token: 'other' }, { method: 'GET', path: MAPS });
    expect(code).toBe(401);
  });

  it('may not be larger than 3 MiB', async () => {
    const body = { metadata: { name: 'big' }, data: { x: 'x'.repeat(3 * 1024 * 1024) } };
    await expect(client.request({ method: 'POST', path: MAPS, body })).rejects.toMatchObject({ code: 413 });
  });

  it('leave the version as it is where they change nothing', async () => {
    const before = add('a', { x: 'y' });
    const body = { metadata: { labels: { x: 'y' } } };
    const after = await client.request({ method: 'PATCH', path: `${MAPS}/a`, patchType: 'merge', body });
    expect(after).toMatchObject({ metadata: { resourceVersion: before.metadata.resourceVersion } });
  });

  it('are refused beyond the limit of objects', async () => {
    const small = await startSandboxApi({ maxObjects: 8 });
    small.api.create('namespaces', { metadata: { name: 'last' } });
    expect(() => small.api.create('namespaces', { metadata: { name: 'surplus' } })).toThrow('database space exceeded');
    await small.stop();
  });
});

describe('`SandboxApi.watch()`', () => {
  it('tells what there is, then changes in order, never inside the change', async () => {
    add('a');
    const told: string[] = [];
    const stop = sandbox.api.watch('configmaps', ({ type, object }) => told.push(`${type} ${object.metadata.name}`));
    add('b');
    remove('a');
    expect(told).toEqual([]);
    await expect.poll(() => told).toEqual(['ADDED a', 'ADDED b', 'DELETED a']);
    stop();
    add('c');
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toHaveLength(3);
  });

  it('waits for a kind that is not served yet', async () => {
    const told: string[] = [];
    sandbox.api.watch('widgets.example.com', ({ object }) => told.push(object.metadata.name));
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    sandbox.api.create('customresourcedefinitions.apiextensions.k8s.io', {
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    });
    sandbox.api.create('widgets.example.com', { metadata: { name: 'w' } });
    await expect.poll(() => told).toEqual(['w']);
  });
});
