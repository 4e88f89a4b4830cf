import { describe, expect, it } from 'vitest';
import { NOW, TestCluster } from '../../../harness/builders/cluster.ts';
import { node, type PodPart, pod, TAINT } from '../../../harness/builders/objects.ts';

/** A Pod that started `secondsAgo` and carries a mark that forbids its eviction for a time after its start. */
const marked = (value: string, secondsAgo: number, name = 'web', part: PodPart = {}) =>
  pod(name, {
    node: 'a',
    annotations: { 'karpenter.sh/do-not-disrupt': value },
    meta: { creationTimestamp: new Date(NOW - secondsAgo * 1000).toISOString() },
    ...part,
  });
const clusterOf = (...pods: readonly ReturnType<typeof pod>[]): TestCluster =>
  new TestCluster({ nodes: [node('a', { taints: [TAINT] })], pods });

describe('a do-not-evict mark with a duration', () => {
  it.each<[string, ReturnType<typeof pod>[], string]>([
    ['ends within the admission', [marked('30m', 30 * 60 - 40)], 'AdmissionPending'],
    ['ends as the admission does', [marked('30m', 30 * 60 - 60)], 'AdmissionPending'],
    ['ends later', [marked('30m', 30 * 60 - 61)], 'Rejected'],
    ['has ended', [marked('30m', 30 * 60)], 'Admitted'],
    ['has no end', [marked('true', 3600)], 'Rejected'],
    ['has no end on another Pod', [marked('30m', 30 * 60 - 40), marked('true', 0, 'other')], 'Rejected'],
    [
      'stands beside what never passes',
      [marked('30m', 30 * 60 - 40), pod('bare', { node: 'a', controller: null })],
      'Rejected',
    ],
  ])('%s', (_, pods, because) => {
    expect(clusterOf(...pods).decide('a').because).toBe(because);
  });

  it('is waited for, and wakes the Node up by itself', () => {
    const cluster = clusterOf(marked('30m', 30 * 60 - 40), marked('30m', 30 * 60 - 50, 'other'));
    expect(cluster.pass('a')).toMatchObject({ because: 'AdmissionPending', requeueAfterMs: 40_000 });
    expect(cluster.report('a')?.blockedBy[0]?.detail).toBe(
      'It is marked karpenter.sh/do-not-disrupt=30m, until 2026-11-21T02:00:50.000Z',
    );
    cluster.nowMs += 40_000;
    expect(cluster.pass('a')).toMatchObject({ because: 'AdmissionPending', requeueAfterMs: 10_000 });
    cluster.nowMs += 10_000;
    expect(cluster.pass('a').because).toBe('Admitted');
  });

  it('that is set during the drain holds its Pod until it ends, and wakes the drain up', () => {
    const cluster = clusterOf(pod('web', { node: 'a' }), pod('other', { node: 'a' }));
    cluster.pass('a');
    cluster.nowMs += 1000;
    cluster.pods = [marked('1h', 3600 - 21)];
    const held = cluster.pass('a');
    expect(held).toMatchObject({ because: 'Draining', evictions: [], requeueAfterMs: 20_000 });
    expect(held.blockedBy).toMatchObject([{ cause: 'DoNotEvict' }]);
    cluster.nowMs += 20_000;
    expect(cluster.pass('a').evictions.map(({ name }) => name)).toEqual(['web']);
  });
});

describe('Events', () => {
  it('carry the session that they are about, whatever they say: the next one says them again', () => {
    const cluster = clusterOf(pod('web', { node: 'a' }));
    const seen = new Set<string | undefined>();
    const pass = (): void => {
      for (const action of cluster.pass('a').actions) if (action.do === 'recordEvent') seen.add(action.scope);
      cluster.nowMs += 1000;
    };
    pass();
    const session = cluster.report('a')?.session;
    cluster.pods = [];
    pass();
    cluster.pods = [pod('stray', { node: 'a', controller: null })];
    pass();
    cluster.pods = [];
    pass();
    cluster.untaint('a');
    pass();
    expect([...seen]).toEqual([session]);
  });
});
