import { afterEach, describe, expect, it } from 'vitest';
import { containers, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

describe('the scheduler', () => {
  let sandbox: SimulatedSandbox;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  function start(): void {
    sandbox = new SimulatedSandbox();
  }

  const said = (name: string) =>
    sandbox.must('pods', name, 'default').status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const whyNot = (name: string) =>
    sandbox.until(`${name} to be unschedulable`, () =>
      said(name)?.reason === 'Unschedulable' ? said(name)?.message : undefined,
    );
  const nodeOf = (name: string) =>
    sandbox.until(`${name} to be bound`, () => sandbox.must('pods', name, 'default').spec.nodeName);

  it('says why a Pod fits nowhere, in the words of kube-scheduler, and places it once something changes', async () => {
    start();
    sandbox.node('small', { allocatable: { cpu: '1', memory: '1Gi' } });
    sandbox.node('cordoned', { spec: { unschedulable: true } });
    sandbox.node('tainted', { spec: { taints: [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }] } });
    sandbox.pod('filler', containers({ cpu: '500m' }));
    await sandbox.until('the filler to be there', () => sandbox.must('pods', 'filler', 'default').spec.nodeName);
    sandbox.pod('big', containers({ cpu: '800m' }));
    expect(await whyNot('big')).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    );
    expect(sandbox.events('big')[0]).toMatch(/^FailedScheduling: 0\/3 nodes are available/);
    sandbox.patch('nodes', 'cordoned', { spec: { unschedulable: null } });
    expect(await nodeOf('big')).toBe('cordoned');
    expect(sandbox.events('big')).toContain('Scheduled: Successfully assigned default/big to cordoned');
  });

  it('tries again when a Pod leaves, and not by the clock', async () => {
    start();
    sandbox.node('only', { allocatable: { cpu: '1', memory: '1Gi' } });
    sandbox.pod('first', containers({ cpu: '1' }));
    await nodeOf('first');
    sandbox.pod('second', containers({ cpu: '1' }));
    await whyNot('second');
    sandbox.delete('pods', 'first', 'default', { gracePeriodSeconds: 0 });
    expect(await nodeOf('second')).toBe('only');
  });

  it('spreads the Pods of an owner over Nodes, the same way every time', async () => {
    const placements: (readonly (readonly [string | undefined, number])[])[] = [];
    for (let run = 0; run < 2; run += 1) {
      start();
      sandbox.nodes('a', 'b', 'c');
      sandbox.workload('deployments.apps', 'web', { replicas: 6 });
      const counts = new Map<string | undefined, number>();
      for (const { spec } of await sandbox.ready('web', 6))
        counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
      placements.push([...counts].sort());
      if (run === 0) sandbox.stop();
    }
    expect(placements).toEqual([
      [
        ['a', 2],
        ['b', 2],
        ['c', 2],
      ],
      [
        ['a', 2],
        ['b', 2],
        ['c', 2],
      ],
    ]);
  });

  it('holds a Pod until its last scheduling gate is gone', async () => {
    start();
    sandbox.nodes('a');
    sandbox.pod('gated', { schedulingGates: [{ name: 'example.com/gate' }] });
    await sandbox.until('the gate to be told', () => (said('gated')?.reason === 'SchedulingGated' ? true : undefined));
    sandbox.patch('pods', 'gated', { spec: { schedulingGates: null } }, 'default');
    expect(await nodeOf('gated')).toBe('a');
  });

  it('heeds node selectors, anti-affinity and higher priority', async () => {
    start();
    sandbox.node('a', { labels: { disk: 'fast' }, allocatable: { cpu: '1', memory: '1Gi' } });
    sandbox.node('b');
    sandbox.pod('low', { ...containers({ cpu: '1' }), nodeSelector: { disk: 'fast' } });
    sandbox.pod('high', {
      ...containers({ cpu: '1' }),
      nodeSelector: { disk: 'fast' },
      priorityClassName: 'system-node-critical',
    });
    expect(await nodeOf('high')).toBe('a');
    expect(await whyNot('low')).toContain("1 node(s) didn't match Pod's node affinity/selector");
    const labels = { app: 'apart' };
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    for (const name of ['one', 'two', 'three']) sandbox.pod(name, { affinity }, { labels });
    await whyNot('three');
    expect([await nodeOf('one'), await nodeOf('two')].sort()).toEqual(['a', 'b']);
  });

  it('names a claim that is not there, and places the Pod when it comes', async () => {
    start();
    sandbox.nodes('a', 'b');
    sandbox.pod('db', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
    expect(await whyNot('db')).toContain('persistentvolumeclaim "data" not found');
    const spec = {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      resources: { requests: { storage: '1Gi' } },
    };
    sandbox.create('persistentvolumeclaims', { metadata: { name: 'data' }, spec }, 'default');
    const node = await nodeOf('db');
    const claim = sandbox.must('persistentvolumeclaims', 'data', 'default');
    expect(claim.metadata.annotations).toMatchObject({ 'volume.kubernetes.io/selected-node': node });
    expect(claim.status?.phase).toBe('Bound');
    const volume = sandbox.must('persistentvolumes', claim.spec.volumeName ?? '');
    expect(volume.spec.nodeAffinity).toEqual({
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }],
      },
    });
  });

  it('binds an existing local volume on the Node where it is', async () => {
    start();
    sandbox.nodes('a', 'b');
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['b'] }] }];
    sandbox.create('storageclasses.storage.k8s.io', {
      metadata: { name: 'disks' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    const common = { accessModes: ['ReadWriteOnce'], storageClassName: 'disks' };
    sandbox.create('persistentvolumes', {
      metadata: { name: 'disk-b' },
      spec: {
        ...common,
        capacity: { storage: '2Gi' },
        local: { path: '/disk' },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    });
    const spec = { ...common, resources: { requests: { storage: '1Gi' } } };
    sandbox.create('persistentvolumeclaims', { metadata: { name: 'data' }, spec }, 'default');
    sandbox.pod('db', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
    expect(await nodeOf('db')).toBe('b');
    expect(sandbox.must('persistentvolumeclaims', 'data', 'default').spec.volumeName).toBe('disk-b');
  });

  it('removes the volume of a claim that is gone, and keeps one that is to be retained', async () => {
    start();
    sandbox.nodes('a');
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    sandbox.create('persistentvolumeclaims', { metadata: { name: 'data' }, spec }, 'default');
    const name = await sandbox.until('the claim to be bound', () => {
      const claim = sandbox.must('persistentvolumeclaims', 'data', 'default');
      return claim.status?.phase === 'Bound' ? claim.spec.volumeName : undefined;
    });
    expect(sandbox.must('persistentvolumes', name).spec.storageClassName).toBe('standard');
    sandbox.delete('persistentvolumeclaims', 'data', 'default');
    await sandbox.until('the volume to go', () =>
      sandbox.get('persistentvolumes', name) === undefined ? true : undefined,
    );
  });
});
