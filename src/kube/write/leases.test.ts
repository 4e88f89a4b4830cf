import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import type { LeaseRecord } from '../../runtime/leader.ts';
import { KubeError, type KubeErrorReason } from '../http/errors.ts';
import { makeLeaseStore } from './leases.ts';

const signal = new AbortController().signal;
const ours: LeaseRecord = {
  resourceVersion: '',
  holderIdentity: 'me',
  leaseDurationSeconds: 15,
  acquireTime: '2026-01-01T00:00:00.000000Z',
  renewTime: '2026-01-01T00:00:02.000000Z',
  leaseTransitions: 3,
};

function setUp(answer: ConstructorParameters<typeof RecordingApi>[0]) {
  const client = new RecordingApi(answer);
  return { client, store: makeLeaseStore({ client, namespace: 'system', name: 'bridge' }) };
}

const failing = (reason: KubeErrorReason, code: number) => () => {
  throw new KubeError({ reason, code, message: reason });
};

describe('makeLeaseStore', () => {
  it('`create()` posts the Lease and gives what was stored', async () => {
    const { client, store } = setUp(({ body }) => ({ ...(body as object), metadata: { resourceVersion: '5' } }));
    expect(await store.create(ours, signal)).toEqual({ ...ours, resourceVersion: '5' });
    const { resourceVersion: _, ...spec } = ours;
    expect(client.requests).toEqual([
      {
        method: 'POST',
        path: '/apis/coordination.k8s.io/v1/namespaces/system/leases',
        body: {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { namespace: 'system', name: 'bridge' },
          spec,
        },
        signal,
        timeoutMs: 5000,
        retry: 'never',
      },
    ]);
  });

  it('`update()` names the resourceVersion that was read and keeps the fields of others', async () => {
    const lease = {
      metadata: { resourceVersion: '5', labels: { team: 'a' } },
      spec: { holderIdentity: 'other', strategy: 'OldestEmulationVersion' },
    };
    const { client, store } = setUp(({ method, body }) => (method === 'GET' ? lease : body));
    const read = await store.get(signal);
    expect(read).toEqual({ resourceVersion: '5', holderIdentity: 'other' });
    await store.update({ ...ours, resourceVersion: '5' }, signal);
    expect(client.requests[1]).toMatchObject({
      method: 'PUT',
      path: '/apis/coordination.k8s.io/v1/namespaces/system/leases/bridge',
      body: {
        metadata: { namespace: 'system', name: 'bridge', resourceVersion: '5', labels: { team: 'a' } },
        spec: { holderIdentity: 'me', strategy: 'OldestEmulationVersion', leaseTransitions: 3 },
      },
    });
  });

  it.each([
    ['no spec', { metadata: { resourceVersion: '1' } }],
    ['null fields', { metadata: { resourceVersion: '1' }, spec: { holderIdentity: null, renewTime: null } }],
    ['wrong types', { metadata: { resourceVersion: '1' }, spec: { holderIdentity: 7, leaseDurationSeconds: '15' } }],
  ])('`get()` reads a Lease with %s as a free one', async (_, lease) => {
    expect(await setUp(() => lease).store.get(signal)).toEqual({ resourceVersion: '1', holderIdentity: '' });
  });

  it('a Lease that is absent, was created or was changed by another is undefined; every other failure is thrown', async () => {
    expect(await setUp(failing('NotFound', 404)).store.get(signal)).toBeUndefined();
    expect(await setUp(failing('AlreadyExists', 409)).store.create(ours, signal)).toBeUndefined();
    expect(await setUp(failing('Conflict', 409)).store.update(ours, signal)).toBeUndefined();
    expect(await setUp(failing('NotFound', 404)).store.update(ours, signal)).toBeUndefined();
    await expect(setUp(failing('Forbidden', 403)).store.get(signal)).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(setUp(failing('Forbidden', 403)).store.update(ours, signal)).rejects.toThrow();
  });
});
