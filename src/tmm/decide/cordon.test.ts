import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import { budget, node, pod, TAINT } from '../../../harness/builders/objects.ts';
import { CORDON_ANNOTATION } from '../names.ts';

/** A cluster whose Node `a` is asked to go and holds a Pod with these labels, whose budget allows no disruption. */
function clusterOf(labels: Readonly<Record<string, string>>, settings: object = {}): TestCluster {
  return new TestCluster(
    {
      nodes: [node('a', { taints: [TAINT] })],
      pods: [pod('primary', { node: 'a', labels }), pod('web', { node: 'a' })],
      budgets: [budget('primary', { matchLabels: labels, healthy: 1, desired: 1, expected: 1 })],
    },
    settings,
  );
}

/** Runs a few passes, until one writes nothing more. */
function settle(cluster: TestCluster): void {
  for (let pass = 0; pass < 4; pass += 1) {
    cluster.pass('a');
    cluster.nowMs += 1000;
  }
}
const isCordoned = (cluster: TestCluster): boolean => cluster.node('a').spec.unschedulable === true;

const longhorn = { 'longhorn.io/component': 'instance-manager' };
const custom = { selfMovingWorkloads: [{ name: 'mine', selector: { matchLabels: { app: 'x' } }, needsCordon: true }] };

describe('`tmm.cordon`', () => {
  it.each<[string, Readonly<Record<string, string>>, object, boolean]>([
    ['by default: Longhorn', longhorn, {}, true],
    ['by default: CloudNativePG’s primary', { 'cnpg.io/cluster': 'db', 'cnpg.io/instanceRole': 'primary' }, {}, true],
    ['by default: Zalando’s master', { application: 'spilo', 'spilo-role': 'master' }, {}, true],
    ['by default: what acts on the eviction itself', { 'kubevirt.io': 'virt-launcher' }, {}, false],
    ['auto: an entry of one’s own', { app: 'x' }, custom, true],
    ['never: Longhorn', longhorn, { cordon: 'never' }, false],
    ['always: nothing special', { 'kubevirt.io': 'virt-launcher' }, { cordon: 'always' }, true],
    ['`true`, as earlier versions had it', { 'kubevirt.io': 'virt-launcher' }, { cordon: true }, true],
    ['`false`, as earlier versions had it', longhorn, { cordon: false }, false],
  ])('%s', (_, labels, settings, isWanted) => {
    const cluster = clusterOf(labels, settings);
    settle(cluster);
    expect(cluster.report('a')?.phase).toBe('Draining');
    expect(isCordoned(cluster)).toBe(isWanted);
    cluster.untaint('a');
    settle(cluster);
    expect(isCordoned(cluster)).toBe(false);
    expect(cluster.report('a')).toBeUndefined();
    expect(cluster.node('a').metadata.annotations).toEqual({});
  });

  it('cordons nothing before the verdict, and nothing that is rejected', () => {
    const cluster = clusterOf(longhorn);
    cluster.pods = [...cluster.pods, pod('bare', { node: 'a', controller: null })];
    settle(cluster);
    expect(cluster.report('a')?.phase).toBe('Rejected');
    expect(isCordoned(cluster)).toBe(false);
  });

  it('keeps the cordon once the Pod that needed it has gone, until the end', () => {
    const cluster = clusterOf(longhorn);
    settle(cluster);
    cluster.pods = [];
    settle(cluster);
    expect(cluster.report('a')?.phase).toBe('InMaintenance');
    expect(isCordoned(cluster)).toBe(true);
  });

  it.each(['auto', 'always', 'never'])('leaves a cordon and its lifting to whoever did it: %s', (cordon) => {
    const cluster = clusterOf(longhorn, { cordon });
    cluster.editNode('a', (each) => ({ ...each, spec: { ...each.spec, unschedulable: true } }));
    settle(cluster);
    expect(cluster.node('a').metadata.annotations).not.toHaveProperty(CORDON_ANNOTATION);
    cluster.untaint('a');
    settle(cluster);
    expect(isCordoned(cluster)).toBe(true);
  });

  it('does not repeat a cordon that somebody has lifted', () => {
    const cluster = clusterOf(longhorn);
    settle(cluster);
    cluster.editNode('a', (each) => ({ ...each, spec: { ...each.spec, unschedulable: false } }));
    settle(cluster);
    expect(isCordoned(cluster)).toBe(false);
  });

  it.each([
    ['never', 'always'],
    ['always', 'never'],
    ['auto', 'never'],
    ['never', 'auto'],
  ])('leaves nothing behind where it is changed from %s to %s during the session', (before, after) => {
    const first = clusterOf(longhorn, { cordon: before });
    settle(first);
    const second = new TestCluster(first, { cordon: after });
    second.nowMs = first.nowMs;
    settle(second);
    expect(isCordoned(second)).toBe(before !== 'never' || after !== 'never');
    second.untaint('a');
    settle(second);
    expect(isCordoned(second)).toBe(false);
    expect(second.node('a').metadata.annotations).toEqual({});
  });

  it('says that a cordon is missing where the settings forbid it', () => {
    const cluster = clusterOf(longhorn, { cordon: 'never' });
    cluster.pass('a');
    const { uid } = cluster.pod('primary').metadata;
    const basis = 'uid-of-shop-primary/1';
    cluster.attempts.set(uid, { outcome: 'BudgetBlocked', atMs: cluster.nowMs, basis, count: 1 });
    cluster.nowMs += 1000;
    const remedy = 'Its operator moves it once the Node is cordoned: kubectl cordon a; tmm.cordon: auto does so';
    expect(cluster.pass('a').blockedBy).toMatchObject([{ pod: 'shop/primary', remedy }]);
  });
});
