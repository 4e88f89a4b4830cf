import { afterEach, describe, expect, it } from 'vitest';
import { containers, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

let sandbox: SimulatedSandbox;

afterEach(() => {
  sandbox.stop();
  expect(sandbox.errors).toEqual([]);
});

function start(): void {
  sandbox = new SimulatedSandbox();
  sandbox.nodes('a', 'b');
}

describe('ReplicaSets', () => {
  it('replace a Pod that was evicted, deleted or has failed', async () => {
    start();
    sandbox.workload('replicasets.apps', 'web', { replicas: 2 });
    const [first] = await sandbox.ready('web', 2);
    sandbox.api.evict('default', first?.metadata.name ?? '');
    await sandbox.until('its successor', () =>
      sandbox.get('pods', first?.metadata.name ?? '', 'default') === undefined ? true : undefined,
    );
    await sandbox.ready('web', 2);
  });

  it('adopt a Pod that nobody owns, and let one go whose labels change', async () => {
    start();
    sandbox.pod('lonely', {}, { labels: { app: 'web' } });
    sandbox.workload('replicasets.apps', 'web', { replicas: 1 });
    await sandbox.until('the adoption', () => sandbox.must('pods', 'lonely', 'default').metadata.ownerReferences?.[0]);
    expect(sandbox.pods('web')).toHaveLength(1);
    sandbox.patch('pods', 'lonely', { metadata: { labels: { app: 'debug' } } }, 'default');
    await sandbox.ready('web', 1);
    expect(sandbox.must('pods', 'lonely', 'default').metadata.ownerReferences ?? []).toEqual([]);
  });

  it('give up the Pods first that are not ready, then those that cost least', async () => {
    start();
    sandbox.workload('replicasets.apps', 'web', { replicas: 3 });
    const [first, second, third] = (await sandbox.ready('web', 3)).map(({ metadata }) => metadata.name);
    const annotate = (name: string | undefined, annotations: object): void =>
      sandbox.patch('pods', name ?? '', { metadata: { annotations } }, 'default');
    annotate(first, { 'controller.kubernetes.io/pod-deletion-cost': '10' });
    annotate(second, { 'sandbox.maintenance-bridge.io/ready': 'false' });
    await sandbox.until(
      'one that is not ready',
      () => sandbox.must('replicasets.apps', 'web', 'default').status?.readyReplicas === 2 || undefined,
    );
    sandbox.patch('replicasets.apps', 'web', { spec: { replicas: 1 } }, 'default');
    await sandbox.until('two to be gone', () => (sandbox.pods('web').length === 1 ? true : undefined));
    expect(sandbox.pods('web')[0]?.metadata.name).toBe(first);
    expect(sandbox.events('web')).toContain(`SuccessfulDelete: Deleted pod: ${third}`);
  });
});

describe('DaemonSets', () => {
  it('run on each Node that they are meant for, on cordoned ones too, and not where a taint is not tolerated', async () => {
    start();
    sandbox.node('cordoned', { spec: { unschedulable: true } });
    sandbox.node('tainted', { spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } });
    sandbox.workload('daemonsets.apps', 'agent');
    const nodes = (await sandbox.ready('agent', 3)).map(({ spec }) => spec.nodeName).sort();
    expect(nodes).toEqual(['a', 'b', 'cordoned']);
    sandbox.node('new');
    await sandbox.ready('agent', 4);
    await sandbox.until('the status', () => {
      const status = sandbox.must('daemonsets.apps', 'agent', 'default').status as Record<string, number> | undefined;
      return status?.desiredNumberScheduled === 4 && status.numberAvailable === 4 ? true : undefined;
    });
  });

  it('keep a Pod under a NoSchedule taint, do not bring it back under it, and do when the taint goes', async () => {
    start();
    sandbox.workload('daemonsets.apps', 'agent');
    const [pod] = await sandbox.ready('agent', 2);
    const node = pod?.spec.nodeName ?? '';
    sandbox.patch('nodes', node, {
      spec: { taints: [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }] },
    });
    await sandbox.until('the taint to be seen', () => sandbox.must('daemonsets.apps', 'agent', 'default').status);
    expect(sandbox.pods('agent')).toHaveLength(2);
    sandbox.delete('pods', pod?.metadata.name ?? '', 'default');
    await sandbox.ready('agent', 1);
    sandbox.patch('nodes', node, { spec: { taints: null } });
    await sandbox.ready('agent', 2);
  });

  it('update one Node after the other', async () => {
    start();
    sandbox.workload('daemonsets.apps', 'agent');
    await sandbox.ready('agent', 2);
    let missing = 0;
    const stop = sandbox.api.watch('pods', () => {
      missing = Math.max(
        missing,
        2 - sandbox.pods('agent').filter(({ metadata }) => metadata.deletionTimestamp === undefined).length,
      );
    });
    const spec = { containers: [{ name: 'main', image: 'registry.invalid/new' }] };
    sandbox.patch('daemonsets.apps', 'agent', { spec: { template: { spec } } }, 'default');
    await sandbox.until('both to be new', () =>
      sandbox.pods('agent').filter(({ spec }) => spec.containers[0]?.image === 'registry.invalid/new').length === 2
        ? true
        : undefined,
    );
    await sandbox.ready('agent', 2);
    stop();
    expect(missing).toBe(1);
  });
});

describe('Jobs', () => {
  it('run as many Pods at once as they may, until enough have succeeded', async () => {
    start();
    const template = { spec: { restartPolicy: 'Never', ...containers() } };
    sandbox.create(
      'jobs.batch',
      { metadata: { name: 'sum' }, spec: { completions: 3, parallelism: 2, template } },
      'default',
    );
    const job = await sandbox.until('the Job to be complete', () => {
      const found = sandbox.must('jobs.batch', 'sum', 'default');
      return found.status?.conditions?.some(({ type }) => type === 'Complete') ? found : undefined;
    });
    expect(job.status).toMatchObject({ succeeded: 3 });
    expect(sandbox.pods().map(({ status }) => status?.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
  });

  it('fail after too many failed Pods', async () => {
    start();
    const metadata = { annotations: { 'sandbox.maintenance-bridge.io/exit-code': '1' } };
    const template = { metadata, spec: { restartPolicy: 'Never', ...containers() } };
    sandbox.create('jobs.batch', { metadata: { name: 'sum' }, spec: { backoffLimit: 1, template } }, 'default');
    const job = await sandbox.until('the Job to fail', () => {
      const found = sandbox.must('jobs.batch', 'sum', 'default');
      return found.status?.conditions?.some(({ type }) => type === 'Failed') ? found : undefined;
    });
    expect(job.status?.conditions?.at(-1)).toMatchObject({ reason: 'BackoffLimitExceeded' });
    expect(job.status).toMatchObject({ failed: 2 });
  });
});
