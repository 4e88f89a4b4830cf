import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import { budget, controlledBy, node, pod, statefulSet, TAINT } from '../../../harness/builders/objects.ts';
import { isReady } from '../../core/meta.ts';
import type { Pod } from '../../core/objects.ts';
import { majorityOf } from './pods.ts';

const NAMES = ['a', 'b', 'c'];

/** What may happen between two passes over a Node. */
const stepArbitrary = fc.record({
  what: fc.constantFrom('taint', 'untaint', 'fail', 'recover', 'replace', 'wait'),
  node: fc.constantFrom(...NAMES),
  member: fc.nat({ max: 6 }),
});

/** A StatefulSet whose members move, fail and recover, on Nodes that are taken down as they come. */
class World {
  readonly cluster: TestCluster;
  readonly replicas: number;
  readonly withBudget: boolean;
  #created = 0;

  constructor(replicas: number, withBudget: boolean, homes: readonly string[], maxConcurrentNodes: number) {
    this.replicas = replicas;
    this.withBudget = withBudget;
    this.cluster = new TestCluster({ nodes: NAMES.map((name) => node(name)) }, { maxConcurrentNodes });
    this.cluster.pods = homes.slice(0, replicas).map((home, index) => this.#member(index, home));
    this.#refresh();
  }

  get ready(): number {
    return this.cluster.pods.filter(isReady).length;
  }

  happen({ what, node: name, member }: { what: string; node: string; member: number }): void {
    const { cluster } = this;
    cluster.nowMs += 1000;
    const chosen = cluster.pods[member % Math.max(1, cluster.pods.length)];
    if (what === 'taint') cluster.editNode(name, (each) => ({ ...each, spec: { taints: [TAINT] } }));
    if (what === 'untaint') cluster.untaint(name);
    if (what === 'fail') this.#setReady(chosen, false);
    if (what === 'recover') this.#setReady(chosen, true);
    if (what === 'replace') {
      const missing = Array.from({ length: this.replicas }, (_, index) => index).find(
        (index) => !cluster.pods.some(({ metadata }) => metadata.name === `db-${index}`),
      );
      if (missing !== undefined) cluster.pods = [...cluster.pods, this.#member(missing, 'spare')];
    }
    this.#refresh();
  }

  /** Runs one pass; the server accepts what a budget allows. @returns how many ready members went. */
  pass(name: string): number {
    let gone = 0;
    for (const wanted of this.cluster.pass(name).evictions) {
      const found = this.cluster.pods.find(({ metadata }) => metadata.uid === wanted.uid);
      if (found === undefined) continue;
      if (this.withBudget && isReady(found) && this.ready - 1 < majorityOf(this.replicas)) continue;
      if (isReady(found)) gone += 1;
      this.cluster.pods = this.cluster.pods.filter((each) => each !== found);
      this.#refresh();
    }
    return gone;
  }

  #member(index: number, home: string): Pod {
    this.#created += 1;
    return pod(`db-${index}`, {
      node: home,
      labels: { app: 'db' },
      meta: {
        ...controlledBy(statefulSet('db', this.replicas)),
        uid: `member-${this.#created}`,
        creationTimestamp: new Date(this.cluster.nowMs).toISOString(),
      },
    });
  }

  #setReady(chosen: Pod | undefined, ready: boolean): void {
    this.cluster.pods = this.cluster.pods.map((each) =>
      each === chosen
        ? { ...each, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } }
        : each,
    );
  }

  /** Updates the numbers that the controllers of the cluster would count. */
  #refresh(): void {
    this.cluster.statefulSets = [statefulSet('db', this.replicas)];
    const desired = majorityOf(this.replicas);
    this.cluster.budgets = this.withBudget
      ? [
          budget('db', {
            healthy: this.ready,
            desired,
            expected: this.replicas,
            meta: { resourceVersion: `${this.cluster.nowMs}-${this.ready}` },
          }),
        ]
      : [];
  }
}

describe('quorum', () => {
  it('does not count a member twice that is being deleted and still ready', () => {
    const zk = statefulSet('zk', 3);
    const member = (name: string, nodeName: string, deletedAt?: string) =>
      pod(name, { node: nodeName, meta: controlledBy(zk), ...(deletedAt !== undefined && { deletedAt }) });
    const cluster = new TestCluster({
      nodes: [node('a', { taints: [TAINT] }), node('b')],
      pods: [member('zk-0', 'a', '2026-11-21T02:00:30Z'), member('zk-1', 'b'), member('zk-2', 'b')],
      statefulSets: [zk],
    });
    expect(cluster.decide('a').because).toBe('Admitted');
  });

  it('is never broken by our own evictions, whatever fails and whoever is tainted meanwhile', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3, 5, 7),
        fc.boolean(),
        fc.array(fc.constantFrom(...NAMES, 'spare'), { minLength: 7, maxLength: 7 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(stepArbitrary, { maxLength: 40 }),
        (replicas, withBudget, homes, maxConcurrentNodes, steps) => {
          const world = new World(replicas, withBudget, homes, maxConcurrentNodes);
          for (const step of steps) {
            world.happen(step);
            for (const name of NAMES) {
              const gone = world.pass(name);
              // Failures may take it below the majority; we never do.
              if (gone > 0) expect(world.ready).toBeGreaterThanOrEqual(majorityOf(replicas));
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is held together by Nodes that are drained at once, when a member fails after both were admitted', () => {
    const db = statefulSet('db', 5);
    const member = (index: number, home: string) =>
      pod(`db-${index}`, { node: home, meta: { ...controlledBy(db), uid: `member-${index}` } });
    const nodes = ['a', 'b'].map((name) => node(name, { taints: [TAINT] }));
    const pods = [member(0, 'a'), member(1, 'b'), ...[2, 3, 4].map((index) => member(index, 'spare'))];
    const cluster = new TestCluster({ nodes, pods, statefulSets: [db] }, { maxConcurrentNodes: 2 });
    for (const name of ['a', 'b']) expect(cluster.pass(name).because).toBe('Admitted');
    // Before either eviction was sent.
    cluster.pods = [...cluster.pods.slice(0, 4), pod('db-4', { node: 'spare', ready: false, meta: controlledBy(db) })];
    const [ofA, ofB] = ['a', 'b'].map((name) => cluster.pass(name));
    expect([ofA?.evictions.length, ofB?.evictions.length]).toEqual([1, 0]);
    expect(ofB?.blockedBy[0]).toMatchObject({
      cause: 'QuorumAtRisk',
      detail:
        'StatefulSet shop/db has no PodDisruptionBudget, and 4 of 5 members are ready, 1 of them about to leave another Node; a majority is 3',
    });
  });

  it('is waited for where members are about to leave another Node, and will be ready elsewhere', () => {
    const world = new World(3, false, ['a', 'b', 'c'], 3);
    const { cluster } = world;
    const happen = (what: string, name: string): void => world.happen({ what, node: name, member: 0 });
    happen('taint', 'a');
    happen('taint', 'b');
    // Before its eviction was sent.
    expect(cluster.pass('a').because).toBe('Admitted');
    world.pass('b');
    expect(cluster.report('b')).toMatchObject({
      phase: 'Queued',
      message: expect.stringContaining('StatefulSet shop/db has no PodDisruptionBudget'),
    });
    world.pass('a');
    happen('replace', 'a');
    world.pass('a');
    world.pass('b');
    expect(cluster.report('b')?.phase).toBe('Draining');
  });

  it('of a budget is not asked for more than it allows', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 6 }), (allowed, here) => {
        const pods = Array.from({ length: here }, (_, index) =>
          pod(`db-${index}`, { node: 'a', labels: { app: 'db' } }),
        );
        const budgets = [budget('db', { expected: 10, healthy: 10, desired: 10 - allowed })];
        const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] })], pods, budgets });
        expect(cluster.pass('a').evictions.length).toBe(allowed === 0 ? 0 : Math.min(allowed, here));
      }),
    );
  });
});
