/** Rules that involve only the Pod and the Node: taints, selectors, ports, room. */
import { describe, expect, it } from 'vitest';
import { asking, host, place, placeOne } from '../../../harness/builders/fit.ts';
import type { HostPort, NodeSelectorRequirement, Taint, Toleration } from '../objects.ts';
import { isTolerated } from './taints.ts';

describe('taints', () => {
  const taint: Taint = { key: 'dedicated', value: 'x', effect: 'NoSchedule' };
  const number = (value: string): Taint => ({ key: 'level', value, effect: 'NoSchedule' });
  const rows: readonly (readonly [string, Taint, readonly Toleration[], boolean])[] = [
    ['no toleration', taint, [], false],
    ['the same key and value', taint, [{ key: 'dedicated', value: 'x' }], true],
    ['another value', taint, [{ key: 'dedicated', value: 'y' }], false],
    ['the key alone', taint, [{ key: 'dedicated', operator: 'Exists' }], true],
    ['everything', taint, [{ operator: 'Exists' }], true],
    ['another effect', taint, [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }], false],
    ['one of several', taint, [{ key: 'other' }, { key: 'dedicated', value: 'x', effect: 'NoSchedule' }], true],
    ['less than a number', number('3'), [{ key: 'level', operator: 'Lt', value: '5' }], true],
    ['less than the same number', number('5'), [{ key: 'level', operator: 'Lt', value: '5' }], false],
    ['more than a number', number('-3'), [{ key: 'level', operator: 'Gt', value: '-5' }], true],
    ['a number where there is none', number('high'), [{ key: 'level', operator: 'Gt', value: '1' }], false],
    ['a number of another taint', number('3'), [{ key: 'rank', operator: 'Lt', value: '5' }], false],
  ];

  it.each(rows)('`isTolerated()` judges a toleration of %s', (_, on, tolerations, expected) => {
    expect(isTolerated(on, tolerations)).toBe(expected);
  });

  it('keep Pods away by NoSchedule and NoExecute, and not by PreferNoSchedule', () => {
    const tainted = (effect: string) => [host('a', { taints: [{ key: 'k', effect }] })];
    expect(placeOne(asking('one'), tainted('NoSchedule'))).toBe('0/1 nodes fit: 1 node(s) had untolerated taint(s)');
    expect(placeOne(asking('one'), tainted('NoExecute'))).toBe('0/1 nodes fit: 1 node(s) had untolerated taint(s)');
    expect(placeOne(asking('one'), tainted('PreferNoSchedule'))).toBe('a');
  });

  it('must all be tolerated', () => {
    const nodes = [host('a', { taints: [taint, { key: 'other', effect: 'NoExecute' }] })];
    const tolerating = (tolerations: readonly Toleration[]) => asking('one', {}, { spec: { tolerations } });
    expect(placeOne(tolerating([{ key: 'dedicated', value: 'x' }]), nodes)).toContain('untolerated');
    expect(placeOne(tolerating([{ operator: 'Exists' }]), nodes)).toBe('a');
  });
});

describe('a cordon', () => {
  it('keeps Pods away that do not tolerate it', () => {
    const nodes = [host('a', { unschedulable: true })];
    const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }];
    expect(placeOne(asking('one'), nodes)).toBe('0/1 nodes fit: 1 node(s) were unschedulable');
    expect(placeOne(asking('one', {}, { spec: { tolerations } }), nodes)).toBe('a');
  });
});

describe('selectors of Nodes', () => {
  const nodes = [host('a', { labels: { disk: 'ssd', rank: '3' } }), host('b', { labels: { disk: 'hdd' } })];
  const refused = "0/2 nodes fit: 2 node(s) didn't match Pod's node affinity/selector";
  const rows: readonly (readonly [NodeSelectorRequirement, string])[] = [
    [{ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }, 'a'],
    [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }, 'b'],
    [{ key: 'rank', operator: 'Exists' }, 'a'],
    [{ key: 'rank', operator: 'DoesNotExist' }, 'b'],
    [{ key: 'rank', operator: 'Gt', values: ['2'] }, 'a'],
    [{ key: 'rank', operator: 'Lt', values: ['3'] }, refused],
  ];

  it.each(rows)('judge $operator', (requirement, expected) => {
    const requiredNodeAffinity = { nodeSelectorTerms: [{ matchExpressions: [requirement] }] };
    expect(placeOne(asking('one', {}, { spec: { requiredNodeAffinity } }), nodes)).toBe(expected);
  });

  it('must both match, selector and affinity', () => {
    const requiredNodeAffinity = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'rank', operator: 'Exists' }] }] };
    const spec = { nodeSelector: { disk: 'hdd' }, requiredNodeAffinity };
    expect(placeOne(asking('one', {}, { spec }), nodes)).toBe(refused);
  });

  it('can name a Node', () => {
    const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }];
    expect(placeOne(asking('one', {}, { spec: { requiredNodeAffinity: { nodeSelectorTerms: terms } } }), nodes)).toBe(
      'b',
    );
  });
});

describe('host ports', () => {
  const rows: readonly (readonly [string, HostPort, boolean])[] = [
    ['the same', { port: 80 }, false],
    ['another port', { port: 81 }, true],
    ['another protocol', { port: 80, protocol: 'UDP' }, true],
    ['one address of all', { port: 80, ip: '10.0.0.1' }, false],
    ['all addresses, said so', { port: 80, protocol: 'TCP', ip: '0.0.0.0' }, false],
  ];

  it.each(rows)('of a Pod that is there clash with %s', (_, port, isFree) => {
    const nodes = [host('a', { pods: [asking('there', { hostPorts: [{ port: 80 }] })] })];
    const refusal = "0/1 nodes fit: 1 node(s) didn't have free ports for the requested pod ports";
    expect(placeOne(asking('one', { hostPorts: [port] }), nodes)).toBe(isFree ? 'a' : refusal);
  });

  it('do not clash on different addresses', () => {
    const pods = ['10.0.0.1', '10.0.0.2'].map((ip) => asking(ip, { hostPorts: [{ port: 80, ip }] }));
    expect(place(pods, [host('a')]).unplaced).toEqual([]);
  });

  it('clash between Pods that are placed together', () => {
    const pods = ['one', 'two'].map((name) => asking(name, { hostPorts: [{ port: 80 }] }));
    expect(place(pods, [host('a')]).unplaced).toHaveLength(1);
    expect(place(pods, [host('a'), host('b')]).unplaced).toEqual([]);
  });
});

describe('room', () => {
  it('counts what Pods hold, not what they ask for', () => {
    const resized = asking('there', { requests: { cpu: 1000 }, held: { cpu: 3000 } });
    const nodes = [host('a', { pods: [resized] })];
    expect(placeOne(asking('one', { requests: { cpu: 1000 } }), nodes)).toBe('a');
    expect(placeOne(asking('one', { requests: { cpu: 1001 } }), nodes)).toContain('Insufficient cpu');
  });

  it('counts Pods that are being deleted', () => {
    const leaving = asking('there', { requests: { cpu: 4000 } }, { deletedAt: '2026-11-21T00:00:00Z' });
    expect(placeOne(asking('one', { requests: { cpu: 1 } }), [host('a', { pods: [leaving] })])).toContain(
      'Insufficient cpu',
    );
  });

  it('lets a Pod without requests onto a Node that has promised too much, but not beyond its number of Pods', () => {
    const greedy = asking('there', { requests: { cpu: 9000 } });
    expect(placeOne(asking('one'), [host('a', { pods: [greedy] })])).toBe('a');
    expect(placeOne(asking('one'), [host('a', { pods: [greedy], allocatable: { pods: 1 } })])).toBe(
      '0/1 nodes fit: 1 Too many pods',
    );
  });

  it('does not judge resources that the Pod does not ask for', () => {
    const greedy = asking('there', { requests: { cpu: 9000 } });
    expect(placeOne(asking('one', { requests: { memory: 1 } }), [host('a', { pods: [greedy] })])).toBe('a');
  });

  it('names all that is lacking', () => {
    const one = asking('one', { requests: { cpu: 9000, memory: 9000, 'example.com/gpu': 1 } });
    expect(placeOne(one, [host('a', { allocatable: { pods: 0 } })])).toBe(
      '0/1 nodes fit: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods',
    );
  });
});
