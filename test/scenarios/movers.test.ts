/** Workloads whose operators move them by themselves: some react to a cordon (`tmm.cordon`), some to a refused eviction. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import type { Bridge } from '../../harness/program.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const LONGHORN = { 'longhorn.io/component': 'instance-manager' };

describeScenario('Workloads that move by themselves', OPTIONS, (get) => {
  const bridges = new Bridges(get, { flags: ['--leader-elect=false'] });
  afterEach(removePlots);
  /** With the rights that these settings need. */
  const start = async (settings: object, ...flags: readonly string[]): Promise<Bridge> => {
    const file = join(get().directory, 'bridge.json');
    const head = { apiVersion: 'maintenance-bridge.io/v1alpha1', kind: 'BridgeConfiguration' };
    await writeFile(file, JSON.stringify({ ...head, tmm: settings }));
    const kubeconfig = await grantedKubeconfig(get(), { tmm: settings, capi: {} });
    return bridges.start(['--config', file, ...flags], { kubeconfig }).leads();
  };
  const cordoned = (plot: Plot, what = 'the Node to be cordoned'): Promise<true> =>
    eventually(async () => ((await plot.node()).spec.unschedulable === true ? true : undefined), { what });
  const uncordoned = async (plot: Plot): Promise<void> => {
    const { spec, metadata } = await plot.node();
    expect(spec.unschedulable ?? false).toBe(false);
    expect(metadata.annotations ?? {}).not.toHaveProperty('maintenance-bridge.io/tmm-cordoned');
  };
  /** A ReplicaSet with one Pod and additional labels, at home, whose budget never allows an eviction. */
  const guarded = async (plot: Plot, app: string, labels: object): Promise<string> => {
    const { spec, metadata } = plot.template(app) as { spec: object; metadata: { labels: object } };
    const template = { spec, metadata: { labels: { ...metadata.labels, ...labels } } };
    await plot.runAtHome(
      () =>
        get().api.create(`/apis/apps/v1/namespaces/${plot.namespace}/replicasets`, {
          metadata: { name: app },
          spec: { replicas: 1, selector: { matchLabels: { app } }, template },
        }),
      app,
      1,
    );
    await plot.budget(app, { minAvailable: 1 });
    return (await plot.on(plot.home, app))[0]?.metadata.name ?? '';
  };
  const remove = (plot: Plot, pod: string): Promise<unknown> =>
    get().api.delete(`/api/v1/namespaces/${plot.namespace}/pods/${pod}`);

  it('get the cordon that they act on, by the defaults, and it goes with the session', async () => {
    const plot = await Plot.make(get(), 'manager');
    const pod = await guarded(plot, 'manager', LONGHORN);
    await start({});
    await plot.taint();
    await cordoned(plot);
    await remove(plot, pod);
    await plot.phase('InMaintenance');
    await plot.untaint();
    await plot.phase('none');
    await uncordoned(plot);
  });

  it('hand their part over once the Node is cordoned, and leave then', async () => {
    const plot = await Plot.make(get(), 'primary', 3);
    await plot.runAtHome(() => plot.statefulSet('pg', 2), 'pg', 2);
    const role = (pod: string, value: string | null): Promise<unknown> =>
      get().api.patch(
        `/api/v1/namespaces/${plot.namespace}/pods/${pod}`,
        { metadata: { labels: { role: value } } },
        'merge',
      );
    await role('pg-0', 'primary');
    await plot.budget('pg', { minAvailable: 1, selector: { matchLabels: { app: 'pg', role: 'primary' } } });
    await start({ selfMovingWorkloads: [{ name: 'pg', selector: { matchLabels: { app: 'pg' } }, needsCordon: true }] });
    await plot.taint();
    await cordoned(plot);
    // The Pod that has left takes over.
    const elsewhere = await eventually(
      async () => (await plot.pods('pg')).find(({ spec }) => ![undefined, plot.home].includes(spec.nodeName)),
      { what: 'the other member to run elsewhere' },
    );
    await role(elsewhere.metadata.name, 'primary');
    await role('pg-0', 'replica');
    await plot.phase('InMaintenance');
  });

  it('leave the Node uncordoned where none of them needs it, or the settings say never', async () => {
    const plot = await Plot.make(get(), 'uncordoned');
    const pod = await guarded(plot, 'manager', LONGHORN);
    await start({ cordon: 'never' });
    await plot.taint();
    await eventually(
      async () =>
        (await plot.report())?.blockedBy.some(({ remedy }) => remedy.includes('kubectl cordon')) ? true : undefined,
      { what: 'the report to say that a cordon would help' },
    );
    await uncordoned(plot);
    await remove(plot, pod);
    await plot.phase('InMaintenance');
    await uncordoned(plot);
  });

  it('lose the cordon at the end also where the setting has changed meanwhile', async () => {
    const plot = await Plot.make(get(), 'changed');
    await guarded(plot, 'manager', LONGHORN);
    const first = await start({});
    await plot.taint();
    await cordoned(plot);
    await first.end();
    await start({}, '--tmm-cordon=never');
    await plot.untaint();
    await plot.phase('none');
    await eventually(async () => ((await plot.node()).spec.unschedulable ? undefined : true), {
      what: 'the cordon to be lifted',
    });
  });

  const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
  const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
  /** A policy that denies the eviction of Pods of the plot by a prefix of their names. @returns a function that removes it. */
  const denyEvictions = async (plot: Plot, prefix: string): Promise<() => Promise<void>> => {
    const { namespace: name } = plot;
    const resourceRules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] },
    ];
    await get().api.create(POLICIES, {
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules },
        validations: [{ expression: `!request.name.startsWith('${prefix}')`, message: 'it cannot migrate' }],
      },
    });
    await get().api.create(BINDINGS, {
      metadata: { name },
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
      },
    });
    // The API server loads it by a watch.
    const [pod] = await plot.on(plot.home, prefix);
    const metadata = { namespace: name, name: pod?.metadata.name };
    await eventually(
      async () => {
        const path = `/api/v1/namespaces/${name}/pods/${metadata.name}/eviction`;
        const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata };
        const answer = await get().api.create(path, eviction, { dryRun: 'All' }).catch(String);
        return String(answer).includes('it cannot migrate') ? true : undefined;
      },
      { what: 'the policy to be enforced', deadlineMs: 60_000 },
    );
    return async () => {
      await get().api.delete(`${BINDINGS}/${name}`);
      await get().api.delete(`${POLICIES}/${name}`);
    };
  };

  itWhereThereIs('admission', 'cost the rest of the Node nothing while admission denies their eviction', async () => {
    const plot = await Plot.make(get(), 'machine');
    await guarded(plot, 'virt-launcher', { 'kubevirt.io': 'virt-launcher' });
    await plot.runAtHome(() => plot.replicaSet('calm', 3), 'calm', 3);
    const before = (await plot.on(plot.home, 'calm')).map(({ metadata }) => metadata.uid).sort();
    const allow = await denyEvictions(plot, 'virt-launcher');
    await start({}, '--tmm-drain-timeout=5s');
    await plot.taint();
    const report = await plot.phase('Rejected');
    expect(report).toMatchObject({ reason: 'GenericFailure', blockedBy: [{ cause: 'EvictionDenied' }] });
    expect((await plot.on(plot.home, 'calm')).map(({ metadata }) => metadata.uid).sort()).toEqual(before);
    await allow();
  });

  itWhereThereIs('admission', 'are followed by the rest once admission lets them go', async () => {
    const plot = await Plot.make(get(), 'migrating');
    await plot.runAtHome(() => plot.replicaSet('virt-launcher', 1), 'virt-launcher', 1);
    await plot.runAtHome(() => plot.replicaSet('calm', 3), 'calm', 3);
    const allow = await denyEvictions(plot, 'virt-launcher');
    await start({});
    await plot.taint();
    await eventually(
      async () => ((await plot.report())?.blockedBy.some(({ cause }) => cause === 'EvictionDenied') ? true : undefined),
      { what: 'the refusal to be told' },
    );
    expect(await plot.on(plot.home, 'calm')).toHaveLength(3);
    await allow();
    await plot.phase('InMaintenance', plot.home, 90_000);
  });

  it('are asked about once, with everything else, before the first eviction', async () => {
    const plot = await Plot.make(get(), 'asked-first');
    await plot.runAtHome(() => plot.replicaSet('web', 4), 'web', 4);
    const pods = (await plot.on(plot.home)).map(({ metadata }) => metadata.name).sort();
    await start({});
    await plot.taint();
    await plot.phase('InMaintenance');
    const requests = (await get().auditEvents())
      .filter(({ objectRef }) => objectRef?.subresource === 'eviction' && objectRef.namespace === plot.namespace)
      .sort((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1))
      .map(({ objectRef, requestURI }) => `${requestURI.includes('dryRun=All') ? 'ask' : 'evict'} ${objectRef?.name}`);
    expect(requests.slice(0, 4).sort()).toEqual(pods.map((pod) => `ask ${pod}`));
    expect(requests.slice(4).sort()).toEqual(pods.map((pod) => `evict ${pod}`));
  });

  it('are asked about anew, and leave, where the process was killed in between', async () => {
    const plot = await Plot.make(get(), 'asked-again');
    await plot.runAtHome(() => plot.replicaSet('web', 3), 'web', 3);
    const first = bridges.startAndKillAfter(asks('POST', /\/eviction\?dryRun=All/), 2);
    await plot.taint();
    await killed(first);
    expect(await plot.evictions()).toEqual([]);
    await start({});
    await plot.phase('InMaintenance');
  });

  itWhereThereIs(
    'rbac',
    'are drained all the same where the right to cordon is missing, and that is told',
    async () => {
      const plot = await Plot.make(get(), 'no-right');
      await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
      await start({ cordon: 'never' }, '--tmm-cordon=always');
      await plot.taint();
      await plot.phase('InMaintenance');
      expect((await plot.event('CordonRefused')).note).toContain('kubectl cordon no-right-a');
      await plot.untaint();
      await plot.phase('none');
      await uncordoned(plot);
    },
  );
});
