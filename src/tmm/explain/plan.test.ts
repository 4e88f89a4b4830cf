import { describe, expect, it } from 'vitest';
import { type ClusterObjects, NOW, readersOf, TestCluster } from '../../../harness/builders/cluster.ts';
import {
  budget,
  claim,
  controlledBy,
  localVolume,
  node,
  pod,
  replicaSet,
  statefulSet,
  TAINT,
} from '../../../harness/builders/objects.ts';
import type { PodController } from '../../core/objects.ts';
import { type Plan, planNodes } from './plan.ts';

const planOf = (names: readonly string[], objects: ClusterObjects, settings: object = {}): Plan => {
  const cluster = new TestCluster(objects, settings);
  return planNodes(names, readersOf(cluster), cluster.settings, NOW);
};
const web = (name: string, nodeName: string, part: Parameters<typeof pod>[1] = {}) =>
  pod(name, { node: nodeName, ...part });

describe('`planNodes()`', () => {
  it('says of each Pod what becomes of it', () => {
    const local = web('db-0', 'a', { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] } });
    const { nodes } = planOf(['a'], {
      nodes: [node('a')],
      pods: [web('web', 'a'), local, web('agent', 'a', { controller: 'DaemonSet' })],
      claims: [claim('c', 'v')],
      volumes: [localVolume('v', 'a')],
    });
    expect(nodes[0]).toMatchObject({ node: 'a', verdict: 'Proceed', message: '2 Pods would leave, 1 would stay' });
    expect(nodes[0]?.pods).toEqual([
      { pod: 'shop/agent', fate: 'Stays', why: 'of a DaemonSet' },
      { pod: 'shop/db-0', fate: 'Waits', why: 'it can run on this Node only' },
      { pod: 'shop/web', fate: 'Moves', to: 'spare' },
    ]);
  });

  describe('of a Pod that its controller puts back', () => {
    const fateOf = (objects: ClusterObjects, settings: object = {}) => {
      const [plan] = planOf(['a'], { nodes: [node('a'), node('b')], ...objects }, settings).nodes;
      return { ...plan?.pods[0], verdict: plan?.verdict, message: plan?.message };
    };
    const owner = (template: PodController['spec']['template']) =>
      replicaSet('owner', 1, { spec: { replicas: 1, ...(template !== undefined && { template }) } });
    const tolerations = [{ key: 'drain', operator: 'Exists' }];

    it('says so where its template names the Node', () => {
      const found = fateOf({ pods: [web('web', 'a')], replicaSets: [owner({ nodeName: 'a' })] });
      expect(found).toMatchObject({ fate: 'ComesBack', verdict: 'Proceed' });
      expect(found.why).toBe(
        'ReplicaSet shop/owner puts it back on this Node: its template names the Node in spec.nodeName',
      );
      expect(found.message).toContain(
        'It would be rejected at the deadline of the drain, since Pod shop/web comes back',
      );
      expect(fateOf({ pods: [web('web', 'a')], replicaSets: [owner({ nodeName: 'b' })] }).fate).toBe('Moves');
    });

    it('says so of a Pod that tolerates the taint and can run nowhere else', () => {
      const evict = { toleratingPods: 'evict', daemonSetPods: 'delete' };
      const pinned = { nodeSelector: { 'kubernetes.io/hostname': 'a' } };
      const pods = (spec: object, controller = 'ReplicaSet') => ({ pods: [web('web', 'a', { controller, spec })] });
      expect(fateOf(pods({ ...pinned, tolerations }), evict).fate).toBe('ComesBack');
      expect(fateOf(pods({ tolerations }, 'DaemonSet'), evict).fate).toBe('ComesBack');
      expect(fateOf(pods({ tolerations }), evict).fate).toBe('Goes');
      expect(fateOf(pods(pinned), evict).fate).toBe('Waits');
    });

    it('says so of a Pod that can run nowhere else, where the taint is soft', () => {
      const soft = { taints: [{ key: 'drain', value: 'soon', effect: 'PreferNoSchedule' }] };
      const pinned = web('web', 'a', { spec: { nodeSelector: { 'kubernetes.io/hostname': 'a' } } });
      expect(fateOf({ pods: [pinned] }, soft).fate).toBe('ComesBack');
      expect(fateOf({ pods: [web('web', 'a')] }, soft).fate).toBe('Moves');
    });
  });

  it('gives the controller’s verdict, its reason, and what to do', () => {
    const { nodes, batches } = planOf(['a'], {
      nodes: [node('a')],
      pods: [web('db-0', 'a', { labels: { app: 'db' } })],
      budgets: [budget('db', { desired: 3 })],
    });
    expect(nodes[0]).toMatchObject({
      verdict: 'Reject',
      reason: 'TooManyExistingFailures',
      pods: [{ fate: 'Blocks' }],
    });
    expect(nodes[0]?.pods[0]?.why).toContain('Raise the replicas or widen the budget');
    expect(batches).toEqual([]);
  });

  it('says where a Node would have to wait, and where there is none', () => {
    const { nodes } = planOf(['a', 'z'], {
      nodes: [node('a')],
      pods: [web('db-0', 'a', { labels: { app: 'db' } })],
      budgets: [budget('db', { healthy: 2 })],
    });
    expect(nodes.map(({ verdict }) => verdict)).toEqual(['Wait', 'NotFound']);
  });

  it('puts into one set what may go together, in the order asked for', () => {
    const names = ['a', 'b', 'c'];
    const { batches } = planOf(names, {
      nodes: names.map((name) => node(name)),
      pods: names.map((name) => web(`web-${name}`, name)),
    });
    expect(batches).toEqual([['a', 'b', 'c']]);
  });

  it('keeps apart Nodes that would take a majority together', () => {
    const zk = statefulSet('zk', 3);
    const names = ['a', 'b', 'c'];
    const members = names.map((name, index) => web(`zk-${index}`, name, { meta: controlledBy(zk) }));
    const { batches } = planOf(names, { nodes: names.map((name) => node(name)), pods: members, statefulSets: [zk] });
    expect(batches).toEqual([['a'], ['b'], ['c']]);
  });

  it('keeps apart Nodes whose Pods do not find room together', () => {
    const small = (name: string, pods: number) => {
      const made = node(name);
      return { ...made, status: { ...made.status, allocatable: { pods } } };
    };
    const { batches } = planOf(['a', 'b'], {
      nodes: [small('a', 10), small('b', 10), small('spare', 1)],
      pods: [web('x', 'a'), web('y', 'b')],
    });
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('says of a Node that has to wait for others what would become of it as things are', () => {
    const cluster = new TestCluster({
      nodes: [node('a', { taints: [TAINT] }), node('b'), node('c')],
      pods: [web('x', 'a'), web('db-0', 'b', { labels: { app: 'db' } }), web('y', 'c')],
      budgets: [budget('db', { desired: 3 })],
    });
    cluster.pass('a');
    const { nodes } = planNodes(['b', 'c'], readersOf(cluster), cluster.settings, NOW);
    const waiting = 'Waiting for its turn: one Node at a time, at present Node a (Draining)';
    expect(nodes[0]).toMatchObject({ verdict: 'Wait', reason: 'TooManyExistingFailures', pods: [{ fate: 'Blocks' }] });
    expect(nodes[0]?.message).toBe(
      `${waiting}. As things are it would then be rejected: Pod shop/db-0: PodDisruptionBudget shop/db allows 0 disruptions: 3 of 3 Pods are healthy, 3 must be: it can never allow one`,
    );
    expect(nodes[1]).toMatchObject({ verdict: 'Wait', message: waiting, pods: [{ fate: 'Moves' }] });
    expect(nodes[1]).not.toHaveProperty('reason');
  });

  it('plans a Node anew that is in maintenance already, and writes nothing', () => {
    const cluster = new TestCluster({
      nodes: [node('a', { taints: [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }] })],
      pods: [web('x', 'a')],
    });
    cluster.pass('a');
    expect(planNodes(['a'], readersOf(cluster), cluster.settings, NOW).nodes[0]?.verdict).toBe('Proceed');
  });
});
