import { afterEach, describe, expect, it } from 'vitest';
import { isReady, SimulatedSandbox, template } from '../../../harness/simulated-cluster.ts';

describe('Deployments', () => {
  let sandbox: SimulatedSandbox;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  function start(): void {
    sandbox = new SimulatedSandbox();
    sandbox.nodes('a', 'b');
  }

  function isComplete(replicas: number): true | undefined {
    const { status } = sandbox.must('deployments.apps', 'web', 'default');
    const said = status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
    const all = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
    return said === 'NewReplicaSetAvailable' && all.every((count) => count === replicas) ? true : undefined;
  }

  it('bring up their Pods through a ReplicaSet that carries the hash of the template', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 3 });
    const pods = await sandbox.ready('web', 3);
    await sandbox.until('the Deployment to be complete', () => isComplete(3));
    const [replicaSet, ...others] = sandbox.list('replicasets.apps');
    expect(others).toEqual([]);
    const hash = replicaSet?.metadata.labels?.['pod-template-hash'];
    expect(replicaSet?.metadata.name).toBe(`web-${hash}`);
    for (const pod of pods) expect(pod.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    // What the controller notes is no change of the Deployment.
    expect(sandbox.must('deployments.apps', 'web', 'default').metadata).toMatchObject({
      generation: 1,
      annotations: { 'deployment.kubernetes.io/revision': '1' },
    });
  });

  it('never have more Pods than the surge, nor fewer ready ones than are to be available, while they roll', async () => {
    start();
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
    sandbox.workload('deployments.apps', 'web', { replicas: 6, strategy });
    await sandbox.ready('web', 6);
    const seen = { most: 0, fewestReady: 6 };
    const stops = [
      sandbox.api.watch('replicasets.apps', () => {
        const sizes = sandbox.list('replicasets.apps').map(({ spec }) => spec.replicas ?? 0);
        seen.most = Math.max(
          seen.most,
          sizes.reduce((sum, size) => sum + size, 0),
        );
      }),
      sandbox.api.watch('pods', () => {
        seen.fewestReady = Math.min(seen.fewestReady, sandbox.pods('web').filter(isReady).length);
      }),
    ];
    const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T02:00:00Z' };
    sandbox.patch('deployments.apps', 'web', { spec: { template: { metadata: { annotations } } } }, 'default');
    await sandbox.until('the old Pods to be gone', () =>
      sandbox.pods('web').every(({ metadata }) => metadata.annotations !== undefined) ? true : undefined,
    );
    await sandbox.until('the rollout to be over', () => isComplete(6));
    for (const stop of stops) stop();
    expect(seen.most).toBe(7);
    expect(seen.fewestReady).toBeGreaterThanOrEqual(5);
    expect(
      sandbox
        .list('replicasets.apps')
        .map(({ spec, metadata }) => [metadata.annotations?.['deployment.kubernetes.io/revision'], spec.replicas])
        .sort(),
    ).toEqual([
      ['1', 0],
      ['2', 6],
    ]);
  });

  it('take an earlier template up again as a new revision', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 1 });
    await sandbox.until('revision 1', () => isComplete(1));
    for (const image of ['registry.invalid/other', 'registry.invalid/main']) {
      const containers = [{ name: 'main', image }];
      sandbox.patch('deployments.apps', 'web', { spec: { template: { spec: { containers } } } }, 'default');
      await sandbox.until(image, () =>
        sandbox.pods('web')[0]?.spec.containers[0]?.image === image ? isComplete(1) : undefined,
      );
    }
    expect(sandbox.list('replicasets.apps')).toHaveLength(2);
    expect(
      sandbox.must('deployments.apps', 'web', 'default').metadata.annotations?.['deployment.kubernetes.io/revision'],
    ).toBe('3');
  });

  it('with `Recreate` have all old Pods gone before the first new one', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 3, strategy: { type: 'Recreate' } });
    await sandbox.ready('web', 3);
    let mixed = false;
    const stop = sandbox.api.watch('pods', () => {
      mixed ||= new Set(sandbox.pods('web').map(({ metadata }) => metadata.labels?.['pod-template-hash'])).size > 1;
    });
    sandbox.patch(
      'deployments.apps',
      'web',
      { spec: { template: template('web', { terminationGracePeriodSeconds: 1 }) } },
      'default',
    );
    await sandbox.until('the new Pods', () =>
      sandbox.pods('web').every(({ spec }) => spec.terminationGracePeriodSeconds === 1) ? isComplete(3) : undefined,
    );
    stop();
    expect(mixed).toBe(false);
  });

  it('are scaled up and down', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 2 });
    await sandbox.ready('web', 2);
    for (const replicas of [5, 1, 0]) {
      sandbox.patch('deployments.apps', 'web', { spec: { replicas } }, 'default');
      await sandbox.ready('web', replicas);
    }
  });

  it('do not roll while they are paused', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 2, paused: true });
    await sandbox.until('the pause to be seen', () =>
      sandbox
        .must('deployments.apps', 'web', 'default')
        .status?.conditions?.find(({ reason }) => reason === 'DeploymentPaused'),
    );
    expect(sandbox.list('replicasets.apps')).toEqual([]);
    sandbox.patch('deployments.apps', 'web', { spec: { paused: false } }, 'default');
    await sandbox.ready('web', 2);
  });

  it('take ReplicaSets and Pods along when they are deleted', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 2 });
    await sandbox.ready('web', 2);
    sandbox.delete('deployments.apps', 'web', 'default');
    await sandbox.until('everything to be gone', () =>
      sandbox.pods().length + sandbox.list('replicasets.apps').length === 0 ? true : undefined,
    );
  });
});
