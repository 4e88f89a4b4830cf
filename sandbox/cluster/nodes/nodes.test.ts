import { afterEach, describe, expect, it } from 'vitest';
import { conditionOf, isReady, ManualClock, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';
import type { SimulationOptions } from '../options.ts';

const POWER = 'sandbox.maintenance-bridge.io/power';

describe('Nodes and their kubelets', () => {
  let sandbox: SimulatedSandbox;
  let clock: ManualClock;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  async function start(options: SimulationOptions = {}): Promise<void> {
    clock = new ManualClock();
    sandbox = new SimulatedSandbox(options, clock);
    sandbox.nodes('a', 'b');
    await clock.advance(0);
  }

  const taints = (name: string) =>
    (sandbox.must('nodes', name).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
  const power = (name: string, value: string | null): void =>
    sandbox.patch('nodes', name, { metadata: { annotations: { [POWER]: value } } });

  it('become ready, with room for Pods, a Lease and the labels of their platform', async () => {
    await start();
    const node = sandbox.must('nodes', 'a');
    expect(conditionOf(node, 'Ready')).toBe('True');
    expect(node.status?.allocatable).toMatchObject({ cpu: '32', pods: '110' });
    expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'a', 'kubernetes.io/os': 'linux' });
    const renewed = () => sandbox.must('leases.coordination.k8s.io', 'a', 'kube-node-lease').spec?.renewTime;
    const before = renewed();
    await clock.advance(10_000);
    expect(Date.parse(renewed() ?? '') - Date.parse(before ?? '')).toBe(10_000);
    expect(taints('a')).toEqual([]);
  });

  it('follow the cordon with a taint', async () => {
    await start();
    sandbox.patch('nodes', 'a', { spec: { unschedulable: true } });
    await clock.advance(0);
    expect(taints('a')).toEqual(['node.kubernetes.io/unschedulable:NoSchedule']);
    sandbox.patch('nodes', 'a', { spec: { unschedulable: null } });
    await clock.advance(0);
    expect(taints('a')).toEqual([]);
  });

  it('without power are not ready, then unknown; their Pods are evicted after the toleration and end only when power is back', async () => {
    await start();
    sandbox.workload('deployments.apps', 'web', { replicas: 2 });
    await clock.advance(1000);
    const lost = sandbox.pods('web').find(({ spec }) => spec.nodeName === 'a');
    expect(sandbox.pods('web').every(isReady)).toBe(true);
    power('a', 'off');
    await clock.advance(0);
    expect(conditionOf(sandbox.must('nodes', 'a'), 'Ready')).toBe('False');
    expect(taints('a')).toEqual(['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute']);
    const again = () => sandbox.must('pods', lost?.metadata.name ?? '', 'default');
    expect(isReady(again())).toBe(false);
    await clock.advance(60_000);
    expect(conditionOf(sandbox.must('nodes', 'a'), 'Ready')).toBe('Unknown');
    expect(taints('a')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    await clock.advance(301_000);
    expect(again().metadata.deletionTimestamp).toBeDefined();
    expect(conditionOf(again(), 'DisruptionTarget')).toBe('True');
    expect(
      sandbox
        .pods('web')
        .filter(({ spec }) => spec.nodeName === 'b')
        .filter(isReady),
    ).toHaveLength(2);
    power('a', null);
    await clock.advance(1000);
    expect(conditionOf(sandbox.must('nodes', 'a'), 'Ready')).toBe('True');
    expect(taints('a')).toEqual([]);
    expect(sandbox.get('pods', lost?.metadata.name ?? '', 'default')).toBeUndefined();
  });

  it('have their Pods ready again, with a restart, when power was away for a moment', async () => {
    await start();
    sandbox.workload('daemonsets.apps', 'agent');
    await clock.advance(1000);
    power('a', 'off');
    await clock.advance(10_000);
    power('a', null);
    await clock.advance(1000);
    const pod = sandbox.pods('agent').find(({ spec }) => spec.nodeName === 'a');
    expect(pod && isReady(pod)).toBe(true);
    expect(pod?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
  });

  it('end a Pod within its grace period, no later than the configured time, and not before', async () => {
    await start({ podStopMs: 5000 });
    sandbox.pod('slow', { terminationGracePeriodSeconds: 30 });
    sandbox.pod('quick', { terminationGracePeriodSeconds: 2 });
    await clock.advance(1000);
    for (const name of ['slow', 'quick']) sandbox.delete('pods', name, 'default');
    await clock.advance(1999);
    expect(sandbox.pods()).toHaveLength(2);
    await clock.advance(1);
    expect(sandbox.pods().map(({ metadata }) => metadata.name)).toEqual(['slow']);
    await clock.advance(3000);
    expect(sandbox.pods()).toEqual([]);
  });

  it('leave a Pod with a finalizer until it is taken away', async () => {
    await start();
    sandbox.pod('held', {}, { finalizers: ['example.com/hold'] });
    await clock.advance(1000);
    sandbox.delete('pods', 'held', 'default');
    await clock.advance(60_000);
    expect(sandbox.must('pods', 'held', 'default').status?.phase).toBe('Succeeded');
    sandbox.patch('pods', 'held', { metadata: { finalizers: null } }, 'default');
    await clock.advance(1000);
    expect(sandbox.pods()).toEqual([]);
  });

  it('keep a Pod unready while its annotation says so', async () => {
    await start();
    sandbox.pod('web', {}, { annotations: { 'sandbox.maintenance-bridge.io/ready': 'false' } });
    await clock.advance(1000);
    const pod = sandbox.must('pods', 'web', 'default');
    expect([pod.status?.phase, isReady(pod)]).toEqual(['Running', false]);
    sandbox.patch(
      'pods',
      'web',
      { metadata: { annotations: { 'sandbox.maintenance-bridge.io/ready': null } } },
      'default',
    );
    await clock.advance(0);
    expect(isReady(sandbox.must('pods', 'web', 'default'))).toBe(true);
  });

  it('have Pods leave under a NoExecute taint, at once or when the toleration is over', async () => {
    await start();
    const tolerations = [{ key: 'off', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }];
    sandbox.pod('now', { nodeName: 'a' });
    sandbox.pod('later', { nodeName: 'a', tolerations });
    sandbox.pod('never', { nodeName: 'a', tolerations: [{ key: 'off', operator: 'Exists' }] });
    await clock.advance(1000);
    sandbox.patch('nodes', 'a', { spec: { taints: [{ key: 'off', effect: 'NoExecute' }] } });
    await clock.advance(1000);
    const names = () => sandbox.pods().map(({ metadata }) => metadata.name);
    expect(names()).toEqual(['later', 'never']);
    await clock.advance(60_000);
    expect(names()).toEqual(['never']);
  });

  it('take their Pods along when they are removed', async () => {
    await start();
    sandbox.pod('web', { nodeName: 'a' });
    await clock.advance(1000);
    sandbox.delete('nodes', 'a');
    await clock.advance(30_000);
    expect(sandbox.pods()).toHaveLength(1);
    await clock.advance(11_000);
    expect(sandbox.pods()).toEqual([]);
  });
});
