import { afterEach, describe, expect, it } from 'vitest';
import { conditionOf, ManualClock, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const MACHINES = 'machines.cluster.x-k8s.io';

describe('Machines', () => {
  let sandbox: SimulatedSandbox;
  let clock: ManualClock;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  async function start(controlPlaneRef?: object): Promise<void> {
    clock = new ManualClock();
    sandbox = new SimulatedSandbox({ clusterApi: {} }, clock);
    await clock.advance(0);
    const spec = controlPlaneRef === undefined ? {} : { controlPlaneRef };
    sandbox.create('clusters.cluster.x-k8s.io', { metadata: { name: 'shop' }, spec }, 'default');
    for (const name of ['plane', 'worker']) {
      sandbox.node(name, { spec: { providerID: `test:///${name}` } });
      const labels = name === 'plane' ? { 'cluster.x-k8s.io/control-plane': '' } : {};
      const machine = { clusterName: 'shop', providerID: `test:///${name}`, bootstrap: {} };
      sandbox.create(MACHINES, { metadata: { name, labels }, spec: machine }, 'default');
    }
    await clock.advance(1000);
  }

  const machine = (name = 'worker') => sandbox.get(MACHINES, name, 'default');
  const annotate = (annotations: object): void =>
    sandbox.patch(MACHINES, 'worker', { metadata: { annotations } }, 'default');
  const deleting = () => machine()?.status?.conditions?.find(({ type }) => type === 'Deleting');

  it('find their Nodes by the provider ID, and are named on them', async () => {
    await start();
    expect(machine()?.status).toMatchObject({ phase: 'Running', nodeRef: { name: 'worker' } });
    expect(machine()?.metadata.finalizers).toEqual(['machine.cluster.x-k8s.io']);
    expect(machine()?.metadata.labels).toMatchObject({ 'cluster.x-k8s.io/cluster-name': 'shop' });
    expect(sandbox.must('nodes', 'worker').metadata.annotations).toMatchObject({
      'cluster.x-k8s.io/machine': 'worker',
      'cluster.x-k8s.io/cluster-name': 'shop',
      'cluster.x-k8s.io/cluster-namespace': 'default',
    });
    expect(['Ready', 'NodeReady'].map((type) => conditionOf(machine() ?? {}, type))).toEqual(['True', 'True']);
  });

  it('are held by a pre-drain hook for as long as it is there, then drained, and gone with their Node', async () => {
    await start();
    annotate({ [HOOK]: 'somebody' });
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(3_600_000);
    expect(deleting()).toMatchObject({
      status: 'True',
      reason: 'WaitingForPreDrainHook',
      message: `Waiting for pre-drain hooks to succeed (hooks: ${HOOK})`,
    });
    expect(machine()?.status?.phase).toBe('Deleting');
    expect(sandbox.must('nodes', 'worker').spec?.unschedulable).toBeUndefined();
    annotate({ [HOOK]: null });
    await clock.advance(1000);
    expect([machine(), sandbox.get('nodes', 'worker')]).toEqual([undefined, undefined]);
  });

  it('are drained within budgets, as soon as those allow it', async () => {
    await start();
    sandbox.workload('replicasets.apps', 'web', { replicas: 1 }, { nodeName: 'worker' });
    sandbox.workload('daemonsets.apps', 'agent');
    sandbox.budget('web', { minAvailable: 1 });
    await clock.advance(1000);
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(1000);
    expect(deleting()?.reason).toBe('DrainingNode');
    expect(deleting()?.message).toContain(
      "cannot evict pod as it would violate the pod's disruption budget. The disruption budget web needs 1 healthy pods and has 1 currently",
    );
    expect(sandbox.must('nodes', 'worker').spec?.unschedulable).toBe(true);
    expect(machine()?.status?.deletion?.nodeDrainStartTime).toBeDefined();
    sandbox.delete('poddisruptionbudgets.policy', 'web', 'default');
    sandbox.patch('replicasets.apps', 'web', { spec: { replicas: 0 } }, 'default');
    await clock.advance(20_000);
    expect(machine()).toBeUndefined();
  });

  it('wait for pre-terminate hooks after the drain', async () => {
    await start();
    annotate({ 'pre-terminate.delete.hook.machine.cluster.x-k8s.io/x': '' });
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(1000);
    expect(deleting()?.reason).toBe('WaitingForPreTerminateHook');
    expect(sandbox.must('nodes', 'worker').spec?.unschedulable).toBe(true);
  });

  it('are left alone while they or their Cluster are paused', async () => {
    await start();
    sandbox.patch('clusters.cluster.x-k8s.io', 'shop', { spec: { paused: true } }, 'default');
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(60_000);
    expect(deleting()?.status).toBe('False');
    sandbox.patch('clusters.cluster.x-k8s.io', 'shop', { spec: { paused: false } }, 'default');
    await clock.advance(1000);
    expect(machine()).toBeUndefined();
  });

  it('skip hooks and drain where no control plane is left, unless somebody else runs it', async () => {
    await start();
    annotate({ [HOOK]: '' });
    sandbox.delete(MACHINES, 'plane', 'default');
    await clock.advance(1000);
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(1000);
    expect(machine()).toBeUndefined();
    expect(sandbox.get('nodes', 'worker')).toBeDefined();
    sandbox.stop();
    await start({ apiGroup: 'controlplane.example.com', kind: 'Hosted', name: 'shop' });
    annotate({ [HOOK]: '' });
    sandbox.delete(MACHINES, 'plane', 'default');
    sandbox.delete(MACHINES, 'worker', 'default');
    await clock.advance(1000);
    expect(deleting()?.reason).toBe('WaitingForPreDrainHook');
  });

  it('go with their Cluster, whatever their hooks say', async () => {
    await start();
    annotate({ [HOOK]: '' });
    sandbox.delete('clusters.cluster.x-k8s.io', 'shop', 'default');
    await clock.advance(1000);
    expect([sandbox.list(MACHINES), sandbox.list('clusters.cluster.x-k8s.io')]).toEqual([[], []]);
  });

  it('have their Nodes on another API server where they are told so', async () => {
    clock = new ManualClock();
    const workload = new SimulatedSandbox({}, clock);
    sandbox = new SimulatedSandbox({ clusterApi: { workload: () => workload.api } }, clock);
    await clock.advance(0);
    const spec = { clusterName: 'shop', providerID: 'test:///far' };
    sandbox.create(MACHINES, { metadata: { name: 'far' }, spec }, 'default');
    await clock.advance(0);
    workload.node('far', { spec: { providerID: 'test:///far' } });
    await clock.advance(0);
    expect(machine('far')?.status?.nodeRef?.name).toBe('far');
    workload.stop();
  });
});
