/** When a Node's maintenance is settled: the displaced Pods are back, for each kind of owner, and obstacles to their creation. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { apart } from './members.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;

/** Prevents the creation of Pods in a namespace until the returned function is called. */
type Obstacle = (plot: Plot) => Promise<() => Promise<void>>;

const byPolicy: Obstacle = async ({ namespace, controlPlane: { api } }) => {
  const name = `no-pods-in-${namespace}`;
  const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
  await api.create(`${ADMISSION}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'false', message: 'none today' }] },
  });
  await api.create(`${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    },
  });
  return async () => {
    await api.delete(`${ADMISSION}/validatingadmissionpolicybindings/${name}`);
    await api.delete(`${ADMISSION}/validatingadmissionpolicies/${name}`);
  };
};

const byQuota: Obstacle = async ({ namespace, controlPlane: { api } }) => {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await api.create(path, { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } });
  return () => api.delete(`${path}/none`).then(() => undefined);
};

/** An obstacle takes effect a moment after it was written, and ends a moment after it was removed. */
async function untilPods(plot: Plot, areDenied: boolean): Promise<void> {
  await eventually(
    async () => {
      const path = `/api/v1/namespaces/${plot.namespace}/pods`;
      const template = plot.template('probe') as { metadata: object };
      const pod = { ...template, metadata: { ...template.metadata, name: 'probe' } };
      const isDenied = await plot.controlPlane.api.create(path, pod, { dryRun: 'All' }).then(
        () => false,
        () => true,
      );
      return isDenied === areDenied || undefined;
    },
    { what: `Pods to be ${areDenied ? 'denied' : 'admitted'}` },
  );
}

/** A Plot of three Nodes: two Pods of `web`, one on each of the first two, and one of `other` on the third. */
async function spread(plot: Plot, make: (plot: Plot) => Promise<unknown>): Promise<void> {
  const [first = '', second = '', third = ''] = plot.nodes;
  await plot.runAtHome(() => plot.replicaSet('other', 1), 'other', 1, third);
  await plot.runOn([first, second], () => make(plot), 'web', 2);
}

const APART_WEB = apart('web');

describeScenario('Settled', OPTIONS, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-exit-timeout=3s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const web = {
    Deployment: (plot: Plot) => plot.deployment('web', 2, APART_WEB),
    ReplicaSet: (plot: Plot) => plot.replicaSet('web', 2, APART_WEB),
    StatefulSet: (plot: Plot) => plot.statefulSet('web', 2, APART_WEB),
    ReplicationController: (plot: Plot) => plot.replicationController('web', 2, APART_WEB),
  };

  describe('where no replacement can be created', () => {
    const cases: readonly (readonly [string, keyof typeof web, string, Obstacle])[] = [
      ['of a Deployment, by a policy', 'Deployment', 'policy-deployment', byPolicy],
      ['of a Deployment, by a quota', 'Deployment', 'quota-deployment', byQuota],
      ['of a ReplicaSet, by a policy', 'ReplicaSet', 'policy-replicaset', byPolicy],
      ['of a StatefulSet, by a policy', 'StatefulSet', 'policy-statefulset', byPolicy],
      ['of a ReplicationController, by a quota', 'ReplicationController', 'quota-rc', byQuota],
    ];
    for (const [name, kind, namespace, obstacle] of cases) {
      itWhereThereIs('admission', `the next Node with members waits, and no other: ${name}`, async () => {
        const plot = await Plot.make(get(), namespace, 3);
        const [a = '', b = '', c = ''] = plot.nodes;
        await spread(plot, web[kind]);
        const remove = await obstacle(plot);
        await untilPods(plot, true);
        await plot.taint(a);
        await plot.phase('InMaintenance', a);
        await Promise.all([plot.untaint(a), plot.taint(b)]);
        await plot.phase('Queued', b);
        expect((await plot.event('MaintenanceExitIncomplete', a)).note).toContain(`1 of ${kind} ${namespace}/web`);
        expect(await plot.report(a)).toMatchObject({ phase: 'Exiting', overdue: true });
        // The slot is free for a Node without any of them.
        await plot.taint(c);
        await plot.phase('InMaintenance', c);
        expect(await plot.report(b)).toMatchObject({ phase: 'Queued' });
        await plot.ready('web', 1, b);
        await plot.untaint(c);
        await remove();
        await untilPods(plot, false);
        await plot.nudge(kind, 'web');
        await plot.ready('web', 2);
        await plot.phase('none', a);
        await plot.phase('InMaintenance', b);
        expect((await plot.events(a)).filter(({ reason }) => reason === 'MaintenanceExitIncomplete')).toHaveLength(1);
      });
    }
  });

  it('what is overdue is forgiven by whoever removes the report, and no longer awaited once it is scaled down', async () => {
    const plot = await Plot.make(get(), 'forgiven', 3);
    const [a = '', b = ''] = plot.nodes;
    await spread(plot, web.ReplicaSet);
    await plot.gate('web');
    await plot.taint(a);
    await plot.phase('InMaintenance', a);
    await Promise.all([plot.untaint(a), plot.taint(b)]);
    await plot.event('MaintenanceExitIncomplete', a);
    await plot.phase('Queued', b);
    expect(await plot.condition('MaintenanceInProgress', a)).toBe('True');
    const waited = await command(['wait', a, '--for', 'ended', '--kubeconfig', get().kubeconfig]);
    expect(waited.code).toBe(1);
    expect(waited.out).toContain(
      `node/${a}: the exit is late: Waiting for Pods to be ready again: 1 of ReplicaSet forgiven/web`,
    );
    expect(waited.out).toContain(`To end it: kubectl annotate node ${a} maintenance-bridge.io/tmm-`);
    await plot.kubectl('annotate', 'node', a, 'maintenance-bridge.io/tmm-');
    await eventually(async () => ((await plot.condition('MaintenanceInProgress', a)) === 'False' ? true : undefined), {
      what: 'the condition to follow',
    });
    await plot.phase('InMaintenance', b);
    await plot.untaint(b);
    await plot.phase('Exiting', b);
    await plot.scale('ReplicaSet', 'web', 0);
    await plot.phase('none', b);
  });

  it.each([
    ['StatefulSet', { serviceName: 'web', podManagementPolicy: 'Parallel' }],
    ['Deployment', {}],
    ['ReplicaSet', {}],
  ] as const)(
    'with `minReadySeconds`, members of a %s have to be available before the next Node goes',
    async (kind, spec) => {
      const plot = await Plot.make(get(), `available-${kind.toLowerCase()}`, 5);
      await plot.workload(kind, 'web', { replicas: 3, minReadySeconds: 8, ...spec }, APART_WEB);
      const available = async () => (await plot.status(kind, 'web')).availableReplicas ?? 0;
      await eventually(async () => ((await available()) === 3 ? true : undefined), {
        what: 'all members to be available',
        deadlineMs: 60_000,
      });
      let least = 3;
      let isWatching = true;
      const watching = (async () => {
        while (isWatching) least = Math.min(least, await available());
      })();
      watching.catch(() => undefined);
      const homes = (await plot.pods('web')).map(({ spec: { nodeName = '' } }) => nodeName);
      let previous: string | undefined;
      for (const home of homes.slice(0, 2)) {
        await plot.ready('web', 3);
        if (previous !== undefined) await plot.untaint(previous);
        await plot.taint(home);
        await plot.phase('InMaintenance', home, 60_000);
        previous = home;
      }
      await plot.ready('web', 3);
      isWatching = false;
      await watching;
      expect(least).toBe(2);
      expect((await plot.events(homes[1])).map(({ reason }) => reason)).not.toContain('MaintenanceRejected');
      await plot.untaint(previous);
      await eventually(async () => ((await available()) === 3 ? true : undefined), {
        what: 'all members to be available again',
        deadlineMs: 60_000,
      });
    },
  );
});

describeScenario('Settled, with two slots', OPTIONS, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-max-concurrent-nodes=2', '--tmm-admission-timeout=3s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  it('two Nodes tainted in one command: the second waits where a budget spares one member on local volumes', async () => {
    const plot = await Plot.make(get(), 'local-budget', 3);
    const [a = '', b = ''] = plot.nodes;
    await plot.localMembers('db');
    await plot.budget('db', { maxUnavailable: 1 });
    await plot.kubectl('taint', 'node', a, b, 'drain=planned-downtime:NoSchedule');
    const first = await eventually(
      async () => {
        for (const name of [a, b]) if ((await plot.report(name))?.phase === 'InMaintenance') return name;
        return undefined;
      },
      { what: 'one of the Nodes to be drained', deadlineMs: 30_000 },
    );
    const second = first === a ? b : a;
    expect(await plot.phase('Queued', second)).toMatchObject({
      message: expect.stringContaining('explains what is missing'),
    });
    await plot.untaint(first);
    await plot.phase('InMaintenance', second);
    expect((await plot.events(second)).map(({ reason }) => reason)).not.toContain('MaintenanceRejected');
  });

  it('without a budget, the second waits though it asks while the first is in maintenance', async () => {
    const plot = await Plot.make(get(), 'local-quorum', 3);
    const [a = '', b = ''] = plot.nodes;
    await plot.localMembers('db');
    await plot.taint(a);
    await plot.phase('InMaintenance', a);
    await plot.taint(b);
    expect(await plot.phase('Queued', b)).toMatchObject({
      message: expect.stringContaining('explains what is missing'),
    });
    await plot.untaint(a);
    await plot.phase('InMaintenance', b);
    expect((await plot.events(b)).map(({ reason }) => reason)).not.toContain('MaintenanceRejected');
  });
});
