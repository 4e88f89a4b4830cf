import { describe, expect, it } from 'vitest';
import { NOW, readersOf, TestCluster } from '../../test/build/cluster.ts';
import { budget, node, pod, TAINT } from '../../test/build/objects.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import type { Action, EvictPod } from '../core/action.ts';
import type { KubeObject, Pod } from '../core/objects.ts';
import type { EvictionAttempt, Evictor, Lister } from '../core/ports.ts';
import { ALL_METRICS } from '../metrics.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { TmmMeter } from './metrics.ts';
import type { Phase } from './names.ts';
import { makeReconcile } from './reconcile.ts';
import type { TmmReaders } from './view.ts';

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

/** Caches that follow the cluster, as `readersOf` does not. */
function following(cluster: TestCluster): TmmReaders {
  const kinds = Object.keys(readersOf(cluster)) as (keyof TmmReaders)[];
  const now = (kind: keyof TmmReaders) => readersOf(cluster)[kind] as Lister<KubeObject>;
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        get: (key: string) => now(kind).get(key),
        byIndex: (...asked: [string, string]) => now(kind).byIndex(...asked),
      },
    ]),
  ) as unknown as TmmReaders;
}

/** A reconciler over a cluster in memory whose writes take as long as the test likes. */
function setUp(
  cluster: TestCluster,
  whileWriting: (actions: readonly Action[]) => Promise<void> | void = () => undefined,
  unseen: () => readonly string[] = () => [],
) {
  /** Pods that the API server has, and the cache not yet. */
  const unheardOf: Pod[] = [];
  const slotChanges: number[] = [];
  const evictor = new FakeEvictor();
  const log = recordingLog();
  const registry = new MetricRegistry(ALL_METRICS);
  const meter = new TmmMeter(registry);
  registry.beforeExposition(() => meter.collect(cluster.nowMs));
  const reconcile = makeReconcile({
    readers: following(cluster),
    unseen,
    isRefusal: (error) => error instanceof Error && error.message === 'hands off',
    slotChanged: () => slotChanges.push(cluster.nowMs),
    podsBoundTo: async (name) =>
      [...cluster.pods, ...unheardOf].filter(({ spec }) => spec.nodeName === name).map(({ metadata }) => metadata.uid),
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
  return { evictor, log, unheardOf, slotChanges, oldest, reconcile: (name: string) => reconcile(name, { log }) };
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

  it('concludes nothing and withdraws evictions while a cache may be old, says so once, and goes on when it is followed again', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    let kinds: readonly string[] = [];
    const { evictor, log, reconcile } = setUp(cluster, undefined, () => kinds);
    await reconcile('a');
    const before = cluster.report('a');
    // As far as the cache knows, the last Pod has gone.
    cluster.pods = [];
    kinds = ['pods'];
    expect([await reconcile('a'), await reconcile('a')]).toEqual([{ requeueAfterMs: 2000 }, { requeueAfterMs: 2000 }]);
    expect([cluster.report('a'), evictor.wanted.get('a')]).toEqual([before, []]);
    const told = log.lines.filter(({ level }) => level === 'warn');
    expect(told.map(({ message, fields }) => [message, fields.resource])).toEqual([
      ['Not decided: what was seen last may be old', 'pods'],
    ]);
    kinds = [];
    await reconcile('a');
    expect(cluster.report('a')?.phase).toBe('InMaintenance');
  });

  it('does not call a Node drained on which the API server has a Pod that the cache has not heard of', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')] });
    const { unheardOf, reconcile } = setUp(cluster);
    unheardOf.push(web('x', 'a'), web('y', 'b'));
    expect(await reconcile('a')).toEqual({ requeueAfterMs: 2000 });
    expect(cluster.report('a')).toBeUndefined();
    cluster.pods = unheardOf.splice(0);
    await reconcile('a');
    expect(cluster.report('a')?.phase).toBe('Draining');
  });

  it('does everything else where a Pod cannot be told, and fails after that, to try again', async () => {
    const blocked = budget('x', { desired: 3 });
    const pods = ['x', 'y'].map((name) => pod(name, { node: 'a', labels: { app: 'x' } }));
    const cluster = new TestCluster({ nodes: [tainted('a')], pods, budgets: [blocked] });
    const { reconcile } = setUp(cluster, ([action]) => {
      if (action?.do === 'patchMeta' && action.target.name === 'x') throw new Error('hands off');
    });
    await expect(reconcile('a')).rejects.toThrow('hands off');
    expect(cluster.report('a')?.phase).toBe('Rejected');
    expect(cluster.pod('y').metadata.annotations).toHaveProperty('emm-failure');
  });

  it('does not ask again with each pass for what was refused, and keeps the deadlines of the maintenance', async () => {
    const pods = ['x', 'y'].map((name) => pod(name, { node: 'a', labels: { app: 'x' } }));
    const cluster = new TestCluster({ nodes: [tainted('a')], pods, budgets: [budget('x', { desired: 3 })] });
    let isClosed = false;
    let asked = 0;
    const { reconcile } = setUp(cluster, ([action]) => {
      if (!isClosed || action?.do !== 'patchMeta' || action.target.name !== 'x') return;
      asked += 1;
      throw new Error('hands off');
    });
    await reconcile('a');
    expect(cluster.report('a')?.phase).toBe('Rejected');
    // A new session takes off what the last one wrote, and waits for its verdict for a minute.
    isClosed = true;
    cluster.editNode('a', (each) => ({ ...each, metadata: { ...each.metadata, annotations: {} } }));
    cluster.budgets = [budget('x', { observed: false })];
    await expect(reconcile('a')).rejects.toThrow('hands off');
    expect([cluster.report('a')?.phase, asked]).toEqual(['Checking', 1]);
    cluster.nowMs += 400;
    expect([await reconcile('a'), asked]).toEqual([{ requeueAfterMs: 600 }, 1]);
    for (const waitMs of [600, 2000, 4000, 8000, 16_000]) {
      cluster.nowMs += waitMs;
      await expect(reconcile('a')).rejects.toThrow('hands off');
    }
    cluster.nowMs += 1000;
    // What is due sooner than the next try: the end of the minute.
    expect([await reconcile('a'), asked]).toEqual([{ requeueAfterMs: 28_000 }, 6]);
    // A Pod that has changed since is another matter.
    cluster.pods = cluster.pods.map((each) => ({ ...each, metadata: { ...each.metadata, resourceVersion: 'new' } }));
    await expect(reconcile('a')).rejects.toThrow('hands off');
    expect(asked).toBe(7);
  });

  it('tells those that wait when a Node gives back a slot that was never written', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), tainted('b')], pods: [web('x', 'a'), web('y', 'b')] });
    let isServerWell = false;
    const { slotChanges, reconcile } = setUp(cluster, () => {
      if (!isServerWell) throw new Error('The server is ill');
    });
    await expect(reconcile('a')).rejects.toThrow('The server is ill');
    expect(slotChanges).toEqual([]);
    isServerWell = true;
    cluster.untaint('a');
    await reconcile('a');
    expect(slotChanges).toHaveLength(1);
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
