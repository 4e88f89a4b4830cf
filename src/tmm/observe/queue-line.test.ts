import { describe, expect, it } from 'vitest';
import { type ClusterObjects, readersOf, TestCluster } from '../../../harness/builders/cluster.ts';
import { controlledBy, node, pod, replicaSet } from '../../../harness/builders/objects.ts';
import { formatReport, type Workload } from '../model/report.ts';
import { type Phase, REPORT_ANNOTATION } from '../names.ts';
import { standings } from './queue-line.ts';

const WEB = replicaSet('web', 2);
const DISPLACED: readonly Workload[] = [
  { kind: 'ReplicaSet', namespace: 'shop', name: 'web', uid: WEB.metadata.uid, here: 0, ready: 2, leaving: 1 },
];

/** @param started the minute in which it asked. */
function reporting(name: string, phase: Phase, started: number, workloads: readonly Workload[] = []) {
  const time = `2026-11-21T02:${String(started).padStart(2, '0')}:00.000Z`;
  const pods = { total: 0, gone: 0, staying: 0 };
  const report = { session: name, phase, started: time, since: time, message: '', pods, blockedBy: [], workloads };
  return node(name, { meta: { annotations: { [REPORT_ANNOTATION]: formatReport(report) } } });
}

function standing(objects: ClusterObjects, maxConcurrentNodes: number | string = 1): Readonly<Record<string, string>> {
  const { settings } = new TestCluster({}, { maxConcurrentNodes });
  return Object.fromEntries(standings(readersOf(objects), settings) ?? []);
}

describe('`standings()`', () => {
  const line = ['c', 'a', 'b'].map((name, minute) => reporting(name, 'Queued', minute));

  it('lets as many be next as there are slots, by who asked first', () => {
    expect(standing({ nodes: line })).toEqual({ c: 'next', a: 'behind', b: 'behind' });
    expect(standing({ nodes: line }, 2)).toEqual({ c: 'next', a: 'next', b: 'behind' });
    expect(standing({ nodes: [...line, node('d')] }, '50%')).toEqual({ c: 'next', a: 'next', b: 'behind' });
  });

  it('does not count a Node that others hold up, and has the next one take its place', () => {
    const away = reporting('away', 'Exiting', 0, DISPLACED);
    const member = pod('x', { node: 'c', meta: controlledBy(WEB, 'ReplicaSet') });
    const objects = { nodes: [away, ...line], pods: [member], replicaSets: [WEB] };
    expect(standing(objects)).toEqual({ c: 'held', a: 'next', b: 'behind' });
    const back = pod('y', { node: 'away', meta: controlledBy(WEB, 'ReplicaSet') });
    expect(standing({ ...objects, pods: [member, back] })).toEqual({ c: 'next', a: 'behind', b: 'behind' });
  });

  it('leaves it to a Node itself to wait for what its own last session has displaced', () => {
    const again = reporting('c', 'Queued', 0, DISPLACED);
    const member = pod('x', { node: 'c', meta: controlledBy(WEB, 'ReplicaSet') });
    const nodes = [again, ...line.slice(1)];
    expect(standing({ nodes, pods: [member], replicaSets: [WEB] })).toEqual({ c: 'next', a: 'next', b: 'behind' });
  });

  it('knows nobody where nobody waits', () => {
    expect(standing({ nodes: [reporting('a', 'Draining', 0), node('b')] })).toEqual({});
  });
});
