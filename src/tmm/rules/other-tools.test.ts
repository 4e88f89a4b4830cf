import { describe, expect, it } from 'vitest';
import { type ClusterObjects, NOW, readersOf, TestCluster } from '../../../harness/builders/cluster.ts';
import { controlledBy, node, pod, replicaSet, TAINT } from '../../../harness/builders/objects.ts';
import { IN_OTHER_HANDS, kured } from '../../../harness/builders/other-tools.ts';
import { MACHINE_DELETED_LABEL } from '../../core/machine-keys.ts';
import type { Job, Node, PodController } from '../../core/objects.ts';
import { planNodes } from '../explain/plan.ts';

const web = (name: string, nodeName: string) =>
  pod(name, { node: nodeName, meta: controlledBy(replicaSet('web', 2), 'ReplicaSet') });

interface Signs {
  readonly nodes?: (name: string) => Node;
  readonly daemonSets?: (name: string) => PodController;
  readonly jobs?: (name: string) => Job;
}

/** Nodes `a` and `b`, both with room; another tool holds `held`, and a user asks for `asked`. */
function cluster(held: string, asked: string, { nodes = node, daemonSets, jobs }: Signs, more: ClusterObjects = {}) {
  const withTaint = (each: Node): Node =>
    each.metadata.name === asked
      ? { ...each, spec: { ...each.spec, taints: [...(each.spec.taints ?? []), TAINT] } }
      : each;
  return {
    nodes: ['a', 'b'].map((name) => withTaint((name === held ? nodes : node)(name))),
    pods: [web('x', asked)],
    ...(daemonSets && { daemonSets: [daemonSets(held)] }),
    ...(jobs && { jobs: [jobs(held)] }),
    ...more,
  };
}

describe.each(IN_OTHER_HANDS)('a Node that $tool has in hand ($sign)', ({ tool, sign, ...signs }) => {
  it('takes a slot', () => {
    const beside = new TestCluster(cluster('b', 'a', signs));
    beside.pass('a');
    expect(beside.report('a')).toMatchObject({
      phase: 'Queued',
      message: `Waiting for Node b, which ${tool} (${sign}) has in hand: one Node at a time`,
    });
    expect(new TestCluster(cluster('b', 'a', signs), { maxConcurrentNodes: 2 }).decide('a').because).toBe('Admitted');
  });

  it('is not entered, whether a Pod would have to leave it or not', () => {
    for (const pods of [[web('x', 'b')], []]) {
      const itself = new TestCluster(cluster('b', 'b', signs, { pods }));
      itself.pass('b');
      expect(itself.report('b')).toMatchObject({
        phase: 'Queued',
        message: `Waiting for ${tool} (${sign}), which has this Node in hand`,
      });
    }
  });

  it('is no place to go', () => {
    const { settings } = new TestCluster({}, { maxConcurrentNodes: 2 });
    const { nodes } = planNodes(['a'], readersOf(cluster('b', 'a', signs)), settings, NOW);
    expect(nodes).toMatchObject([{ verdict: 'Reject', reason: 'NotEnoughResources' }]);
  });

  it('counts as any other with tmm.honourOtherTools: false', () => {
    expect(new TestCluster(cluster('b', 'a', signs), { honourOtherTools: false }).decide('a').because).toBe('Admitted');
  });
});

describe('the hands of another tool', () => {
  const held = (name: string) =>
    node(name, { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] });

  it('are waited for until a lock lapses, and looked at again then', () => {
    const lock = JSON.stringify({ nodeID: 'a', created: new Date(NOW).toISOString(), TTL: 60_000_000_000 });
    const locked = new TestCluster(cluster('a', 'a', { daemonSets: () => kured(lock) }));
    const decision = locked.pass('a');
    expect(locked.report('a')?.phase).toBe('Queued');
    expect(decision.requeueAfterMs).toBe(60_000);
    locked.nowMs += 60_000;
    expect(locked.decide('a').because).toBe('Admitted');
  });

  it('do not hold up the end of a Machine that waits for us', () => {
    const going = { ...held('a'), metadata: { ...held('a').metadata, labels: { [MACHINE_DELETED_LABEL]: 'true' } } };
    expect(new TestCluster(cluster('a', 'a', { nodes: () => going })).decide('a').because).toBe('Admitted');
    expect(new TestCluster(cluster('a', 'a', { nodes: held })).decide('a').because).toBe('Queued');
  });

  it('are counted once where the Node waits in our own queue, and do not hold up those behind it', () => {
    const both = (name: string) => ({ ...held(name), spec: { taints: [TAINT, ...(held(name).spec.taints ?? [])] } });
    const waiting = new TestCluster(
      { nodes: [both('a'), node('b', { taints: [TAINT] })], pods: [web('x', 'a'), web('y', 'b')] },
      { maxConcurrentNodes: 2 },
    );
    waiting.pass('a');
    waiting.nowMs += 1000;
    waiting.pass('b');
    expect(waiting.report('a')?.phase).toBe('Queued');
    expect(waiting.report('b')?.phase).toBe('Draining');
  });

  it('take no second slot of a Node that our own maintenance holds', () => {
    const nodes = [node('a', { taints: [TAINT] }), node('b', { taints: [TAINT] })];
    const ours = new TestCluster({ nodes, pods: [web('x', 'a'), web('y', 'b')] }, { maxConcurrentNodes: 2 });
    ours.pass('a');
    ours.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT, ...(held('a').spec.taints ?? [])] } }));
    ours.pass('b');
    expect(ours.report('b')?.phase).toBe('Draining');
  });
});
