import { describe, expect, it } from 'vitest';
import { asking, host, place, placeOne, ZONE } from '../../../harness/builders/fit.ts';
import { pod, TAINT } from '../../../harness/builders/objects.ts';
import type { SpreadConstraint } from '../objects.ts';

const labels = { app: 'web' };
const web = (count: number, prefix = 'web') =>
  Array.from({ length: count }, (_, index) => pod(`${prefix}-${index}`, { labels }));
const zone = (name: string, count: number, more: object = {}) =>
  host(`node-${name}`, { labels: { [ZONE]: name }, pods: web(count, name), ...more });
const spreading = (part: Partial<SpreadConstraint> = {}, name = 'one') =>
  asking(
    name,
    { spread: [{ topologyKey: ZONE, maxSkew: 1, labelSelector: { matchLabels: labels }, ...part }] },
    { labels },
  );
const SKEWED = "node(s) didn't match pod topology spread constraints";

describe('spreadRule()', () => {
  it('lets a Pod only where it does not exceed the emptiest domain by more than maxSkew', () => {
    const nodes = [zone('a', 2), zone('b', 1, { unschedulable: true }), zone('c', 2)];
    expect(placeOne(spreading(), nodes)).toBe(`0/3 nodes fit: 2 ${SKEWED}, 1 node(s) were unschedulable`);
    expect(placeOne(spreading({ maxSkew: 2 }), nodes)).toBe('node-a');
  });

  it('counts the domain of the leaving Node, which is empty once its Pods have gone', () => {
    const leaving = host('leaving', { labels: { [ZONE]: 'c' }, taints: [TAINT] });
    const pods = ['one', 'two', 'three'].map((name) => spreading({}, name));
    const { unplaced } = place(pods, [zone('a', 0), zone('b', 0), leaving], { leaving: { name: 'leaving' } });
    expect(unplaced).toEqual([{ pod: 'shop/two', why: `0/3 nodes fit: 2 ${SKEWED}, 1 node(s) were in maintenance` }]);
  });

  it('leaves domains out by `nodeTaintsPolicy: Honor`, also by the taint that is still to come', () => {
    const nodes = [zone('a', 1), host('leaving', { labels: { [ZONE]: 'c' } })];
    const honouring = spreading({ nodeTaintsPolicy: 'Honor' });
    expect(placeOne(honouring, nodes, { leaving: { name: 'leaving' } })).toContain(SKEWED);
    expect(placeOne(honouring, nodes, { leaving: { name: 'leaving', taint: TAINT } })).toBe('node-a');
  });

  it('leaves Nodes out that the Pod’s own affinity excludes, unless told to count them', () => {
    const nodes = [zone('a', 1), host('b', { labels: { [ZONE]: 'b', disk: 'hdd' } })];
    const choosy = (part: Partial<SpreadConstraint>) => {
      const one = spreading(part);
      return { ...one, spec: { ...one.spec, nodeSelector: { [ZONE]: 'a' } } };
    };
    expect(placeOne(choosy({}), nodes)).toBe('node-a');
    expect(placeOne(choosy({ nodeAffinityPolicy: 'Ignore' }), nodes)).toContain(SKEWED);
  });

  it('takes missing domains for empty ones up to `minDomains`', () => {
    const nodes = [zone('a', 1), zone('b', 1)];
    expect(placeOne(spreading({ minDomains: 2 }), nodes)).toBe('node-a');
    expect(placeOne(spreading({ minDomains: 3 }), nodes)).toBe(`0/2 nodes fit: 2 ${SKEWED}`);
  });

  it('refuses Nodes without the topology key, and does not count them', () => {
    const nodes = [host('bare', { pods: web(9) }), zone('a', 5)];
    expect(placeOne(spreading(), nodes)).toBe('node-a');
    expect(placeOne(spreading(), nodes.slice(0, 1))).toBe(`0/1 nodes fit: 1 ${SKEWED} (missing required label)`);
  });

  it('counts neither Pods of other namespaces nor such that are being deleted', () => {
    const others = [
      pod('other', { labels, namespace: 'other' }),
      pod('going', { labels, deletedAt: '2026-11-21T00:00:00Z' }),
    ];
    expect(
      placeOne(spreading(), [
        host('a', { labels: { [ZONE]: 'a' }, pods: others }),
        zone('b', 0, { unschedulable: true }),
      ]),
    ).toBe('a');
  });

  it('compares only Pods with the same values of `matchLabelKeys`', () => {
    const revision = (name: string) => ({ app: 'web', revision: name });
    const old = pod('old', { labels: revision('1') });
    const nodes = [host('a', { labels: { [ZONE]: 'a' }, pods: [old] }), zone('b', 0, { unschedulable: true })];
    const one = spreading({ matchLabelKeys: ['revision', 'absent'] });
    expect(placeOne({ ...one, metadata: { ...one.metadata, labels: revision('2') } }, nodes)).toBe('a');
    expect(placeOne({ ...one, metadata: { ...one.metadata, labels: revision('1') } }, nodes)).toContain(SKEWED);
  });

  it('places Pods in an order that keeps the skew at each step', () => {
    const nodes = ['a', 'b', 'c'].map((name) => zone(name, 0));
    const pods = Array.from({ length: 7 }, (_, index) => spreading({}, `p${index}`));
    const counts = new Map<string, number>();
    for (const name of place(pods, nodes).placements.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
    expect([...counts.values()].sort()).toEqual([2, 2, 3]);
  });
});
