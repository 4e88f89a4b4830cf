import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asking, HOSTNAME, host, place, placeOne, ZONE } from '../../../harness/builders/fit.ts';
import { pod, TAINT } from '../../../harness/builders/objects.ts';
import { storageOf } from '../../../harness/builders/storage.ts';
import type { Pod, PodScheduling } from '../objects.ts';
import { Cluster } from './cluster.ts';
import { moversOf } from './mover.ts';
import { finish } from './steps.ts';

const cpu = (amount: number): PodScheduling => ({ requests: { cpu: amount } });

describe('simulate()', () => {
  it('places Pods together: each fits alone, both do not', () => {
    const nodes = [host('a', { allocatable: { cpu: 1000 } })];
    expect(placeOne(asking('one', cpu(600)), nodes)).toBe('a');
    expect(place([asking('one', cpu(600)), asking('two', cpu(600))], nodes).unplaced).toEqual([
      { pod: 'shop/two', why: '0/1 nodes fit: 1 Insufficient cpu' },
    ]);
  });

  it('counts the reasons, most frequent first', () => {
    const nodes = [
      host('a', { taints: [TAINT] }),
      host('b', { allocatable: { cpu: 1, memory: 1 } }),
      host('c', { allocatable: { cpu: 1 } }),
    ];
    expect(placeOne(asking('one', { requests: { cpu: 2, memory: 2 } }), nodes)).toBe(
      '0/3 nodes fit: 2 Insufficient cpu, 1 Insufficient memory, 1 node(s) had untolerated taint(s)',
    );
  });

  it('finds a packing that placing one by one would miss', () => {
    // 6+4 and 5+5 fill both Nodes; 6+5 on one would strand a 5.
    const nodes = ['a', 'b'].map((name) => host(name, { allocatable: { cpu: 10 } }));
    const pods = [5, 4, 6, 5].map((amount, index) => asking(`p${index}`, cpu(amount)));
    expect(place(pods, nodes).unplaced).toEqual([]);
  });

  it('finds the only packing of many Pods of different sizes', () => {
    // Each Node takes exactly one of three partitions of 100.
    const sizes = [
      [47, 31, 22],
      [52, 26, 22],
      [41, 37, 22],
      [61, 20, 19],
    ].flat();
    const nodes = ['a', 'b', 'c', 'd'].map((name) => host(name, { allocatable: { cpu: 100 } }));
    expect(
      place(
        sizes.map((size, index) => asking(`p${index}`, cpu(size))),
        nodes,
      ).unplaced,
    ).toEqual([]);
  });

  it('gives the Pod with few choices its Node before others take it', () => {
    const nodes = [
      host('a', { allocatable: { pods: 1 } }),
      host('b', { allocatable: { pods: 1 }, labels: { disk: 'ssd' } }),
    ];
    const choosy = asking('z', {}, { spec: { nodeSelector: { disk: 'ssd' } } });
    expect(Object.fromEntries(place([asking('a'), choosy], nodes).placements)).toEqual({
      'shop/a': 'a',
      'shop/z': 'b',
    });
  });

  it('places a Pod that wants to be near another after that one', () => {
    const near = { podAffinity: [{ topologyKey: HOSTNAME, labelSelector: { matchLabels: { app: 'db' } } }] };
    const result = place([asking('a', near), asking('z', {}, { labels: { app: 'db' } })], [host('a'), host('b')]);
    expect(new Set(result.placements.values()).size).toBe(1);
    expect(result.unplaced).toEqual([]);
  });

  it('does not count the Pods to be placed where they are now', () => {
    const moving = asking('one', cpu(4000));
    expect(placeOne(moving, [host('a', { pods: [moving] })])).toBe('a');
  });

  it('does not count finished Pods', () => {
    const finished = asking('done', cpu(4000), { phase: 'Succeeded' });
    expect(placeOne(asking('one', cpu(4000)), [host('a', { pods: [finished] })])).toBe('a');
  });

  it('places nothing on the leaving Node, on other Nodes in maintenance and on Nodes that are not ready', () => {
    const nodes = [host('a'), host('b'), host('c', { ready: false }), host('d', { unschedulable: true })];
    const tolerant = asking('one', {}, { spec: { tolerations: [{ operator: 'Exists' }] } });
    const part = { leaving: { name: 'a' }, unavailable: new Set(['b']) };
    expect(placeOne(asking('one'), nodes, part)).toBe(
      '0/4 nodes fit: 2 node(s) were in maintenance, 1 node(s) were not ready, 1 node(s) were unschedulable',
    );
    expect(placeOne(tolerant, nodes, part)).toBe('d');
  });

  it('names what it does not model and never rejects for it', () => {
    const nodes = [host('a', { allocatable: { cpu: 0 } })];
    const foreign = asking('one', { schedulerName: 'other', ...cpu(1) });
    const claims = asking('two', { notModelled: ['has resource claims'] });
    expect(place([foreign, claims], nodes)).toMatchObject({
      unplaced: [],
      notModelled: ['Pod shop/one is placed by scheduler other', 'Pod shop/two has resource claims'],
    });
  });

  it('counts on room that the scheduler makes by displacing lower priorities', () => {
    const headroom = asking('pause', { requests: { cpu: 4000 }, priority: -1 });
    const nodes = [host('a', { pods: [headroom] })];
    expect(place([asking('one', cpu(4000))], nodes)).toMatchObject({
      unplaced: [],
      notModelled: ['Pod shop/one fits only where it displaces Pods of lower priority'],
    });
    expect(placeOne(asking('one', cpu(4001)), nodes)).toContain('Insufficient cpu');
    expect(placeOne(asking('one', { ...cpu(1), neverPreempts: true }), nodes)).toContain('Insufficient cpu');
    expect(placeOne(asking('one', { ...cpu(1), priority: -1 }), nodes)).toContain('Insufficient cpu');
  });

  it('takes an extended resource that the leaving Node does not list for a device', () => {
    const nodes = [host('a', { allocatable: { 'example.com/nic': 1 } }), host('b')];
    const has = (resource: string) => asking('one', { requests: { [resource]: 1 } }, { node: 'a' });
    const part = { leaving: { name: 'a' } };
    expect(placeOne(has('example.com/nic'), nodes, part)).toContain('1 Insufficient example.com/nic');
    expect(placeOne(has('example.com/gpu'), nodes, part)).toBe('b');
    expect(place([has('example.com/gpu')], nodes, part).notModelled).toHaveLength(1);
  });

  it('moves one that has its place for another that finds none', () => {
    // By size: 6 and 5 go to different Nodes, 4 beside the 5, and the last 4 beside the 6; by choice the 5 may only go to b.
    const nodes = [
      host('a', { allocatable: { cpu: 9, memory: 3 } }),
      host('b', { allocatable: { cpu: 9, memory: 7 }, labels: { disk: 'ssd' } }),
    ];
    const sizes = [
      [3, 1],
      [3, 3],
      [3, 1],
      [3, 2],
      [3, 2],
      [3, 1],
    ] as const;
    const pods = sizes.map(([amount, memory], index) => asking(`p${index}`, { requests: { cpu: amount, memory } }));
    expect(place(pods, nodes).unplaced).toEqual([]);
  });

  it('places Pods together with those of other Nodes, but not for their fault', () => {
    const nodes = [host('a', { allocatable: { pods: 1 } }), host('b', { allocatable: { pods: 1 } })];
    const hopeless = asking('theirs', {}, { spec: { nodeSelector: { gone: 'yes' } } });
    const together = (own: readonly Pod[], others: readonly Pod[]) => {
      const { unplaced, withOthers } = place(own, nodes, { others });
      return { unplaced: unplaced.map(({ pod }) => pod), withOthers };
    };
    expect(together([asking('own')], [asking('theirs')])).toEqual({ unplaced: [], withOthers: true });
    expect(together([asking('own'), asking('too')], [asking('theirs')])).toMatchObject({ withOthers: true });
    expect(together([asking('own'), asking('too')], [asking('theirs')]).unplaced).toHaveLength(1);
    expect(together([asking('own')], [hopeless])).toEqual({ unplaced: [], withOthers: false });
    expect(
      together(
        ['1', '2', '3'].map((name) => asking(name)),
        [hopeless],
      ),
    ).toMatchObject({ withOthers: false });
  });

  it('heeds the features that a Pod needs its kubelet to declare, unless its own does without', () => {
    const declaring = (name: string, ...declaredFeatures: string[]) => {
      const { node, pods } = host(name);
      return { node: { ...node, status: { ...node.status, declaredFeatures } }, pods };
    };
    const feature = 'RestartAllContainersOnContainerExits';
    const one = asking('one', { requiredFeatures: [feature] }, { node: 'home' });
    const leaving = { leaving: { name: 'home' } };
    expect(placeOne(one, [declaring('home', feature), host('a'), declaring('b', feature)], leaving)).toBe('b');
    expect(placeOne(one, [declaring('home', feature), declaring('b', 'Other')], leaving)).toBe(
      "0/2 nodes fit: 1 node(s) didn't match Pod's required features, 1 node(s) were in maintenance",
    );
    expect(place([one], [host('home'), host('a')], leaving)).toMatchObject({
      unplaced: [],
      notModelled: ['Pod shop/one needs features that its own Node does not declare'],
    });
  });

  it('fits nobody where there are no Nodes, and everybody where there are no Pods', () => {
    expect(placeOne(asking('one'), [])).toBe('0/0 nodes fit: ');
    expect(place([], [host('a')]).unplaced).toEqual([]);
  });
});

describe('simulate(), where not all fit', () => {
  const away = { podAntiAffinity: [{ topologyKey: HOSTNAME, labelSelector: { matchLabels: { app: 'db' } } }] };
  const many = (count: number, part: PodScheduling, labels = {}) =>
    Array.from({ length: count }, (_, index) => asking(`p${index}-${part.requests?.cpu ?? ''}`, part, { labels }));
  const hosts = (count: number, allocatable = {}) =>
    Array.from({ length: count }, (_, index) => host(`n${index}`, { allocatable }));

  it.each([
    ['a Pod fits nowhere alone', many(1, cpu(5000)), hosts(3)],
    ['a Pod that wants company fits nowhere by its requests', many(2, { ...cpu(5000), spread: [] }), hosts(3)],
    ['more is asked for than there is', many(30, cpu(10)), hosts(10, { cpu: 29 })],
    ['more is asked for than can be used in pieces of that size', many(30, cpu(34)), hosts(12, { cpu: 99 })],
    ['there are too few places for Pods', many(30, {}), hosts(14, { pods: 2 })],
    ['there are fewer Nodes than Pods that keep apart', many(40, away, { app: 'db' }), hosts(39)],
    ['there are fewer Nodes than Pods with a host port', many(40, { hostPorts: [{ port: 80 }] }), hosts(39)],
  ])('is certain: %s', (_, pods, nodes) => {
    const { isCertain, unplaced } = place(pods, nodes);
    expect(unplaced.length).toBeGreaterThan(0);
    expect(isCertain).toBe(true);
  });

  it('is not certain where the search gives up, and says so', () => {
    // There is room for all by any sum, but not in pieces of 34 and 33.
    const pods = [...many(30, cpu(34)), ...many(30, cpu(33))];
    const { isCertain, unplaced, notModelled } = place(pods, hosts(21, { cpu: 100 }));
    expect(unplaced.length).toBeGreaterThan(0);
    expect(isCertain).toBe(false);
    expect(notModelled).toEqual(['Whether another order of placing has room for all 60 Pods']);
  });
});

/** Pods without rules between them, few enough that the search completes. */
const plain = fc.record({
  cpu: fc.integer({ min: 0, max: 5 }),
  memory: fc.integer({ min: 0, max: 5 }),
  ssd: fc.boolean(),
});
const room = fc.record({
  cpu: fc.integer({ min: 0, max: 8 }),
  memory: fc.integer({ min: 0, max: 8 }),
  pods: fc.integer({ min: 1, max: 4 }),
  disk: fc.constantFrom('ssd', 'hdd'),
});
const pods = fc
  .array(plain, { minLength: 1, maxLength: 5 })
  .map((parts) =>
    parts.map(({ ssd, ...requests }, index) =>
      asking(`p${index}`, { requests }, { spec: ssd ? { nodeSelector: { disk: 'ssd' } } : {} }),
    ),
  );
const nodes = fc
  .array(room, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(({ disk, ...allocatable }, index) => host(`n${index}`, { allocatable, labels: { disk } })));
const doFit = (...args: Parameters<typeof place>): boolean => place(...args).unplaced.length === 0;

describe('simulate(), for Pods without rules between them', () => {
  it('never turns "fits" into "does not fit" when a Pod goes or a Node comes', () => {
    fc.assert(
      fc.property(pods, nodes, room, fc.nat(), (movable, hosts, extra, index) => {
        fc.pre(doFit(movable, hosts));
        const { disk, ...allocatable } = extra;
        expect(doFit(movable, [...hosts, host('extra', { allocatable, labels: { disk } })])).toBe(true);
        expect(doFit(movable.toSpliced(index % movable.length, 1), hosts)).toBe(true);
      }),
    );
  });

  it('says "fits" exactly when some assignment fits', () => {
    fc.assert(
      fc.property(pods, nodes, (movable, hosts) => {
        expect(doFit(movable, hosts)).toBe(
          assignments(
            movable,
            hosts.map(({ node }) => node.status.allocatable ?? {}),
            hosts.map(({ node }) => node.metadata.labels?.disk),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same answer whatever the order of Pods and Nodes', () => {
    fc.assert(
      fc.property(pods, nodes, (movable, hosts) => {
        expect(place([...movable].reverse(), [...hosts].reverse())).toEqual(place(movable, hosts));
      }),
    );
  });
});

/** By brute force. */
function assignments(
  [first, ...rest]: readonly Pod[],
  room: readonly Readonly<Record<string, number>>[],
  disks: readonly (string | undefined)[],
): boolean {
  if (first === undefined) return true;
  const { cpu = 0, memory = 0 } = first.spec.scheduling?.requests ?? {};
  return room.some((free, index) => {
    const left = { cpu: (free.cpu ?? 0) - cpu, memory: (free.memory ?? 0) - memory, pods: (free.pods ?? 0) - 1 };
    if (Object.values(left).some((amount) => amount < 0)) return false;
    if (first.spec.nodeSelector !== undefined && disks[index] !== 'ssd') return false;
    return assignments(rest, room.with(index, left), disks);
  });
}

describe('simulate(), for Pods with rules between them', () => {
  const app = fc.constantFrom('web', 'db');
  const selector = app.map((value) => ({ matchLabels: { app: value } }));
  const term = fc.record({ topologyKey: fc.constantFrom(HOSTNAME, ZONE), labelSelector: selector });
  const spreading = fc.record({
    topologyKey: fc.constantFrom(HOSTNAME, ZONE),
    maxSkew: fc.constantFrom(1, 2),
    labelSelector: selector,
  });
  const social = fc.record(
    {
      podAffinity: fc.array(term, { minLength: 1, maxLength: 1 }),
      podAntiAffinity: fc.array(term, { minLength: 1, maxLength: 2 }),
      spread: fc.array(spreading, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const movable = fc
    .array(fc.tuple(app, social), { minLength: 1, maxLength: 5 })
    .map((parts) =>
      parts.map(([value, scheduling], index) => asking(`p${index}`, scheduling, { labels: { app: value } })),
    );
  const hosts = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', undefined), fc.array(app, { maxLength: 2 })), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) =>
      parts.map(([zone, apps], index) =>
        host(`n${index}`, {
          ...(zone !== undefined && { labels: { [ZONE]: zone } }),
          pods: apps.map((value, nth) => pod(`b${index}-${nth}`, { labels: { app: value } })),
        }),
      ),
    );

  it('places them so that each one fits where it is put, after those before it', () => {
    fc.assert(
      fc.property(movable, hosts, (pods, nodes) => {
        const { placements } = place(pods, nodes);
        const onNode = new Map(nodes.map(({ node, pods }) => [node.metadata.name, [...pods]]));
        for (const [key, name] of placements) {
          const one = pods.find(({ metadata }) => `shop/${metadata.name}` === key);
          if (one === undefined) throw new Error(`There is no ${key}`);
          const state = nodes.map(({ node }) => ({ node, pods: onNode.get(node.metadata.name) ?? [] }));
          const cluster = finish(Cluster.prepare({ nodes: state, storage: storageOf({}) }, [one]));
          const target = cluster.nodes.find((each) => each.name === name);
          expect(target && finish(moversOf(cluster))[0]?.kind.refusal(target)).toBeUndefined();
          onNode.set(name, [...(onNode.get(name) ?? []), one]);
        }
      }),
    );
  });
});
