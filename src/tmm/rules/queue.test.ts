import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import {
  budget,
  claim,
  controlledBy,
  localVolume,
  node,
  type PodPart,
  pod,
  replicaSet,
  statefulSet,
  TAINT,
} from '../../../harness/builders/objects.ts';
import { countOf } from '../../core/share.ts';

const tainted = (name: string) => node(name, { taints: [TAINT] });
const web = (name: string, nodeName: string, part: Parameters<typeof pod>[1] = {}) =>
  pod(name, { node: nodeName, labels: { app: 'web' }, ...part });
const other = (name: string, nodeName: string) =>
  pod(name, { node: nodeName, meta: controlledBy(replicaSet('other', 1), 'ReplicaSet') });

/** Runs passes over the Nodes in turn until nothing is written any more; the Pods of a Node that is being drained are then gone. */
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
  ] as const)('`countOf()` makes %s of %i Nodes %i', (wanted, nodes, slots) => {
    expect(countOf(wanted, nodes)).toBe(slots);
  });

  it('lets one Node go at a time, by default, and says what the other waits for', () => {
    const cluster = new TestCluster({
      nodes: [tainted('a'), tainted('b'), node('c')],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual(['Draining', 'Queued']);
    expect(cluster.report('b')?.message).toBe('Waiting for its turn: one Node at a time');
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
    cluster.pods = [web('x2', 'spare'), ...cluster.pods.filter(({ spec }) => spec.nodeName !== 'a')];
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
    cluster.pods = [web('x2', 'c', { ready: false }), web('y', 'b')];
    cluster.pass('a');
    cluster.untaint('a');
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual(['Exiting', 'Queued']);
    expect(cluster.report('a')?.message).toBe('Waiting for Pods to be ready again: 1 of ReplicaSet shop/owner');
    cluster.pods = [web('x2', 'c'), web('y', 'b')];
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual([undefined, 'Draining']);
  });

  it('waits for a Node on its way out whose cordon is yet to be lifted, where that has the only room', () => {
    const made = node('spare');
    const spare = { ...made, status: { ...made.status, allocatable: { pods: 1 } } };
    const cluster = new TestCluster(
      { nodes: [tainted('a'), node('b'), spare], pods: [web('x', 'a'), web('y', 'b')] },
      { cordon: 'always', maxConcurrentNodes: 2 },
    );
    rounds(cluster, ['a']);
    cluster.pods = [web('x2', 'spare'), web('y', 'b')];
    rounds(cluster, ['a']);
    cluster.untaint('a');
    cluster.pass('a');
    expect(cluster.report('a')).toMatchObject({ phase: 'Exiting', message: expect.stringContaining('cordon') });
    cluster.editNode('b', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    cluster.pass('b');
    expect(cluster.report('b')).toMatchObject({
      phase: 'Queued',
      message: 'Waiting for room on Node a, whose cordon is about to be lifted',
    });
    rounds(cluster, ['a', 'b']);
    expect(phases(cluster, ['a', 'b'])).toEqual([undefined, 'Draining']);
  });

  it.each(['node.kubernetes.io/unschedulable', 'node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])(
    'does not reject for %s on a Node that is open and ready again',
    (key) => {
      const spare = node('spare', { taints: [{ key, effect: 'NoSchedule' }] });
      const cluster = new TestCluster({ nodes: [tainted('a'), spare], pods: [web('x', 'a')] });
      expect(cluster.decide('a').because).toBe('Admitted');
      cluster.editNode('spare', (each) => ({ ...each, spec: { ...each.spec, unschedulable: true } }));
      expect(cluster.decide('a').because).toBe('Rejected');
    },
  );

  it('waits for them with free slots too, but no longer than the exit timeout', () => {
    const cluster = new TestCluster(
      { nodes: [tainted('a'), node('b'), node('c')], pods: [web('x', 'a'), other('y', 'b'), web('z', 'c')] },
      { maxConcurrentNodes: 2 },
    );
    cluster.replicaSets = [...cluster.replicaSets, replicaSet('other', 1)];
    cluster.pass('a');
    cluster.pods = [web('x2', 'c', { ready: false }), other('y', 'b'), web('z', 'c')];
    cluster.pass('a');
    cluster.editNode('b', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    expect(cluster.pass('b')).toMatchObject({ because: 'Queued', requeueAfterMs: 300_000 });
    expect(cluster.report('b')?.message).toContain('has displaced to be ready again: 1 of ReplicaSet shop/owner');
    cluster.nowMs += 300_000;
    expect(cluster.decide('b').because).toBe('Admitted');
    // A Node with Pods of that same workload keeps waiting: otherwise the workload would lose all of its members.
    cluster.editNode('c', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    const held = cluster.decide('c');
    expect([held.because, held.requeueAfterMs]).toEqual(['Queued', undefined]);
  });

  describe('behind a Node whose Pods have not become ready again in time', () => {
    const late = () => {
      const cluster = new TestCluster({
        nodes: [tainted('a'), node('b'), node('c')],
        pods: [web('x', 'a'), web('y', 'b'), other('z', 'c')],
        replicaSets: [replicaSet('owner', 2), replicaSet('other', 1)],
      });
      cluster.pass('a');
      // Its replacement cannot be created.
      cluster.pods = [web('y', 'b'), other('z', 'c')];
      cluster.pass('a');
      cluster.untaint('a');
      expect(cluster.pass('a').because).toBe('Exiting');
      for (const name of ['b', 'c']) {
        cluster.nowMs += 1000;
        cluster.editNode(name, (each) => ({ ...each, spec: { taints: [TAINT] } }));
        cluster.pass(name);
      }
      expect(phases(cluster, ['a', 'b', 'c'])).toEqual(['Exiting', 'Queued', 'Queued']);
      cluster.nowMs += 300_000;
      cluster.pass('a');
      return cluster;
    };

    it('waits who holds Pods of the same workload, and nobody else', () => {
      const cluster = late();
      cluster.pass('b');
      expect(cluster.report('b')?.message).toBe(
        'Waiting for what Node a has displaced to be ready again: 1 of ReplicaSet shop/owner',
      );
      rounds(cluster, ['b', 'c']);
      expect(phases(cluster, ['a', 'b', 'c'])).toEqual(['Exiting', 'Queued', 'Draining']);
    });

    const AWAITED = {
      'it is back': { replicaSets: [replicaSet('owner', 2)], pods: [web('x2', 'spare')] },
      'it is not wanted any more': { replicaSets: [replicaSet('owner', 1)], pods: [] },
      'its owner is deleted': { replicaSets: [], pods: [] },
    };
    it.each(Object.entries(AWAITED))('waits no longer once %s', (_, { replicaSets, pods }) => {
      const cluster = late();
      cluster.pods = [...cluster.pods, ...pods];
      cluster.replicaSets = replicaSets;
      expect(cluster.pass('a').because).toBe('Ended');
      rounds(cluster, ['b', 'c']);
      expect(phases(cluster, ['a', 'b'])).toEqual([undefined, 'Draining']);
    });

    it('waits behind a Node whose drain was rejected half-way, too, and holds up nobody', () => {
      const cluster = new TestCluster({
        nodes: [tainted('a'), node('b'), node('c')],
        pods: [web('x1', 'a'), web('x2', 'a'), web('y', 'b'), other('z', 'c')],
        replicaSets: [replicaSet('owner', 3), replicaSet('other', 1)],
      });
      cluster.pass('a');
      cluster.pods = cluster.pods.slice(1);
      cluster.nowMs += cluster.settings.drainTimeoutMs;
      expect(cluster.pass('a').because).toBe('Rejected');
      for (const name of ['b', 'c']) {
        cluster.nowMs += 1000;
        cluster.editNode(name, (each) => ({ ...each, spec: { taints: [TAINT] } }));
      }
      rounds(cluster, ['b', 'c']);
      expect(phases(cluster, ['a', 'b', 'c'])).toEqual(['Rejected', 'Queued', 'Draining']);
    });

    it('waits the late Node itself, where it has Pods of that workload again', () => {
      const cluster = late();
      cluster.pods = [...cluster.pods.filter(({ metadata }) => metadata.name !== 'y'), web('y2', 'a')];
      cluster.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT] } }));
      cluster.untaint('b');
      cluster.untaint('c');
      rounds(cluster, ['a', 'b', 'c']);
      expect(cluster.report('a')).toMatchObject({
        phase: 'Queued',
        message: 'Waiting for what the last maintenance has displaced to be ready again: 1 of ReplicaSet shop/owner',
      });
      cluster.pods = [...cluster.pods, web('x2', 'spare')];
      rounds(cluster, ['a']);
      expect(cluster.report('a')?.phase).toBe('Draining');
    });

    it('waits on when the late Node is asked to go once more: what was missing stays so', () => {
      const cluster = late();
      cluster.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT] } }));
      cluster.pass('a');
      expect(cluster.report('a')?.workloads).toMatchObject([{ name: 'owner', ready: 2, leaving: 1 }]);
      rounds(cluster, ['a', 'b', 'c']);
      expect(phases(cluster, ['b'])).toEqual(['Queued']);
    });
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
        statefulSets: [db],
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

  describe('of a StatefulSet of three on local volumes, two Nodes tainted in one command', () => {
    const zk = statefulSet('zk', 3);
    const onDisk = (name: string, nodeName: string | undefined, part: PodPart = {}) =>
      pod(name, {
        ...(nodeName !== undefined && { node: nodeName }),
        labels: { app: 'zk' },
        meta: controlledBy(zk),
        spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${name}` } }] },
        ...part,
      });
    const homes = { 'zk-0': 'a', 'zk-1': 'b', 'zk-2': 'c' };
    const twoAtOnce = (withBudget: boolean) =>
      new TestCluster(
        {
          nodes: [tainted('a'), tainted('b'), node('c')],
          pods: Object.entries(homes).map(([name, home]) => onDisk(name, home)),
          statefulSets: [zk],
          budgets: withBudget ? [budget('zk')] : [],
          claims: Object.keys(homes).map((name) => claim(`data-${name}`, `pv-${name}`)),
          volumes: Object.entries(homes).map(([name, home]) => localVolume(`pv-${name}`, home)),
        },
        { maxConcurrentNodes: 2 },
      );

    it.each([true, false])('the second waits for the first, with a budget: %s', (withBudget) => {
      const cluster = twoAtOnce(withBudget);
      cluster.pass('a');
      cluster.pass('b');
      expect(phases(cluster, ['a', 'b'])).toEqual(['Draining', 'Queued']);
      expect(cluster.report('b')?.message).toContain('which explains what is missing');
      // Its member is on its way out, which neither the disruption controller nor the StatefulSet's has counted yet.
      cluster.pods = [onDisk('zk-0', 'a', { deletedAt: '2026-11-21T02:00:30Z' }), ...cluster.pods.slice(1)];
      if (withBudget) cluster.budgets = [budget('zk', { allowed: 0 })];
      cluster.pass('b');
      expect(phases(cluster, ['b'])).toEqual(['Queued']);
      // Its member is away with it, and can run nowhere else.
      cluster.pods = [onDisk('zk-0', undefined, { ready: false, phase: 'Pending' }), ...cluster.pods.slice(1)];
      cluster.statefulSets = [zk];
      if (withBudget) cluster.budgets = [budget('zk', { healthy: 2 })];
      rounds(cluster, ['a', 'b']);
      expect(phases(cluster, ['a', 'b'])).toEqual(['InMaintenance', 'Queued']);
      // A failure that nobody's maintenance explains is another matter.
      cluster.pods = cluster.pods.map((each) =>
        each.metadata.name === 'zk-2' ? onDisk('zk-2', 'c', { ready: false }) : each,
      );
      cluster.statefulSets = [zk];
      if (withBudget) cluster.budgets = [budget('zk', { healthy: 1 })];
      expect(cluster.pass('b').because).not.toBe('Queued');
    });

    it('ends at once, and lets the next one go, when it is scaled down or deleted meanwhile', () => {
      for (const left of [[statefulSet('zk', 0)], []]) {
        const cluster = twoAtOnce(false);
        rounds(cluster, ['a', 'b']);
        cluster.pods = [];
        cluster.statefulSets = [zk];
        cluster.pass('a');
        cluster.untaint('a');
        expect(cluster.pass('a').because).toBe('Exiting');
        cluster.statefulSets = left;
        expect(cluster.pass('a').because).toBe('Ended');
      }
    });
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
    const made = node('spare');
    const full = { ...made, status: { ...made.status, allocatable: { pods: 0 } } };
    const roomOf = (maxConcurrentNodes: number, nodes = [tainted('a'), tainted('b')]) => {
      const cluster = new TestCluster({ nodes, pods: [web('x', 'a'), web('y', 'b')] }, { maxConcurrentNodes });
      cluster.reservations.set('a', { session: 's', started: '', since: '2026-11-21T02:00:00Z' });
      return [cluster.decide('b').because, cluster.observe('b').room?.besides];
    };
    expect(roomOf(1)).toEqual(['Queued', undefined]);
    expect(roomOf(2, [tainted('a'), tainted('b'), full])).toEqual(['Rejected', []]);
    expect(roomOf(2)).toEqual(['Admitted', ['a']]);
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
