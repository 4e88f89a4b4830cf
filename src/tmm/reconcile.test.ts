import { describe, expect, it } from 'vitest';
import { NOW, readersOf, TestCluster } from '../../test/build/cluster.ts';
import { node, pod, TAINT } from '../../test/build/objects.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import type { Action, EvictPod } from '../core/action.ts';
import type { EvictionAttempt, Evictor } from '../core/ports.ts';
import { ALL_METRICS } from '../metrics.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { TmmMeter } from './metrics.ts';
import type { Phase } from './names.ts';
import { makeReconcile } from './reconcile.ts';

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
  const registry = new MetricRegistry(ALL_METRICS);
  const meter = new TmmMeter(registry);
  registry.beforeExposition(() => meter.collect(cluster.nowMs));
  const reconcile = makeReconcile({
    readers: readersOf(cluster),
    apply: async (actions) => {
      await whileWriting(actions);
      for (const action of actions) cluster.carryOut(action);
    },
    evictor,
    clock: { now: () => cluster.nowMs },
    meter,
    settings: cluster.settings,
  });
  const oldest = async (phase: Phase): Promise<string | undefined> =>
    (await registry.exposition()).body
      .split('\n')
      .find((line) => line.startsWith(`maintenance_bridge_tmm_oldest_phase_seconds{phase="${phase}"}`))
      ?.split(' ')
      .at(-1);
  return { evictor, oldest, reconcile: (name: string) => reconcile(name, { log }) };
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

  it('tells for how long the phase has lasted, and a new process tells the same', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    const { oldest, reconcile } = setUp(cluster);
    await reconcile('a');
    cluster.nowMs += 60_000;
    expect([await oldest('Draining'), await oldest('Rejected')]).toEqual(['60', '0']);
    const restarted = setUp(cluster);
    await restarted.reconcile('a');
    expect(await restarted.oldest('Draining')).toBe('60');
  });

  it('begins to count anew with each phase', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    await setUp(cluster).reconcile('a');
    cluster.nowMs += 7_200_000;
    const { oldest, reconcile } = setUp(cluster);
    await reconcile('a');
    cluster.nowMs += 5000;
    expect([await oldest('Draining'), await oldest('Rejected')]).toEqual(['0', '5']);
  });
});
