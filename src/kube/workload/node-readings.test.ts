import { describe, expect, it } from 'vitest';
import type { ApiClient, ApiRequest } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { makeNodeReadings } from './node-readings.ts';

const list = (items: readonly object[], next?: string) => ({
  metadata: { resourceVersion: '1', ...(next !== undefined && { continue: next }) },
  items,
});
const nodeWith = (status: string) => ({
  metadata: { name: 'n' },
  status: { conditions: [{ type: 'Drained', status }] },
});
const attachment = (nodeName: string) => ({ metadata: { name: 'a' }, spec: { nodeName } });

function readings(answer: (request: ApiRequest) => unknown) {
  const client: ApiClient = {
    request: async <T>(request: ApiRequest) => answer(request) as T,
    lines: () => {
      throw new Error('Nothing is watched');
    },
  };
  return makeNodeReadings((cluster) => (cluster === 'metal/shop' ? client : undefined));
}
const refuse = (): never => {
  throw new KubeError({ reason: 'Forbidden', code: 403, message: 'no' });
};

describe('`makeNodeReadings()`', () => {
  it.each([
    [list([nodeWith('True')]), { is: 'known', value: true }],
    [list([nodeWith('False')]), { is: 'known', value: false }],
    [list([{ metadata: { name: 'n' } }]), { is: 'known', value: false }],
    [list([]), { is: 'unknown' }],
    [{}, { is: 'unknown' }],
  ])('takes a Node for drained by its condition: %j', async (body, found) => {
    expect(await readings(() => body).isDrained('metal/shop', 'n')).toEqual(found);
  });

  it('looks for a Node’s volumes on every page', async () => {
    const pages = readings(({ query }) =>
      query?.continue === undefined ? list([attachment('other')], 'more') : list([attachment('n')]),
    );
    expect(await pages.hasVolumes('metal/shop', 'n')).toEqual({ is: 'known', value: true });
    expect(await pages.hasVolumes('metal/shop', 'third')).toEqual({ is: 'known', value: false });
  });

  it('finds the Pods that would end with the power of their Node', async () => {
    const pod = (name: string, part: { metadata?: object; spec?: object; status?: object } = {}) => ({
      ...part,
      metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1', ...part.metadata },
    });
    const owned = (kind: string) => ({
      metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'o', controller: true }] },
    });
    const asked: ApiRequest[] = [];
    const pods = readings((request) => {
      asked.push(request);
      return list([
        pod('tolerates', { spec: { tolerations: [{ operator: 'Exists' }] } }),
        pod('replica', owned('ReplicaSet')),
        pod('terminating', { metadata: { deletionTimestamp: '2026-11-21T10:00:00Z' } }),
        pod('done', { status: { phase: 'Succeeded' } }),
        pod('failed', { status: { phase: 'Failed' } }),
        pod('daemon', owned('DaemonSet')),
        pod('static', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }),
      ]);
    });
    expect(await pods.stayingPods('metal/shop', 'n')).toEqual({
      is: 'known',
      value: ['shop/tolerates', 'shop/replica', 'shop/terminating'],
    });
    expect(asked.map(({ path, query }) => [path, query?.fieldSelector])).toEqual([['/api/v1/pods', 'spec.nodeName=n']]);
    expect(await readings(() => list([{}])).stayingPods('metal/shop', 'n')).toEqual({ is: 'unknown' });
    expect(await readings(refuse).stayingPods('metal/shop', 'n')).toEqual({ is: 'unknown' });
  });

  it('gives up on a server whose pages never end', async () => {
    expect(await readings(() => list([], 'more')).hasVolumes('metal/shop', 'n')).toEqual({ is: 'unknown' });
  });

  it('knows nothing without a connection, or where it is refused', async () => {
    expect(await readings(() => list([])).hasVolumes('metal/other', 'n')).toEqual({ is: 'unknown' });
    expect(await readings(refuse).isDrained('metal/shop', 'n')).toEqual({ is: 'unknown' });
    expect(await readings(refuse).hasVolumes('metal/shop', 'n')).toEqual({ is: 'unknown' });
  });
});
