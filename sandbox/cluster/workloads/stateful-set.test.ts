import { afterEach, describe, expect, it } from 'vitest';
import { isReady, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

describe('StatefulSets', () => {
  let sandbox: SimulatedSandbox;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  function start(): void {
    sandbox = new SimulatedSandbox();
    sandbox.nodes('a', 'b', 'c');
  }

  /** The changes of Pods, as `+db-0`, `-db-0`, in order. */
  function follow(): { readonly log: string[]; stop(): void } {
    const log: string[] = [];
    const stop = sandbox.api.watch('pods', ({ type, object }) => {
      if (type !== 'MODIFIED') log.push(`${type === 'ADDED' ? '+' : '-'}${object.metadata.name}`);
    });
    return { log, stop };
  }

  it('create one Pod after the other, each when the last is ready', async () => {
    start();
    let early = false;
    const stop = sandbox.api.watch('pods', ({ type }) => {
      if (type === 'ADDED')
        early ||= sandbox
          .pods('db')
          .slice(0, -1)
          .some((pod) => !isReady(pod));
    });
    const { log } = follow();
    sandbox.workload('statefulsets.apps', 'db', { replicas: 3 });
    const [pod] = await sandbox.ready('db', 3);
    stop();
    expect([early, log]).toEqual([false, ['+db-0', '+db-1', '+db-2']]);
    expect(pod?.metadata.generateName).toBe('db-');
    expect(pod?.metadata.labels).toMatchObject({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
    });
    expect(pod?.spec).toMatchObject({ hostname: 'db-0', subdomain: 'db' });
  });

  it('with `Parallel` do not wait for an unready Pod', async () => {
    start();
    const metadata = { labels: { app: 'db' }, annotations: { 'sandbox.maintenance-bridge.io/ready': 'false' } };
    const template = { metadata, spec: { containers: [{ name: 'main', image: 'registry.invalid/main' }] } };
    sandbox.workload('statefulsets.apps', 'db', { replicas: 3, podManagementPolicy: 'Parallel', template });
    await sandbox.until('three running Pods', () =>
      sandbox.pods('db').filter(({ status }) => status?.phase === 'Running').length === 3 ? true : undefined,
    );
    expect(sandbox.pods('db').some(isReady)).toBe(false);
  });

  it('shrink from the highest ordinal', async () => {
    start();
    sandbox.workload('statefulsets.apps', 'db', { replicas: 3 });
    await sandbox.ready('db', 3);
    const { log, stop } = follow();
    await sandbox.until('the watch to begin', () => (log.length === 3 ? true : undefined));
    sandbox.patch('statefulsets.apps', 'db', { spec: { replicas: 1 } }, 'default');
    await sandbox.ready('db', 1);
    await sandbox.until('both to be seen gone', () => (log.length === 5 ? true : undefined));
    stop();
    expect(log.slice(3)).toEqual(['-db-2', '-db-1']);
  });

  it('bring an evicted Pod back under its name, with its claim and where its volume is', async () => {
    start();
    const volumeClaimTemplates = [
      {
        metadata: { name: 'data' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'local',
          resources: { requests: { storage: '1Gi' } },
        },
      },
    ];
    sandbox.workload('statefulsets.apps', 'db', { replicas: 2, volumeClaimTemplates });
    const before = await sandbox.ready('db', 2);
    const volume = sandbox.must('persistentvolumeclaims', 'data-db-1', 'default').spec.volumeName;
    sandbox.api.evict('default', 'db-1');
    const after = await sandbox.until('another db-1', () => {
      const pod = sandbox.get('pods', 'db-1', 'default');
      return pod !== undefined && pod.metadata.uid !== before[1]?.metadata.uid && isReady(pod) ? pod : undefined;
    });
    expect(after.spec.nodeName).toBe(before[1]?.spec.nodeName);
    expect(sandbox.must('persistentvolumeclaims', 'data-db-1', 'default').spec.volumeName).toBe(volume);
  });

  it('update from the highest ordinal down to the partition, and keep the old template below it', async () => {
    start();
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 1 } };
    sandbox.workload('statefulsets.apps', 'db', { replicas: 3, updateStrategy });
    await sandbox.ready('db', 3);
    const { log, stop } = follow();
    await sandbox.until('the watch to begin', () => (log.length === 3 ? true : undefined));
    const containers = [{ name: 'main', image: 'registry.invalid/new' }];
    sandbox.patch('statefulsets.apps', 'db', { spec: { template: { spec: { containers } } } }, 'default');
    const images = (): readonly unknown[] => sandbox.pods('db').map(({ spec }) => spec.containers[0]?.image);
    await sandbox.until('two new Pods', () =>
      images().filter((image) => image === 'registry.invalid/new').length === 2 ? true : undefined,
    );
    await sandbox.ready('db', 3);
    sandbox.delete('pods', 'db-0', 'default');
    await sandbox.until('db-0 to be made again', () => (log.at(-1) === '+db-0' ? true : undefined));
    stop();
    expect(log.slice(3)).toEqual(['-db-2', '+db-2', '-db-1', '+db-1', '-db-0', '+db-0']);
    expect(images()).toEqual(['registry.invalid/main', 'registry.invalid/new', 'registry.invalid/new']);
    const { status } = sandbox.must('statefulsets.apps', 'db', 'default');
    expect(status?.currentRevision).not.toBe(status?.updateRevision);
    expect(status).toMatchObject({ updatedReplicas: 2, currentReplicas: 1 });
  });
});
