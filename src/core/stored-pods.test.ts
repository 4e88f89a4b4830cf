import { describe, expect, it } from 'vitest';
import type { KubeObject } from './objects.ts';
import { type StoredPod, storedMetadata, storedPodOf } from './stored-pods.ts';

const stored: StoredPod = {
  pod: { namespace: 'shop', name: 'tool', uid: 'u1' },
  node: 'worker-1',
  session: 's1',
  wasReady: true,
  eviction: 'waiting',
};
const secretOf = (change: (metadata: ReturnType<typeof storedMetadata>) => object = () => ({})): KubeObject => {
  const metadata = storedMetadata(stored);
  return { metadata: { ...metadata, uid: 'x', resourceVersion: '1', ...change(metadata) } };
};

describe('`storedPodOf()`', () => {
  it('reads what `storedMetadata()` has written', () => {
    expect(storedPodOf(secretOf())).toEqual(stored);
  });

  it('takes what an earlier version wrote for a Pod that may have been evicted', () => {
    const { 'maintenance-bridge.io/eviction': _, ...annotations } = storedMetadata(stored).annotations;
    expect(storedPodOf(secretOf(() => ({ annotations })))).toEqual({ ...stored, eviction: 'sent' });
  });

  it.each([
    { what: 'another name, as a copy has', change: () => ({ name: 'copy' }) },
    { what: 'another UID in its label', change: () => ({ labels: { 'maintenance-bridge.io/stored-pod': 'u2' } }) },
    { what: 'no annotations', change: () => ({ annotations: {} }) },
    {
      what: 'a Pod without a namespace',
      change: ({ annotations }: { annotations: object }) => ({
        annotations: { ...annotations, 'maintenance-bridge.io/pod': 'tool' },
      }),
    },
  ])('gives undefined for a Secret with $what', ({ change }) => {
    expect(storedPodOf(secretOf(change))).toBeUndefined();
  });
});
