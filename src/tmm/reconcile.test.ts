import { describe, expect, it } from 'vitest';
import { NOW, readersOf, TestCluster } from '../../test/build/cluster.ts';
import { node, pod, TAINT } from '../../test/build/objects.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import type { Action, EvictPod } from '../core/action.ts';
import type { Metrics } from '../core/metrics.ts';
import type { EvictionAttempt, Evictor } from '../core/ports.ts';
import { makeReconcile } from './reconcile.ts';

const SILENT: Metrics = { increment: () => undefined, set: () => undefined, observe: () => undefined };

class FakeEvictor implements Evictor {
  readonly wanted = new Map<string, readonly EvictPod[]>();
  readonly answers = new Map<string, EvictionAttempt>();
  want(owner: string, wanted: readonly EvictPod[]): void {
    this.wanted.set(owner, wanted);
  }
  attempts(): ReadonlyMap<string, EvictionAttempt> {
    return this.answers;
  }
  forget(owner: string): void {
    this.wanted.delete(owner);
  }
}

/** A reconciler over a cluster in memory whose writes take as long as the test likes. */
function setUp(
  cluster: TestCluster,
  whileWriting: (actions: readonly Action[]) => Promise<void> | void = () => undefined,
) {
  const evictor = new FakeEvictor();
  const log = recordingLog();
  const reconcile = makeReconcile({
    readers: readersOf(cluster),
    apply: async (actions) => {
      await whileWriting(actions);
      for (const action of actions) cluster.carryOut(action);
    },
    evictor,
    clock: { now: () => cluster.nowMs },
    metrics: SILENT,
    settings: cluster.settings,
  });
  return { evictor, reconcile: (name: string) => reconcile(name, { log }) };
}

const web = (name: string, nodeName: string) => pod(name, { node: nodeName });
const tainted = (name: string) => node(name, { taints: [TAINT] });

describe('the reconciler', () => {
  it('evicts only after the phase was written', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    let wantedWhileWriting: readonly EvictPod[] | undefined;
    const { evictor, reconcile } = setUp(cluster, () => {
      wantedWhileWriting = evictor.wanted.get('a');
    });
    await reconcile('a');
    expect(wantedWhileWriting).toBeUndefined();
    expect(evictor.wanted.get('a')?.map(({ name }) => name)).toEqual(['x']);
  });

  it('does not ask again for what was answered while it was writing', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a'), web('y', 'a')] });
    const { evictor, reconcile } = setUp(cluster, () => {
      evictor.answers.set('uid-of-shop-x', {
        outcome: 'Throttled',
        atMs: NOW,
        retryAtMs: NOW + 1000,
        basis: '',
        count: 1,
      });
    });
    await reconcile('a');
    expect(evictor.wanted.get('a')?.map(({ name }) => name)).toEqual(['y']);
  });

  it('withdraws evictions before it writes, where none is wanted any more', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    const wanted: (number | undefined)[] = [];
    const { evictor, reconcile } = setUp(cluster, () => {
      wanted.push(evictor.wanted.get('a')?.length);
    });
    await reconcile('a');
    cluster.untaint('a');
    const again = setUp(cluster, () => {
      wanted.push(again.evictor.wanted.get('a')?.length);
    });
    await again.reconcile('a');
    expect(wanted).toEqual([undefined, 0]);
  });

  it('admits one of two Nodes that are judged at the same moment', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), tainted('b')], pods: [web('x', 'a'), web('y', 'b')] });
    const { promise, resolve } = Promise.withResolvers<void>();
    const { evictor, reconcile } = setUp(cluster, () => promise);
    const passes = [reconcile('a'), reconcile('b')];
    resolve();
    await Promise.all(passes);
    expect([cluster.report('a')?.phase, cluster.report('b')?.phase]).toEqual(['Draining', 'Queued']);
    expect(evictor.wanted.get('b')).toEqual([]);
  });
});
