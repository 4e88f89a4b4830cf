import { describe, expect, it } from 'vitest';
import { inApplyOrder, MAX_MANIFEST_BYTES, readManifest, readManifests } from './manifest.ts';

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' }, data: { k: 'v' } };

describe('readManifest', () => {
  it('`readManifest()` leaves out what only a server or another cluster gives', () => {
    const read = readManifest(
      {
        ...configMap,
        status: {},
        metadata: {
          ...configMap.metadata,
          uid: 'u',
          resourceVersion: '1',
          generation: 2,
          creationTimestamp: null,
          managedFields: [],
          ownerReferences: [{}],
          labels: { team: 'x' },
          annotations: { 'other/annotation': 'x', 'maintenance-bridge.io/owned-by': 'west/a/b' },
        },
      },
      0,
    );
    expect(read).toMatchObject({
      is: 'sound',
      body: {
        ...configMap,
        metadata: { name: 'a', namespace: 'n', labels: { team: 'x' }, annotations: { 'other/annotation': 'x' } },
      },
    });
    expect(JSON.stringify(read)).not.toMatch(/uid|owned-by|status|creationTimestamp/);
  });

  it('`readManifest()` leaves no empty map of its own keys', () => {
    const marked = {
      ...configMap,
      metadata: { ...configMap.metadata, annotations: { 'maintenance-bridge.io/x': '' } },
    };
    expect(readManifest(marked, 0)).toMatchObject({ body: configMap });
    expect(JSON.stringify(readManifest(marked, 0))).not.toMatch(/annotations/);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /is not an object/],
    ['a list', [], /is not an object/],
    ['no kind', { apiVersion: 'v1', metadata: { name: 'a' } }, /no usable kind/],
    ['a kind that is no word', { ...configMap, kind: 'a/b' }, /no usable kind/],
    ['no apiVersion', { kind: 'ConfigMap', metadata: { name: 'a' } }, /no usable apiVersion/],
    ['an apiVersion that leads elsewhere', { ...configMap, apiVersion: '../../api/v1' }, /no usable apiVersion/],
    ['a List', { apiVersion: 'v1', kind: 'List', items: [configMap] }, /lists each object by itself/],
    ['no metadata', { apiVersion: 'v1', kind: 'ConfigMap' }, /no metadata/],
    ['generateName', { ...configMap, metadata: { generateName: 'a-' } }, /generateName instead of a name/],
    ['a name with a question mark', { ...configMap, metadata: { name: 'a?b' } }, /no object may have/],
    [
      'a namespace that is none',
      { ...configMap, metadata: { name: 'a', namespace: 'A/b' } },
      /no namespace may be called/,
    ],
    ['too much', { ...configMap, data: { k: 'x'.repeat(MAX_MANIFEST_BYTES) } }, /too large: \d+ bytes/],
  ])('`readManifest()` says why it cannot apply %s', (_, raw, why) => {
    const read = readManifest(raw, 3);
    expect(read.is === 'bad' && read.message).toMatch(why);
    expect(read.is === 'bad' && read.message).toMatch(/position 3/);
    expect(read.is === 'bad' && read.message.length).toBeLessThanOrEqual(1024);
  });

  it('`readManifests()` takes an object once', () => {
    const [first, second] = readManifests([configMap, { ...configMap, apiVersion: 'v1' }]);
    expect(first?.is).toBe('sound');
    expect(second).toMatchObject({
      is: 'bad',
      message: expect.stringMatching(/same object as the manifest at position 0/),
    });
  });

  it('`inApplyOrder()` puts Namespaces first, then definitions, then all others as they come', () => {
    const at = (ordinal: number, group: string, kind: string) => ({
      ordinal,
      group,
      kind,
      namespace: '',
      name: String(ordinal),
    });
    const ordered = inApplyOrder([
      at(0, '', 'ConfigMap'),
      at(1, 'apiextensions.k8s.io', 'CustomResourceDefinition'),
      at(2, 'x', 'Namespace'),
      at(3, '', 'Namespace'),
    ]);
    expect(ordered.map(({ ordinal }) => ordinal)).toEqual([3, 1, 0, 2]);
  });
});
