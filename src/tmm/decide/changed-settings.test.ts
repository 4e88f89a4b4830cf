import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import { node, pod, TAINT } from '../../../harness/builders/objects.ts';
import { explainNode } from '../explain/node.ts';
import { askingTaint } from '../model/taints.ts';
import type { TmmDecision } from './transition.ts';

const eventsOf = ({ actions }: TmmDecision): readonly string[] =>
  actions.flatMap((action) => (action.do === 'recordEvent' ? [action.reason] : []));
/** The same cluster, some time later, with other settings. */
function changed(cluster: TestCluster, settings: object): TestCluster {
  const next = new TestCluster(cluster, settings);
  next.stored.secrets = cluster.stored.secrets;
  next.nowMs = cluster.nowMs + 1000;
  return next;
}
const drained = (settings: object = {}): TestCluster => {
  const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] })] }, settings);
  cluster.pass('a');
  expect(cluster.report('a')?.phase).toBe('InMaintenance');
  return cluster;
};
const VMWARE = { presets: ['vmware'] };

describe('a taint that the settings do not name any more', () => {
  it('keeps a maintenance going until it is removed, says so once, and has nothing evicted', () => {
    const cluster = changed(drained(), VMWARE);
    const first = cluster.pass('a');
    expect([first.because, eventsOf(first)]).toEqual(['InMaintenance', ['TaintNotConfigured']]);
    cluster.pods = [pod('stray', { node: 'a' })];
    const second = cluster.pass('a');
    expect([second.because, second.evictions, second.questions]).toEqual(['InMaintenance', [], []]);
    expect(cluster.condition('a', 'Drained')).toBe('False');
    cluster.pods = [];
    cluster.untaint('a');
    expect(cluster.pass('a').because).toBe('Ended');
  });

  it('is named with the command that ends it', () => {
    const cluster = changed(drained(), VMWARE);
    const { release, details } = explainNode(cluster.node('a'), cluster.settings.taints);
    expect(release).toBe('kubectl taint node a drain=planned-downtime:NoSchedule-');
    expect(details.join('\n')).toContain('The settings do not name taint drain=planned-downtime:NoSchedule any more');
  });

  it.each(['Draining', 'Rejected'])('ends a session that nobody may be working behind: %s', (phase) => {
    const pods = [pod('web', { node: 'a', ...(phase === 'Rejected' && { controller: null }) })];
    const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] })], pods });
    cluster.pass('a');
    expect(cluster.report('a')?.phase).toBe(phase);
    const next = changed(cluster, VMWARE);
    expect(next.pass('a')).toMatchObject({ evictions: [] });
    expect(next.report('a')?.phase).not.toBe(phase);
  });

  it('asks for nothing where no report says that it did', () => {
    const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] })] }, VMWARE);
    expect(askingTaint(cluster.node('a'), cluster.settings.taints)).toBeUndefined();
    expect(cluster.pass('a').because).toBe('Idle');
  });
});

describe('stored Pods that the settings do not look after any more', () => {
  const stored = (): TestCluster => {
    const cluster = new TestCluster(
      { nodes: [node('a', { taints: [TAINT] })], pods: [pod('tool', { node: 'a', controller: null })] },
      { unmanagedPods: 'recreate' },
    );
    for (let pass = 0; pass < 4; pass += 1) {
      cluster.pass('a', { storesIn: 'maintenance-bridge' });
      cluster.nowMs += 1000;
    }
    cluster.pods = [];
    cluster.pass('a', { storesIn: 'maintenance-bridge' });
    expect(cluster.report('a')).toMatchObject({ phase: 'InMaintenance', storedIn: 'maintenance-bridge' });
    return cluster;
  };

  it('are told of where Pods without a controller are rejected now', () => {
    expect(eventsOf(changed(stored(), {}).pass('a'))).toContain('PodNotRestored');
  });

  it('are told of where they are in the namespace of before', () => {
    const cluster = changed(stored(), { unmanagedPods: 'recreate' });
    const decision = cluster.pass('a', { storesIn: 'elsewhere' });
    expect(decision.actions).toContainEqual(
      expect.objectContaining({
        reason: 'PodNotRestored',
        note: expect.stringContaining('namespace maintenance-bridge'),
      }),
    );
  });

  it('are no matter while they are looked after', () => {
    const cluster = changed(stored(), { unmanagedPods: 'recreate' });
    expect(eventsOf(cluster.pass('a', { storesIn: 'maintenance-bridge' }))).toEqual([]);
  });
});
