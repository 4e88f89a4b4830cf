import { expect, it } from 'vitest';
import { trimCsiNode, trimPersistentVolume, trimPersistentVolumeClaim, trimStorageClass } from './trim-storage.ts';

const META = { name: 'a', uid: 'u', resourceVersion: '1' };

it('`trimPersistentVolumeClaim()` keeps what decides which volumes can serve', () => {
  const spec = {
    volumeName: 'pv-1',
    storageClassName: 'fast',
    accessModes: ['ReadWriteOnce'],
    selector: { matchLabels: { tier: 'gold' } },
    volumeMode: 'Block',
    volumeAttributesClassName: 'silver',
  };
  const raw = {
    metadata: META,
    spec: { ...spec, resources: { requests: { storage: '1Ki' } }, dataSource: {} },
    status: { phase: 'Bound', capacity: {} },
  };
  expect(trimPersistentVolumeClaim(raw)).toEqual({
    metadata: META,
    spec: { ...spec, storage: 1024 },
    status: { phase: 'Bound' },
  });
});

it('`trimPersistentVolume()` keeps where it is, whom it is for and how it is attached', () => {
  const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] };
  const raw = {
    metadata: META,
    spec: {
      capacity: { storage: '10' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      claimRef: { namespace: 'shop', name: 'data', uid: 'c', resourceVersion: '7' },
      csi: { driver: 'csi.example.com', volumeHandle: 'h', fsType: 'ext4' },
      nodeAffinity: { required },
    },
    status: { phase: 'Bound' },
  };
  expect(trimPersistentVolume(raw)).toEqual({
    metadata: META,
    spec: {
      storage: 10,
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      claimRef: { namespace: 'shop', name: 'data', uid: 'c' },
      csi: { driver: 'csi.example.com', volumeHandle: 'h' },
      requiredNodeAffinity: required,
    },
    status: { phase: 'Bound' },
  });
});

it('`trimStorageClass()` keeps provisioner, binding mode and topologies', () => {
  const kept = {
    provisioner: 'csi.example.com',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  };
  expect(trimStorageClass({ metadata: META, ...kept, parameters: {}, reclaimPolicy: 'Delete' })).toEqual({
    metadata: META,
    ...kept,
  });
});

it('`trimCsiNode()` keeps the drivers and their limits', () => {
  const drivers = [
    { name: 'a', nodeID: 'x', allocatable: { count: 25 }, topologyKeys: [] },
    { name: 'b', nodeID: 'x' },
    { nodeID: 'no name' },
  ];
  expect(trimCsiNode({ metadata: META, spec: { drivers } })).toEqual({
    metadata: META,
    spec: { drivers: [{ name: 'a', count: 25 }, { name: 'b' }] },
  });
});

it('trims of storage are content with metadata alone', () => {
  expect(trimPersistentVolumeClaim({ metadata: META })).toEqual({ metadata: META, spec: {} });
  expect(trimPersistentVolume({ metadata: META })).toEqual({ metadata: META, spec: {} });
  expect(trimStorageClass({ metadata: META })).toEqual({ metadata: META });
  expect(trimCsiNode({ metadata: META })).toEqual({ metadata: META, spec: {} });
});
