import { describe, expect, it } from 'vitest';
import { NOW, readersOf, TestCluster } from '../../harness/builders/cluster.ts';
import { budget, node, pod, TAINT } from '../../harness/builders/objects.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { ALL_METRICS } from '../app/metrics.ts';
import type { Action, EvictPod, PatchMeta } from '../core/action.ts';
import type { KubeObject, Pod } from '../core/objects.ts';
import type { EvictionAttempt, EvictionProbe, Evictor, Lister, ProbeAnswer } from '../core/ports.ts';
import { finish, type Steps } from '../core/scheduling/steps.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { TmmMetrics } from './metrics.ts';
import { askingTaint } from './model/taints.ts';
import type { Phase } from './names.ts';
import { NodeMemory } from './node-memory.ts';
import type { TmmReaders } from './observe/readers.ts';
import { makeReconcile, type TmmCluster } from './reconcile.ts';

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

/** Admission that denies no eviction, and answers at once. */
class FakeProbe implements EvictionProbe {
  readonly known = new Map<string, ProbeAnswer>();
  want(_owner: string, pods: readonly EvictPod[]): void {
    for (const { uid } of pods) this.known.set(uid, 'Allowed');
  }
  answers(): ReadonlyMap<string, ProbeAnswer> {
    return this.known;
  }
  forget(): void {
    this.known.clear();
  }
}

/** Caches that follow the cluster, unlike those of `readersOf`. */
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
  inSteps: <T>(steps: Steps<T>) => Promise<T> = async (steps) => finish(steps),
) {
  /** Pods that the API server has and the cache has not yet. */
  const unheardOf: Pod[] = [];
  const slotChanges: number[] = [];
  const evictor = new FakeEvictor();
  const probe = new FakeProbe();
  for (const { metadata } of cluster.pods) probe.known.set(metadata.uid, 'Allowed');
  const marked = new Map<string, readonly PatchMeta[]>();
  const log = recordingLog();
  const registry = new MetricRegistry(ALL_METRICS);
  const meter = new TmmMetrics(registry);
  registry.beforeExposition(() => meter.collect(cluster.nowMs));
  const reconcile = makeReconcile({
    isRefusal: (error) => error instanceof Error && error.message === 'hands off',
    clock: { now: () => cluster.nowMs },
    inSteps,
    settings: cluster.settings,
  });
  const ports: TmmCluster = {
    readers: following(cluster),
    isOurs: (each) => each.metadata.labels?.['example.com/theirs'] === undefined,
    source: (each) => askingTaint(each, cluster.settings.taints),
    unseen,
    slotChanged: () => slotChanges.push(cluster.nowMs),
    podsBoundTo: async (name) =>
      [...cluster.pods, ...unheardOf].filter(({ spec }) => spec.nodeName === name).map(({ metadata }) => metadata.uid),
    apply: async (actions) => {
      await whileWriting(actions);
      for (const action of actions) cluster.carryOut(action);
    },
    evictor,
    probe,
    marker: { want: (owner, marks) => marked.set(owner, marks) },
    memory: new NodeMemory(),
    meter,
  };
  const oldest = async (phase: Phase): Promise<string | undefined> =>
    (await registry.exposition()).body
      .split('\n')
      .find((line) => line.startsWith(`maintenance_bridge_tmm_oldest_phase_seconds{phase="${phase}"}`))
      ?.split(' ')
      .at(-1);
  return {
    memory: ports.memory,
    evictor,
    marked,
    log,
    unheardOf,
    slotChanges,
    oldest,
    reconcile: (name: string) => reconcile(ports, name, { log }),
  };
}

const isWriteOfNode = (action: Action): boolean => action.do === 'patchNodeStatus';
const web = (name: string, nodeName: string) => pod(name, { node: nodeName });
const tainted = (name: string) => node(name, { taints: [TAINT] });

describe('the reconciler', () => {
  it('lets go of a Node that somebody else works on, and goes on from its report when it is given back', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), node('spare')], pods: [web('x', 'a')] });
    const { reconcile, evictor, oldest } = setUp(cluster);
    await reconcile('a');
    expect(evictor.wanted.get('a')).toHaveLength(1);
    const before = cluster.report('a');
    const label = (labels: Readonly<Record<string, string>>) =>
      cluster.editNode('a', (each) => ({ ...each, metadata: { ...each.metadata, labels } }));
    label({ 'example.com/theirs': 'yes' });
    cluster.nowMs += 1000;
    expect(await reconcile('a')).toEqual({});
    expect(evictor.wanted.get('a') ?? []).toEqual([]);
    expect(cluster.report('a')).toEqual(before);
    expect(await oldest('Draining')).toBe('0');
    label({});
    await reconcile('a');
    // Admission is asked again first.
    await reconcile('a');
    expect(evictor.wanted.get('a')).toHaveLength(1);
  });

  it('does not reject for a Node that has been opened while room was searched for', async () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), node('spare', { unschedulable: true })],
      pods: [web('x', 'a')],
    });
    const turns = async <T>(steps: Steps<T>): Promise<T> => {
      const found = finish(steps);
      cluster.editNode('spare', (each) => ({ ...each, spec: {} }));
      return found;
    };
    await setUp(cluster, undefined, undefined, turns).reconcile('a');
    expect(cluster.report('a')?.phase).toBe('Draining');
  });

  it('admits one of two Nodes whose rooms are searched for at the same time, where there is one slot', async () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), tainted('b'), node('spare')],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    const turns = async <T>(steps: Steps<T>): Promise<T> => {
      for (;;) {
        const step = steps.next();
        if (step.done === true) return step.value;
        await Promise.resolve();
      }
    };
    const { reconcile } = setUp(cluster, undefined, undefined, turns);
    await Promise.all([reconcile('a'), reconcile('b')]);
    expect(['a', 'b'].map((name) => cluster.report(name)?.phase).sort()).toEqual(['Draining', 'Queued']);
  });

  it('searches for no room on behalf of Nodes that the first one makes wait', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `n-${index}`);
    const cluster = new TestCluster({
      nodes: [...names.map(tainted), node('spare')],
      pods: names.map((name) => web(`web-${name}`, name)),
    });
    let searches = 0;
    const { reconcile } = setUp(cluster, undefined, undefined, async (steps) => {
      searches += 1;
      return finish(steps);
    });
    await Promise.all(names.map((name) => reconcile(name)));
    expect(searches).toBe(1);
    const phases = names.map((name) => cluster.report(name)?.phase);
    expect(phases.filter((phase) => phase === 'Queued')).toHaveLength(9);
  });

  it('judges the Pods that are there when the search for room has ended', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), node('spare')], pods: [web('x', 'a')] });
    const { reconcile } = setUp(cluster, undefined, undefined, async (steps) => {
      const found = finish(steps);
      if (cluster.pods.length === 1) cluster.pods = [...cluster.pods, pod('bare', { node: 'a', controller: null })];
      return found;
    });
    await reconcile('a');
    expect(cluster.report('a')).toMatchObject({ phase: 'Rejected', blockedBy: [{ pod: 'shop/bare' }] });
  });

  it('comes to an end where Pods come and go faster than room is found', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), node('spare')], pods: [web('x', 'a')] });
    let count = 0;
    const { reconcile } = setUp(cluster, undefined, undefined, async (steps) => {
      const found = finish(steps);
      count += 1;
      cluster.pods = [web(`x-${count}`, 'a')];
      return found;
    });
    await reconcile('a');
    expect(cluster.report('a')).toMatchObject({ phase: 'Draining' });
  });

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
    const { evictor, reconcile } = setUp(cluster, (actions) => {
      if (actions.some(isWriteOfNode)) wanted.push(evictor.wanted.get('a')?.length);
    });
    await reconcile('a');
    cluster.untaint('a');
    const again = setUp(cluster, (actions) => {
      if (actions.some(isWriteOfNode)) wanted.push(again.evictor.wanted.get('a')?.length);
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
    // According to the cache, the last Pod has gone.
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

  it('hands marks on Pods over behind the Node, and does not wait for them', async () => {
    const pods = ['x', 'y'].map((name) => pod(name, { node: 'a', labels: { app: 'x' } }));
    const cluster = new TestCluster({ nodes: [tainted('a')], pods, budgets: [budget('x', { desired: 3 })] });
    const markedWhileWriting: (number | undefined)[] = [];
    const { marked, reconcile } = setUp(cluster, (actions) => {
      if (actions.some(isWriteOfNode)) markedWhileWriting.push(marked.get('a')?.length);
    });
    await reconcile('a');
    expect(cluster.report('a')?.phase).toBe('Rejected');
    expect(markedWhileWriting).toEqual([undefined]);
    expect(marked.get('a')?.map(({ target }) => target.name)).toEqual(['x', 'y']);
    // The evictions are not sent yet: they are wanted as long as they are due, and no longer.
    await reconcile('a');
    expect(marked.get('a')).toHaveLength(2);
    cluster.untaint('a');
    await reconcile('a');
    expect(cluster.report('a')).toBeUndefined();
    expect(marked.get('a')).toEqual([]);
  });

  it('keeps the deadline of the exit where the right to lift the cordon was taken away', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [] }, { cordon: 'always' });
    const { reconcile } = setUp(cluster, ([action]) => {
      if (action?.do === 'setUnschedulable' && !action.unschedulable) throw new Error('hands off');
    });
    await reconcile('a');
    await reconcile('a');
    cluster.untaint('a');
    await reconcile('a');
    expect(await reconcile('a')).toEqual({ requeueAfterMs: 30_000 });
    cluster.nowMs += 290_000;
    expect(await reconcile('a')).toEqual({ requeueAfterMs: 10_000 });
    cluster.nowMs += 10_000;
    await reconcile('a');
    expect(cluster.report('a')).toBeUndefined();
  });

  it('drains all the same where the right to cordon is missing, and tells of it', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] }, { cordon: 'always' });
    const carriedOut: string[] = [];
    const { reconcile, evictor } = setUp(cluster, (actions) => {
      carriedOut.push(...actions.map((action) => (action.do === 'recordEvent' ? action.reason : action.do)));
      if (actions[0]?.do === 'setUnschedulable') throw new Error('hands off');
    });
    await reconcile('a');
    expect(await reconcile('a')).toMatchObject({ requeueAfterMs: 30_000 });
    await reconcile('a');
    expect(carriedOut.filter((each) => each === 'setUnschedulable' || each === 'CordonRefused')).toEqual([
      'setUnschedulable',
      'CordonRefused',
    ]);
    expect(evictor.wanted.get('a')).toMatchObject([{ name: 'x' }]);
    cluster.nowMs += 30_000;
    await reconcile('a');
    expect(carriedOut.filter((each) => each === 'setUnschedulable')).toHaveLength(2);
    cluster.pods = [];
    cluster.nowMs += 1000;
    await reconcile('a');
    expect(cluster.report('a')?.phase).toBe('InMaintenance');
  });

  it('says on the Node that its report is refused, and evicts nothing', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')], pods: [web('x', 'a')] });
    const recorded: string[] = [];
    let isRefused = true;
    const { reconcile, evictor } = setUp(cluster, (actions) => {
      recorded.push(...actions.flatMap((action) => (action.do === 'recordEvent' ? action.reason : [])));
      if (isRefused && actions[0]?.do === 'patchNodeStatus') throw new Error('hands off');
    });
    await expect(reconcile('a')).rejects.toThrow('hands off');
    expect(recorded).toEqual(['MaintenanceReportRefused']);
    expect(evictor.wanted.get('a') ?? []).toEqual([]);
    isRefused = false;
    await reconcile('a');
    expect(recorded).toEqual(['MaintenanceReportRefused', 'MaintenanceAdmitted']);
    expect(evictor.wanted.get('a')).toMatchObject([{ name: 'x' }]);
  });

  it('begins no further session at once where somebody removes the report each time', async () => {
    const cluster = new TestCluster({ nodes: [tainted('a')] });
    const recorded: string[] = [];
    const { reconcile } = setUp(cluster, (actions) => {
      recorded.push(...actions.flatMap((action) => (action.do === 'recordEvent' ? action.reason : [])));
    });
    for (let round = 0; round < 20; round += 1) {
      await reconcile('a');
      cluster.editNode('a', ({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, annotations: {} } }));
    }
    expect(recorded.filter((reason) => reason === 'NodeDrained')).toHaveLength(5);
    expect(recorded.filter((reason) => reason === 'MaintenanceReportRemoved')).toHaveLength(1);
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

  describe('a request that was withdrawn and repeated between two passes', () => {
    const rejected = async (whileWriting?: (actions: readonly Action[]) => void) => {
      const cluster = new TestCluster({
        nodes: [tainted('a')],
        pods: [web('x', 'a'), pod('bare', { node: 'a', controller: null })],
      });
      const set = setUp(cluster, whileWriting);
      await set.reconcile('a');
      expect(cluster.report('a')?.phase).toBe('Rejected');
      // The cause is removed.
      cluster.pods = cluster.pods.slice(0, 1);
      cluster.nowMs += 1000;
      return { cluster, session: cluster.report('a')?.session, ...set };
    };

    it('is judged anew', async () => {
      const { cluster, session, memory, reconcile } = await rejected();
      memory.withdraw('a');
      await reconcile('a');
      expect(cluster.report('a')?.phase).toBe('Draining');
      expect(cluster.report('a')?.session).not.toBe(session);
    });

    it('is judged anew also where it could not be written the first time', async () => {
      let isIll = false;
      const { cluster, memory, reconcile } = await rejected(() => {
        if (isIll) throw new Error('The server is ill');
      });
      memory.withdraw('a');
      isIll = true;
      await expect(reconcile('a')).rejects.toThrow('The server is ill');
      isIll = false;
      await reconcile('a');
      expect(cluster.report('a')?.phase).toBe('Draining');
    });

    it('is nothing but an end where it was not repeated', async () => {
      const { cluster, memory, reconcile } = await rejected();
      memory.withdraw('a');
      cluster.untaint('a');
      await reconcile('a');
      expect(cluster.report('a')).toBeUndefined();
      expect(memory.isWithdrawn('a')).toBe(false);
    });

    it('stays rejected where it was there all the time', async () => {
      const { cluster, reconcile } = await rejected();
      await reconcile('a');
      expect(cluster.report('a')?.phase).toBe('Rejected');
    });
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
