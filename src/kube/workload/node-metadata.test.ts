import { describe, expect, it } from 'vitest';
import { changedNodes, isSameNode, nodeMetadataTrim } from './node-metadata.ts';

const node = (
  name: string,
  { uid = name, version = '1', labels }: { uid?: string; version?: string; labels?: object } = {},
) =>
  ({ metadata: { name, uid, resourceVersion: version, ...(labels !== undefined && { labels }) } }) as Parameters<
    typeof isSameNode
  >[0];

describe('`nodeMetadataTrim()`', () => {
  const trim = nodeMetadataTrim(new Set(['a', 'long']));

  it('keeps name, UID, version, the labels that are read, and of the annotations what keeps the autoscaler away', () => {
    const metadata = {
      name: 'n',
      uid: 'u',
      resourceVersion: '1',
      labels: { a: 'b', 'kubernetes.io/os': 'linux', long: 'x'.repeat(64) },
      annotations: {
        'cluster.x-k8s.io/machine': 'victim',
        'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true',
        'maintenance-bridge.io/scale-down-disabled': 'x'.repeat(1000),
      },
      finalizers: ['x'],
      managedFields: [{}],
    };
    expect(trim({ metadata, spec: {}, status: {} })).toEqual({
      metadata: {
        name: 'n',
        uid: 'u',
        resourceVersion: '1',
        labels: { a: 'b' },
        annotations: {
          'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true',
          'maintenance-bridge.io/scale-down-disabled': '…',
        },
      },
    });
    expect(trim({ metadata: { name: 'n' } })).toBeUndefined();
  });

  it.each(['name', 'uid', 'resourceVersion'])('leaves out a Node whose %s no API server would take', (field) => {
    const metadata = { name: 'n', uid: 'u', resourceVersion: '1', [field]: 'x'.repeat(254) };
    expect(trim({ metadata })).toBeUndefined();
  });
});

describe('isSameNode', () => {
  it.each([
    ['a new version', node('n', { version: '1' }), node('n', { version: '2' }), true],
    ['no labels and none', node('n', { labels: {} }), node('n'), true],
    ['another value', node('n', { labels: { a: '1' } }), node('n', { labels: { a: '2' } }), false],
    ['another key', node('n', { labels: { a: '1' } }), node('n', { labels: { b: '1' } }), false],
    ['one label more', node('n', { labels: { a: '1' } }), node('n', { labels: { a: '1', b: '1' } }), false],
    ['another UID', node('n', { uid: 'x' }), node('n', { uid: 'y' }), false],
  ])('`isSameNode` judges %s', (_, a, b, expected) => {
    expect(isSameNode(a, b)).toBe(expected);
    expect(isSameNode(b, a)).toBe(expected);
  });
});

it('`changedNodes` names what was added, changed and removed', () => {
  const before = [node('same'), node('changed', { labels: { a: '1' } }), node('removed')];
  const after = [node('same', { version: '9' }), node('changed', { labels: { a: '2' } }), node('added')];
  expect([...changedNodes(before, after)].sort()).toEqual(['added', 'changed', 'removed']);
});
