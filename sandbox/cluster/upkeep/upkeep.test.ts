import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

let sandbox: SimulatedSandbox;
afterEach(() => {
  sandbox.stop();
  expect(sandbox.errors).toEqual([]);
});

function start(): void {
  sandbox = new SimulatedSandbox({ rootCertificate: 'PEM' });
  sandbox.nodes('a');
}

describe('the garbage collector', () => {
  it('in the foreground removes the owner after its dependents', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 2 });
    await sandbox.ready('web', 2);
    const log: string[] = [];
    const stops = (['deployments.apps', 'replicasets.apps', 'pods'] as const).map((resource) =>
      sandbox.api.watch(resource, ({ type, object }) => {
        if (type === 'DELETED') log.push(object.kind);
      }),
    );
    sandbox.delete('deployments.apps', 'web', 'default', { propagationPolicy: 'Foreground' });
    await sandbox.until('the Deployment to be gone', () => (log.includes('Deployment') ? true : undefined));
    for (const stop of stops) stop();
    expect(log.filter((kind) => kind !== 'Pod')).toEqual(['ReplicaSet', 'Deployment']);
    expect(sandbox.pods()).toEqual([]);
  });

  it('leaves orphans behind where that is asked for', async () => {
    start();
    sandbox.workload('replicasets.apps', 'web', { replicas: 1 });
    await sandbox.ready('web', 1);
    sandbox.delete('replicasets.apps', 'web', 'default', { propagationPolicy: 'Orphan' });
    await sandbox.until('the owner to be gone', () =>
      sandbox.list('replicasets.apps').length === 0 ? true : undefined,
    );
    expect(sandbox.pods('web').map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]]);
  });

  it('keeps what has another owner, and removes what names an owner of another UID', async () => {
    start();
    const owner = sandbox.create('configmaps', { metadata: { name: 'owner' } }, 'default');
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner' };
    const ownedBy = (...uids: readonly string[]) => uids.map((uid) => ({ ...reference, uid }));
    const { uid } = owner.metadata;
    sandbox.create('configmaps', { metadata: { name: 'kept', ownerReferences: ownedBy('stranger', uid) } }, 'default');
    sandbox.create('configmaps', { metadata: { name: 'lost', ownerReferences: ownedBy('stranger') } }, 'default');
    await sandbox.until('the lost one to go', () =>
      sandbox.get('configmaps', 'lost', 'default') === undefined ? true : undefined,
    );
    await sandbox.until('the reference to be dropped', () =>
      sandbox.must('configmaps', 'kept', 'default').metadata.ownerReferences?.length === 1 ? true : undefined,
    );
    sandbox.delete('configmaps', 'owner', 'default');
    await sandbox.until('the kept one to follow', () =>
      sandbox.get('configmaps', 'kept', 'default') === undefined ? true : undefined,
    );
  });

  it('draws no conclusion about owners of a kind that nobody serves', async () => {
    start();
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'x' }];
    sandbox.create('configmaps', { metadata: { name: 'kept', ownerReferences } }, 'default');
    sandbox.workload('replicasets.apps', 'web', { replicas: 1 });
    await sandbox.ready('web', 1);
    expect(sandbox.get('configmaps', 'kept', 'default')).toBeDefined();
  });
});

describe('Namespaces', () => {
  it('have a ServiceAccount and the root certificate from the start', async () => {
    start();
    sandbox.create('namespaces', { metadata: { name: 'shop' } });
    await sandbox.until('the account', () => sandbox.get('serviceaccounts', 'default', 'shop'));
    expect(
      await sandbox.until('the certificate', () => sandbox.get('configmaps', 'kube-root-ca.crt', 'shop')?.data),
    ).toEqual({
      'ca.crt': 'PEM',
    });
  });

  it('are emptied and then gone when they are deleted, and can be made again', async () => {
    start();
    sandbox.create('namespaces', { metadata: { name: 'shop' } });
    const spec = { selector: { matchLabels: { app: 'web' } }, replicas: 2 };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'x' }] } };
    sandbox.create('deployments.apps', { metadata: { name: 'web' }, spec: { ...spec, template } }, 'shop');
    await sandbox.ready('web', 2);
    sandbox.delete('namespaces', 'shop');
    await sandbox.until('the Namespace to be gone', () =>
      sandbox.get('namespaces', 'shop') === undefined ? true : undefined,
    );
    expect([sandbox.pods(), sandbox.list('deployments.apps'), sandbox.list('events', 'shop')]).toEqual([[], [], []]);
    sandbox.create('namespaces', { metadata: { name: 'shop' } });
    await sandbox.until('the account', () => sandbox.get('serviceaccounts', 'default', 'shop'));
  });
});
