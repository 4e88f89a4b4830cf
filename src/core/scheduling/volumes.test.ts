import { describe, expect, it } from 'vitest';
import { asking, HOSTNAME, host, place, placeOne, ZONE } from '../../../harness/builders/fit.ts';
import { claim as boundClaim, localVolume } from '../../../harness/builders/objects.ts';
import type { StorageObjects } from '../../../harness/builders/storage.ts';
import type { ObjectMeta } from '../objects.ts';
import type { CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../storage-objects.ts';

const DRIVER = 'csi.example.com';
const meta = (name: string, part: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  ...part,
});
const volume = (name: string, spec: PersistentVolume['spec'] = {}, labels = {}): PersistentVolume => ({
  metadata: meta(name, { labels }),
  spec: { storageClassName: 'wait', storage: 10, accessModes: ['ReadWriteOnce'], ...spec },
  status: { phase: 'Available' },
});
const claim = (name: string, spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim => ({
  metadata: meta(name, { namespace: 'shop' }),
  spec: { storageClassName: 'wait', storage: 10, accessModes: ['ReadWriteOnce'], ...spec },
});
const wait = (part: Partial<StorageClass> = {}): StorageClass => ({
  metadata: meta('wait'),
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...part,
});
const using = (claimName: string, name = 'one', controller = 'ReplicaSet') =>
  asking(name, {}, { controller, spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] } });
const inZone = (...values: string[]) => ({
  requiredNodeAffinity: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'In', values }] }] },
});
const nodes = ['a', 'b'].map((name) => host(name, { labels: { [ZONE]: name } }));
const where = (storage: StorageObjects, pod = using('data')) => placeOne(pod, nodes, { storage });

describe('bound volumes', () => {
  it('hold the Pod where they are', () => {
    expect(where({ claims: [boundClaim('data', 'pv')], volumes: [localVolume('pv', 'b')] })).toBe('b');
    expect(where({ claims: [boundClaim('data', 'pv')], volumes: [localVolume('pv', 'gone')] })).toBe(
      "0/2 nodes fit: 2 node(s) didn't match PersistentVolume's node affinity",
    );
  });

  it('hold the Pod in the zones of their labels, on Nodes that know of zones', () => {
    const labels = { 'failure-domain.beta.kubernetes.io/zone': 'x__b' };
    const storage = { claims: [boundClaim('data', 'pv')], volumes: [volume('pv', {}, labels)] };
    expect(where(storage)).toBe('b');
    expect(placeOne(using('data'), [host('bare')], { storage })).toBe('bare');
    expect(placeOne(using('data'), nodes.slice(0, 1), { storage })).toBe(
      '0/1 nodes fit: 1 node(s) had no available volume zone',
    );
  });

  it('are judged by a Node’s labels alone, whatever fields their terms name', () => {
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['elsewhere'] }];
    const labelled = { matchFields, matchExpressions: [{ key: HOSTNAME, operator: 'In', values: ['b'] }] };
    const of = (term: object) => ({
      claims: [boundClaim('data', 'pv')],
      volumes: [volume('pv', { requiredNodeAffinity: { nodeSelectorTerms: [term] } })],
    });
    expect(where(of({ matchFields }))).toBe('a');
    expect(where(of(labelled))).toBe('b');
  });
});

describe('claims', () => {
  it('that are missing, lost or going let the Pod go nowhere', () => {
    const going = { ...claim('data'), metadata: meta('data', { namespace: 'shop', deletionTimestamp: 't' }) };
    expect(where({})).toBe('0/2 nodes fit: persistentvolumeclaim "data" not found');
    expect(where({ claims: [going] })).toBe('0/2 nodes fit: persistentvolumeclaim "data" is being deleted');
    expect(where({ claims: [boundClaim('data', 'pv')] })).toBe('0/2 nodes fit: persistentvolume "pv" not found');
    expect(where({ claims: [{ ...claim('data', { volumeName: 'pv' }), status: { phase: 'Lost' } }] })).toContain(
      'non-existent',
    );
  });

  it('of a StatefulSet’s template are made anew', () => {
    const member = using('data-db-0', 'db-0', 'StatefulSet');
    expect(where({}, member)).toBe('a');
    expect(where({}, using('shared', 'db-0', 'StatefulSet'))).toContain('not found');
  });

  it('of ephemeral volumes are made anew, where their class allows', () => {
    const pod = asking('one', {}, { spec: { volumes: [{ name: 'tmp', ephemeral: {} }] } });
    const allowedTopologies = [{ matchLabelExpressions: [{ key: ZONE, values: ['b'] }] }];
    const old = { claims: [claim('one-tmp', { volumeName: 'pv' })], volumes: [localVolume('pv', 'a')] };
    expect(where({ ...old, classes: [wait({ provisioner: DRIVER, allowedTopologies })] }, pod)).toBe('b');
    expect(where({}, pod)).toBe('a');
  });

  it('that wait for a binding which no Node decides let the Pod go nowhere', () => {
    const classes = [wait({ volumeBindingMode: 'Immediate' })];
    expect(where({ claims: [claim('data')], classes })).toBe(
      '0/2 nodes fit: pod has unbound immediate PersistentVolumeClaims',
    );
  });
});

describe('claims that wait for their Pod', () => {
  it('may get any of several volumes of one size: the one that a second Pod of the same claim can use, too', () => {
    const labelled = { [ZONE]: 'b' };
    const usable = inZone('a');
    const storage = {
      claims: [claim('data')],
      volumes: [volume('pv-0', usable, labelled), volume('pv-1', usable, { [ZONE]: 'a' })],
      classes: [wait()],
    };
    const one = host('a', { labels: { [ZONE]: 'a' } });
    for (const volumes of [storage.volumes, storage.volumes.toReversed()]) {
      const result = place([using('data', 'one'), using('data', 'two')], [one], { storage: { ...storage, volumes } });
      expect(result.unplaced).toEqual([]);
    }
  });

  it('take volumes in any order of their Pods, since the first takes the smallest', () => {
    // The picky claim must come first, or the other takes its only volume.
    const storage = {
      claims: [claim('easy'), claim('picky', { selector: { matchLabels: { kind: 'fast' } } })],
      volumes: [volume('pv-0', {}, { kind: 'fast' }), volume('pv-1', { storage: 11 })],
      classes: [wait()],
    };
    for (const names of [
      ['easy', 'picky'],
      ['picky', 'easy'],
    ]) {
      const pods = names.map((name, index) => using(name, `pod-${index}`));
      expect(place(pods, [host('a')], { storage }).unplaced).toEqual([]);
    }
  });

  const none = "0/2 nodes fit: 2 node(s) didn't find available persistent volumes to bind";
  const open = (volumes: readonly PersistentVolume[], part: PersistentVolumeClaim['spec'] = {}) =>
    where({ claims: [claim('data', part)], volumes, classes: [wait()] });

  it('take a volume that is free where the Pod goes', () => {
    expect(open([volume('pv', inZone('b'))])).toBe('b');
    expect(open([])).toBe(none);
  });

  it.each([
    ['too small', volume('pv', { storage: 9 })],
    ['of another mode', volume('pv', { volumeMode: 'Block' })],
    ['of another class', volume('pv', { storageClassName: 'other' })],
    ['of another attributes class', volume('pv', { volumeAttributesClassName: 'gold' })],
    ['without the access mode', volume('pv', { accessModes: ['ReadOnlyMany'] })],
    ['set aside for another claim', volume('pv', { claimRef: { namespace: 'shop', name: 'other' } })],
    ['not available', { ...volume('pv'), status: { phase: 'Released' } }],
    ['being deleted', { ...volume('pv'), metadata: meta('pv', { deletionTimestamp: 't' }) }],
  ])('take no volume that is %s', (_, other) => {
    expect(open([other])).toBe(none);
  });

  it('take a volume by its labels', () => {
    const selector = { matchLabels: { tier: 'gold' } };
    expect(open([volume('pv', {}, { tier: 'gold' })], { selector })).toBe('a');
    expect(open([volume('pv')], { selector })).toBe(none);
  });

  it('take the volume that is set aside for them, or none', () => {
    const reserved = { claimRef: { namespace: 'shop', name: 'data' }, ...inZone('b') };
    expect(open([volume('any', inZone('b')), volume('pv', reserved)])).toBe('b');
    expect(open([volume('pv', { ...reserved, ...inZone('c') })])).toBe(none);
  });

  it('do not take one volume for two Pods', () => {
    const claims = [claim('data'), claim('more')];
    const pods = [using('data', 'one'), using('more', 'two')];
    const storage = { claims, classes: [wait()] };
    expect(place(pods, nodes, { storage: { ...storage, volumes: [volume('pv')] } }).unplaced).toHaveLength(1);
    expect(place(pods, nodes, { storage: { ...storage, volumes: [volume('pv'), volume('pv2')] } }).unplaced).toEqual(
      [],
    );
  });

  it('get one volume for all Pods that share a claim', () => {
    const storage = { claims: [claim('data')], volumes: [volume('pv', inZone('b'))], classes: [wait()] };
    const pods = [using('data', 'one'), using('data', 'two')];
    expect([...place(pods, nodes, { storage }).placements.values()]).toEqual(['b', 'b']);
  });

  it('have their second Pod where the volume’s label says, though the first could go elsewhere', () => {
    const storage = { claims: [claim('data')], volumes: [volume('pv', {}, { [ZONE]: 'b' })], classes: [wait()] };
    const pods = [using('data', 'one'), using('data', 'two')];
    const onlyA = nodes.slice(0, 1);
    expect(place(pods, onlyA, { storage }).unplaced).toEqual([
      { pod: 'shop/two', why: '0/1 nodes fit: 1 node(s) had no available volume zone' },
    ]);
    expect(place(pods, nodes, { storage }).unplaced).toEqual([]);
  });

  it('are provisioned where the class allows, without regard to free storage', () => {
    const allowedTopologies = [{ matchLabelExpressions: [{ key: ZONE, values: ['b', 'c'] }] }, {}];
    const storage = { claims: [claim('data')], classes: [wait({ provisioner: DRIVER, allowedTopologies })] };
    expect(where(storage)).toBe('b');
    expect(place([using('data')], nodes, { storage }).notModelled).toEqual([
      'Free storage for claim shop/data of Pod shop/one',
    ]);
  });

  it('stay with the Node for which provisioning has begun', () => {
    const annotations = { 'volume.kubernetes.io/selected-node': 'b' };
    const begun = { ...claim('data'), metadata: meta('data', { namespace: 'shop', annotations }) };
    expect(where({ claims: [begun], classes: [wait({ provisioner: DRIVER })] })).toBe('b');
  });
});

describe('a claim for one Pod alone', () => {
  const storage = {
    claims: [{ ...boundClaim('data', 'pv'), spec: { volumeName: 'pv', accessModes: ['ReadWriteOncePod'] } }],
    volumes: [volume('pv')],
  };

  it('keeps a second user off, wherever the first one is', () => {
    const busy = [host('a', { pods: [using('data', 'there')] }), host('b')];
    expect(placeOne(using('data'), busy, { storage })).toMatch(/^0\/2 nodes fit: 2 .*already in-use by another pod$/);
    expect(place([using('data', 'one'), using('data', 'two')], nodes, { storage }).unplaced).toHaveLength(1);
  });

  it('moves with its Pod', () => {
    const one = using('data');
    expect(placeOne(one, [host('a', { pods: [one] }), host('b')], { leaving: { name: 'a' }, storage })).toBe('b');
  });
});

describe('limits of volumes per Node', () => {
  const csiNode = (name: string, count: number): CsiNode => ({
    metadata: meta(name),
    spec: { drivers: [{ name: DRIVER, count }, { name: 'other' }] },
  });
  const csi = (name: string) => volume(name, { csi: { driver: DRIVER, volumeHandle: name } });
  const storage = (limit: number): StorageObjects => ({
    claims: ['v1', 'v2', 'v3'].map((name) => boundClaim(name, name)),
    volumes: ['v1', 'v2', 'v3'].map(csi),
    csiNodes: [csiNode('a', limit)],
  });
  const only = [host('a', { pods: [using('v1', 'there')] })];

  it('name drivers that only some Nodes have, and count no Node out for that', () => {
    const storage = {
      claims: [boundClaim('data', 'pv')],
      volumes: [volume('pv', { csi: { driver: DRIVER, volumeHandle: 'x' } })],
    };
    const named = (csiNodes: readonly CsiNode[]) =>
      place([using('data')], nodes, { storage: { ...storage, csiNodes } });
    expect(named([]).notModelled).toEqual([]);
    expect(named([csiNode('a', 1), csiNode('b', 1)]).notModelled).toEqual([]);
    expect(named([csiNode('a', 0)])).toMatchObject({
      unplaced: [],
      notModelled: [`Pod shop/one needs CSI driver ${DRIVER}, which no CSINode names on 1 of 2 Nodes`],
    });
  });

  it('count volumes of Pods that are there and of Pods that are placed', () => {
    expect(placeOne(using('v2'), only, { storage: storage(2) })).toBe('a');
    expect(placeOne(using('v2'), only, { storage: storage(1) })).toBe(
      '0/1 nodes fit: 1 node(s) exceed max volume count',
    );
    const two = [using('v2', 'one'), using('v3', 'two')];
    expect(place(two, only, { storage: storage(2) }).unplaced).toHaveLength(1);
    expect(place(two, only, { storage: storage(3) }).unplaced).toEqual([]);
  });

  it('count a volume once that several Pods use', () => {
    expect(placeOne(using('v1'), only, { storage: storage(1) })).toBe('a');
  });

  it('count volumes that are still to be made', () => {
    const open = { claims: [claim('data')], classes: [wait({ provisioner: DRIVER })] };
    expect(placeOne(using('data'), [host('a')], { storage: { ...open, csiNodes: [csiNode('a', 0)] } })).toContain(
      'exceed',
    );
    expect(placeOne(using('data'), [host('a')], { storage: { ...open, csiNodes: [csiNode('a', 1)] } })).toBe('a');
  });

  it('do not count volumes of other drivers', () => {
    const volumes = [volume('pv', { csi: { driver: 'other', volumeHandle: 'h' } })];
    expect(
      placeOne(using('data'), [host('a')], {
        storage: { claims: [boundClaim('data', 'pv')], volumes, csiNodes: [csiNode('a', 0)] },
      }),
    ).toBe('a');
  });
});
