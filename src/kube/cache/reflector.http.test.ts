import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import {
  type ResponseStream,
  type ScriptedRequest,
  type ScriptedServer,
  startScriptedServer,
} from '../../../harness/doubles/scripted-server.ts';
import { soon } from '../../../harness/doubles/soon.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import { NAMESPACE, type Namespace } from '../../core/objects.ts';
import type { ApiClient, ApiRequest } from '../http/api.ts';
import { makeClient } from '../http/client.ts';
import { Informer } from './informer.ts';
import { Reflector } from './reflector.ts';

let server: ScriptedServer;
let informer: Informer<Namespace>;
let stop: AbortController;
let run: Promise<void>;
/** The watches that were opened, in order. */
let watches: { readonly request: ScriptedRequest; readonly out: ResponseStream }[];
let listed: readonly object[];
/** For each page, the items that were returned with it instead of being passed one by one. */
let held: number[];

const object = (name: string, resourceVersion: string) => ({ metadata: { name, uid: `uid-${name}`, resourceVersion } });
const names = () => {
  const known = informer.list();
  return known.is === 'known' ? known.value.map(({ metadata }) => metadata.name).sort() : 'unknown';
};
const openWatch = (nth: number) =>
  soon(() => {
    const found = watches[nth];
    if (found === undefined) throw new Error(`There is no watch ${nth}`);
    return found;
  });

const watched = (client: ApiClient): ApiClient => ({
  request: async <T>(request: ApiRequest): Promise<T> => {
    const body = await client.request<T>(request);
    held.push((body as { readonly items: readonly unknown[] }).items.length);
    return body;
  },
  lines: (request) => client.lines(request),
});

beforeEach(async () => {
  watches = [];
  held = [];
  listed = [object('a', '1'), object('b', '2'), object('c', '3')];
  server = await startScriptedServer((request) => {
    if (request.query.get('watch') === 'true') return { stream: (out) => void watches.push({ request, out }) };
    const start = Number(request.query.get('continue') ?? 0);
    const end = start + Number(request.query.get('limit'));
    const more = end < listed.length ? String(end) : '';
    return { body: { metadata: { resourceVersion: '9', continue: more }, items: listed.slice(start, end) } };
  });
  informer = new Informer({ log: recordingLog(), freeze: true });
  stop = new AbortController();
  run = new Reflector({
    client: watched(makeClient(credentialsFor({ server: server.url }))),
    resource: NAMESPACE,
    pageSize: 2,
    metadataOnly: true,
    backoff: { baseMs: 1, maxMs: 1 },
    clock: Date,
    log: recordingLog(),
  }).run(informer, stop.signal);
});

afterEach(async () => {
  stop.abort();
  await run;
  await server.close();
});

it('`Reflector` lists in pages and follows a watch over HTTP, asking for metadata only', async () => {
  const { request, out } = await openWatch(0);
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(request.query.get('resourceVersion')).toBe('9');
  const accepted = server.requests.map(({ headers }) => headers.accept);
  expect(accepted).toEqual([
    expect.stringContaining('as=PartialObjectMetadataList;'),
    expect.stringContaining('as=PartialObjectMetadataList;'),
    expect.stringContaining('as=PartialObjectMetadata;'),
  ]);
  out.line({ type: 'ADDED', object: object('d', '10') });
  out.line({ type: 'DELETED', object: object('a', '11') });
  await soon(() => expect(names()).toEqual(['b', 'c', 'd']));
});

it('`Reflector` takes the objects of a page one by one, and never holds the page', async () => {
  await openWatch(0);
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(held).toEqual([0, 0]);
});

it('`Reflector` goes on where it stopped when the connection is cut in the middle of a line', async () => {
  const { out } = await openWatch(0);
  out.line({ type: 'ADDED', object: object('d', '10') });
  out.chunk('{"type":"ADDED","obj');
  await soon(() => expect(names()).toContain('d'));
  out.destroy();
  const { request } = await openWatch(1);
  expect(request.query.get('resourceVersion')).toBe('10');
  expect(server.requests.filter(({ query }) => query.has('limit'))).toHaveLength(2);
});

it('`Reflector` leaves a stream with a broken line, closes its connection, and lists again', async () => {
  const { request, out } = await openWatch(0);
  listed = [object('b', '2')];
  out.chunk('no JSON\n');
  await request.closed;
  await openWatch(1);
  expect(names()).toEqual(['b']);
});

it('`Reflector.run()` ends a running watch when the signal aborts', async () => {
  const { request } = await openWatch(0);
  stop.abort();
  await run;
  await request.closed;
  expect(names()).toEqual(['a', 'b', 'c']);
});
