import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../test/build/cluster.ts';
import { budget, claim, controlledBy, localVolume, node, pod, statefulSet, TAINT } from '../../test/build/objects.ts';
import { decide } from './decide.ts';
import { slotsOf } from './queue.ts';

const tainted = (name: string) => node(name, { taints: [TAINT] });
/** Created since the maintenance began. */
const NEW = { meta: { creationTimestamp: '2026-11-21T02:00:00Z' } };
const web = (name: string, nodeName: string, part: Parameters<typeof pod>[1] = {}) =>
  pod(name, { node: nodeName, labels: { app: 'web' }, ...part });

/** Passes over Nodes in turn until nothing is written any more; the Pods of a Node that is being drained are then gone. */
function rounds(cluster: TestCluster, names: readonly string[]): void {
  for (let round = 0; round < 10; round++) {
    const writes = names.flatMap((name) => cluster.pass(name).actions.filter(({ do: kind }) => kind !== 'recordEvent'));
    if (writes.length === 0) return;
  }
  throw new Error('It never settles');
}

const phases = (cluster: TestCluster, names: readonly string[]) => names.map((name) => cluster.report(name)?.phase);

describe('the queue', () => {
  it.each([
    [1, 100, 1],
    [3, 100, 3],
    ['10%', 100, 10],
    ['10%', 5, 1],
    ['33%', 10, 3],
  ] as const)('`slotsOf()` makes %s of %i Nodes %i', (wanted, nodes, slots) => {
    expect(slotsOf(wanted, nodes)).toBe(slots);
  });

  it('lets one Node go at a time, by default, and says what the other waits for', () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), tainted('b'), node('c')],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual(['Draining', 'Queued']);
    expect(cluster.report('b')?.message).toBe('Waiting for Node a (Draining): one Node at a time');
    expect(cluster.condition('b', 'MaintenanceInProgress')).toBe('False');
    expect(cluster.decide('b').evictions).toEqual([]);
  });

  it('lets as many go as there are slots', () => {
    const cluster = new TestCluster(
      { nodes: ['a', 'b', 'c'].map(tainted), pods: [web('x', 'a'), web('y', 'b'), web('z', 'c')] },
      { maxConcurrentNodes: 2 },
    );
    rounds(cluster, ['a', 'b', 'c']);
    expect(phases(cluster, ['a', 'b', 'c'])).toEqual(['Draining', 'Draining', 'Queued']);
  });

  it('counts a Node that was admitted in the same moment, before any cache shows it', () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), tainted('b')], pods: [web('x', 'a'), web('y', 'b')] });
    const { admitted } = cluster.decide('a');
    if (admitted === undefined) throw new Error('It should be admitted');
    cluster.reservations.set('a', admitted);
    expect(cluster.decide('b').because).toBe('Queued');
  });

  it('goes by who asked first, whichever is looked at first', () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), node('b'), node('c')],
      pods: [web('x', 'a'), web('y', 'b'), web('z', 'c')],
    });
    cluster.pass('a');
    for (const name of ['c', 'b']) {
      cluster.nowMs += 1000;
      cluster.editNode(name, (each) => ({ ...each, spec: { taints: [TAINT] } }));
      cluster.pass(name);
    }
    cluster.untaint('a');
    cluster.pods = cluster.pods.filter(({ spec }) => spec.nodeName !== 'a');
    cluster.pass('a');
    expect(cluster.decide('b').because).toBe('Queued');
    expect(cluster.decide('c').because).toBe('Admitted');
  });

  it('waits until what the last Node has displaced is ready again, and says what', () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), tainted('b'), node('c')],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    rounds(cluster, ['a', 'b']);
    cluster.pods = [web('x2', 'c', { ready: false, ...NEW }), web('y', 'b')];
    cluster.pass('a');
    cluster.untaint('a');
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual(['Exiting', 'Queued']);
    expect(cluster.report('a')?.message).toBe('Waiting for Pods to be ready again: 1 of ReplicaSet shop/owner');
    cluster.pods = [web('x2', 'c'), web('y', 'b')];
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual([undefined, 'Draining']);
  });

  it('waits for them with free slots too, but no longer than the exit timeout', () => {
    const cluster = new TestCluster(
      { nodes: [tainted('a'), node('b'), node('c')], pods: [web('x', 'a'), web('y', 'b')] },
      { maxConcurrentNodes: 2 },
    );
    cluster.pass('a');
    cluster.pods = [web('x2', 'c', { ready: false, ...NEW }), web('y', 'b')];
    cluster.pass('a');
    cluster.editNode('b', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    expect(cluster.pass('b')).toMatchObject({ because: 'Queued', requeueAfterMs: 300_000 });
    expect(cluster.report('b')?.message).toContain('has displaced to be ready again: 1 of ReplicaSet shop/owner');
    cluster.nowMs += 300_000;
    expect(cluster.decide('b').because).toBe('Admitted');
  });

  it('queues, and does not reject, where only our own maintenance explains what is missing', () => {
    const db = statefulSet('db', 3);
    const member = (name: string, nodeName: string | undefined, part: Parameters<typeof pod>[1] = {}) =>
      pod(name, {
        ...(nodeName !== undefined && { node: nodeName }),
        labels: { app: 'db' },
        meta: controlledBy(db),
        spec: {
          ...(nodeName !== undefined && { nodeName }),
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: name } }],
        },
        ...part,
      });
    const cluster = new TestCluster(
      {
        nodes: [tainted('a'), tainted('b'), node('c')],
        pods: [member('db-0', 'a'), member('db-1', 'b'), member('db-2', 'c')],
        budgets: [budget('db')],
        claims: ['db-0', 'db-1', 'db-2'].map((name) => claim(name, `pv-${name}`)),
        volumes: [localVolume('pv-db-0', 'a'), localVolume('pv-db-1', 'b'), localVolume('pv-db-2', 'c')],
      },
      { maxConcurrentNodes: 3 },
    );
    cluster.pass('a');
    cluster.pods = [
      member('db-0', undefined, { phase: 'Pending', ready: false }),
      member('db-1', 'b'),
      member('db-2', 'c'),
    ];
    cluster.budgets = [budget('db', { healthy: 2 })];
    cluster.pass('a');
    expect(cluster.report('a')?.phase).toBe('InMaintenance');
    expect(cluster.pass('b').because).toBe('Queued');
    expect(cluster.report('b')?.message).toContain(
      'explains what is missing: PodDisruptionBudget shop/db allows 0 disruptions',
    );
    // A failure that nobody's maintenance explains is another matter.
    cluster.pods = [...cluster.pods.slice(0, 2), member('db-2', 'c', { ready: false })];
    cluster.budgets = [budget('db', { healthy: 1 })];
    expect(cluster.pass('b').because).toBe('AdmissionPending');
  });

  it('leaves its slot to a Node in maintenance that is judged anew for a Pod which has come', () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), node('b'), node('c')],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    cluster.pass('a');
    cluster.pods = [web('x2', 'c'), web('y', 'b')];
    cluster.pass('a');
    // Bound by hand, and nobody has judged its budget yet.
    cluster.pods = [...cluster.pods, pod('late', { node: 'a', labels: { app: 'late' } })];
    cluster.budgets = [budget('late', { observed: false })];
    cluster.pass('a');
    cluster.editNode('b', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    cluster.pass('b');
    expect(phases(cluster, ['a', 'b'])).toEqual(['Checking', 'Queued']);
    cluster.budgets = [budget('late')];
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual(['Draining', 'Queued']);
  });

  it('does not give away twice the room that Nodes which are drained at once need', () => {
    const withRoomFor = (pods: number) => {
      const made = node('spare');
      return { ...made, status: { ...made.status, allocatable: { pods } } };
    };
    const judged = (pods: number) => {
      const cluster = new TestCluster(
        { nodes: [tainted('a'), tainted('b'), withRoomFor(pods)], pods: [web('x', 'a'), web('y', 'b'), web('z', 'b')] },
        { maxConcurrentNodes: 2 },
      );
      rounds(cluster, ['a', 'b']);
      return cluster;
    };
    expect(phases(judged(3), ['a', 'b'])).toEqual(['Draining', 'Draining']);
    const tooSmall = judged(2);
    expect(phases(tooSmall, ['a', 'b'])).toEqual(['Draining', 'Rejected']);
    expect(tooSmall.report('b')).toMatchObject({
      reason: 'NotEnoughResources',
      blockedBy: [{ cause: 'NoRoom', detail: expect.stringContaining('those of Nodes that are being drained (a)') }],
    });
  });

  it('places 100 Pods of other Nodes at most, and says how many it has left out', () => {
    const made = node('spare');
    const cluster = new TestCluster(
      {
        nodes: [tainted('a'), tainted('b'), { ...made, status: { ...made.status, allocatable: { pods: 101 } } }],
        pods: [...Array.from({ length: 210 }, (_, index) => web(`x-${index}`, 'a')), web('y', 'b')],
      },
      { maxConcurrentNodes: 2 },
    );
    cluster.reservations.set('a', { session: 's', started: '', since: '2026-11-21T02:00:00Z' });
    expect(cluster.pass('b').because).toBe('Admitted');
    expect(cluster.report('b')?.notModelled).toEqual(['The room for 110 more Pods that leave other Nodes']);
  });

  it('looks at the Pods of other Nodes only where the verdict hangs on them', () => {
    const notAsked = () => {
      throw new Error('This takes long');
    };
    const made = node('spare');
    const full = { ...made, status: { ...made.status, allocatable: { pods: 0 } } };
    const judged = (maxConcurrentNodes: number, nodes = [tainted('a'), tainted('b')]) => {
      const cluster = new TestCluster({ nodes, pods: [web('x', 'a'), web('y', 'b')] }, { maxConcurrentNodes });
      cluster.reservations.set('a', { session: 's', started: '', since: '2026-11-21T02:00:00Z' });
      return decide({ ...cluster.observe('b'), draining: notAsked }, { settings: cluster.settings, memory: {} })
        .because;
    };
    expect(judged(1)).toBe('Queued');
    expect(judged(2, [tainted('a'), tainted('b'), full])).toBe('Rejected');
    expect(() => judged(2)).toThrow('This takes long');
  });

  it('is not held up by a Node whose own Pods have lost their room', () => {
    const made = node('spare');
    const spare = { ...made, status: { ...made.status, allocatable: { pods: 2 } } };
    const cluster = new TestCluster(
      {
        nodes: [tainted('a'), tainted('b'), spare],
        pods: [web('x', 'a', { spec: { nodeSelector: { gone: 'yes' } } }), web('y', 'b')],
      },
      { maxConcurrentNodes: 2 },
    );
    cluster.reservations.set('a', { session: 's', started: '', since: '2026-11-21T02:00:00Z' });
    expect(cluster.decide('b').because).toBe('Admitted');
  });

  it('never has more Nodes under way than slots, whatever the order of passes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('taint', 'untaint', 'leave', 'pass')), {
          maxLength: 60,
        }),
        (maxConcurrentNodes, steps) => {
          const names = ['a', 'b', 'c', 'd'];
          const cluster = new TestCluster(
            { nodes: names.map((name) => node(name)), pods: names.map((name) => web(`web-${name}`, name)) },
            { maxConcurrentNodes },
          );
          for (const [name, what] of steps) {
            cluster.nowMs += 1000;
            if (what === 'taint') cluster.editNode(name, (each) => ({ ...each, spec: { taints: [TAINT] } }));
            if (what === 'untaint') cluster.untaint(name);
            if (what === 'leave' && cluster.report(name)?.phase === 'Draining') {
              cluster.pods = cluster.pods.filter(({ spec }) => spec.nodeName !== name);
            }
            cluster.pass(name);
            const underWay = names.filter((each) => cluster.report(each)?.phase === 'Draining');
            expect(underWay.length).toBeLessThanOrEqual(maxConcurrentNodes);
          }
        },
      ),
    );
  });
});
