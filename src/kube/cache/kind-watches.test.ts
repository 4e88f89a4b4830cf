import { expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { eventually } from '../../../harness/wait.ts';
import { POD } from '../../core/objects.ts';
import type { ApiClient, ApiRequest, StreamRequest } from '../http/api.ts';
import { KindWatches } from './kind-watches.ts';
import { NamespaceWatches } from './namespace-watches.ts';

/** A cluster with one object, whose watch fails with a bug as soon as `fail` is called. */
function brokenCluster() {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const item = { metadata: { name: 'settings', namespace: 'shop', uid: 'uid', resourceVersion: '1' } };
  const client: ApiClient = {
    request: async <T>(_: ApiRequest) => ({ metadata: { resourceVersion: '1' }, items: [item] }) as T,
    // biome-ignore lint/correctness/useYield: this watch never delivers anything.
    async *lines({ onOpen }: StreamRequest) {
      onOpen?.();
      await promise;
    },
  };
  return { client, fail: () => reject(new TypeError('a bug')) };
}

const AT = { resource: POD, namespace: 'shop', name: 'settings' };

it('`KindWatches` shows nothing of a watch that a bug has ended', async () => {
  const { client, fail } = brokenCluster();
  const log = recordingLog();
  const watches = new KindWatches({ client, clock: Date, log, onChange: () => {} });
  watches.watch('owner', [AT]);
  const open = (isOpen: boolean) =>
    eventually(() => (watches.isWatching(POD) === isOpen ? true : undefined), { what: `open: ${isOpen}` });
  await open(true);
  expect(watches.seen(AT)).toMatchObject({ resourceVersion: '1' });
  fail();
  await open(false);
  expect(watches.seen(AT)).toBeUndefined();
  expect(log.lines.map(({ message }) => message)).toContain('Watch failed');
  watches.close();
});

it('`NamespaceWatches` does not promise changes of a watch that a bug has ended', async () => {
  const { client, fail } = brokenCluster();
  const watches = new NamespaceWatches({ client, clock: Date, log: recordingLog(), onChange: () => {} });
  watches.want([AT]);
  const open = (isOpen: boolean) =>
    eventually(() => (watches.isOpen() === isOpen ? true : undefined), { what: `open: ${isOpen}` });
  await open(true);
  fail();
  await open(false);
  watches.want([]);
});
