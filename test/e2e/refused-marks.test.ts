/** Admission denies every write on one Pod, which then cannot be annotated after a rejection, or on the status of Nodes, or hangs. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const POLICY = 'hands-off';

describeOnControlPlane('Admission', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    bridge = await new Bridge({
      kubeconfig: get().kubeconfig,
      flags: ['--leader-elect=false', '--tmm-max-concurrent-nodes=100'],
    }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const reasonOn = async (plot: Plot, name: string): Promise<string | undefined> =>
    (await plot.pods()).find(({ metadata }) => metadata.name === name)?.metadata.annotations?.['emm-failure'];

  /** @param path that of the object, which may have a subresource. */
  async function forbidEdits(resource: string, name: string, path: string): Promise<void> {
    const { api } = get();
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: [resource] }];
    const validations = [{ expression: `object.metadata.name != '${name}'`, message: 'hands off' }];
    await api.create(`${ADMISSION}/validatingadmissionpolicies`, {
      metadata: { name: POLICY },
      spec: { matchConstraints: { resourceRules }, validations },
    });
    await api.create(`${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name: POLICY },
      spec: { policyName: POLICY, validationActions: ['Deny'] },
    });
    // A policy takes effect a moment after it was written.
    let touches = 0;
    await eventually(
      async () => {
        touches += 1;
        const annotations = { touched: String(touches) };
        return api.patch(path, { metadata: { annotations } }, 'merge').then(
          () => undefined,
          () => true,
        );
      },
      { what: 'the policy to be in force' },
    );
  }

  async function allowEdits(): Promise<void> {
    await get().api.delete(`${ADMISSION}/validatingadmissionpolicybindings/${POLICY}`);
    await get().api.delete(`${ADMISSION}/validatingadmissionpolicies/${POLICY}`);
  }

  it('that denies every edit of a Pod keeps neither the others from being told nor the maintenance from ending, and is told when it may be', async () => {
    const plot = await Plot.make(get(), 'hands-off', 2);
    // Ordered by name: the refusing one is first.
    for (const name of ['a', 'b']) await plot.bare(name, { nodeName: plot.home });
    await plot.ready('b', 1, plot.home);
    await forbidEdits('pods', 'a', `/api/v1/namespaces/${plot.namespace}/pods/a`);
    await plot.taint();
    await plot.phase('Rejected');
    await eventually(async () => ((await reasonOn(plot, 'b')) === 'GenericFailure' ? true : undefined), {
      what: 'the other Pod to be told',
    });
    await bridge.logged(
      ({ msg, err }) => msg === 'Annotating a Pod failed' && JSON.stringify(err).includes('hands off'),
      'the refusal to be told of',
    );
    await get().api.delete(`${ADMISSION}/validatingadmissionpolicybindings/${POLICY}`);
    await eventually(async () => ((await reasonOn(plot, 'a')) === 'GenericFailure' ? true : undefined), {
      what: 'the first Pod to be told',
      deadlineMs: 60_000,
    });
    await get().api.create(`${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name: POLICY },
      spec: { policyName: POLICY, validationActions: ['Deny'] },
    });
    await plot.untaint();
    await plot.phase('none');
    await eventually(async () => ((await reasonOn(plot, 'b')) === undefined ? true : undefined), {
      what: 'the reason to go',
    });
    await get().api.delete(`${ADMISSION}/validatingadmissionpolicybindings/${POLICY}`);
    await eventually(async () => ((await reasonOn(plot, 'a')) === undefined ? true : undefined), {
      what: 'the first Pod to be rid of the reason',
      deadlineMs: 60_000,
    });
    await get().api.delete(`${ADMISSION}/validatingadmissionpolicies/${POLICY}`);
    expect(bridge.isRunning()).toBe(true);
  });

  it('that denies the report is named on the Node, where nothing moves until it allows it', async () => {
    const plot = await Plot.make(get(), 'no-report', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    await forbidEdits('nodes/status', plot.home, `/api/v1/nodes/${plot.home}/status`);
    await plot.taint();
    expect(await plot.event('MaintenanceReportRefused')).toMatchObject({
      type: 'Warning',
      note: expect.stringContaining('hands off'),
    });
    expect(await plot.on(plot.home, 'web')).toHaveLength(1);
    await allowEdits();
    await plot.phase('InMaintenance', plot.home, 120_000);
    await plot.untaint();
    await plot.phase('none');
  });

  /** A webhook on what the bridge writes on the Nodes of the plot. */
  async function hook(plot: Plot, url: string, timeoutSeconds: number): Promise<() => Promise<unknown>> {
    const path = `${ADMISSION}/validatingwebhookconfigurations`;
    const name = plot.namespace;
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['nodes/status'] }];
    const expression = `object.metadata.name.startsWith('${name}-') && '${REPORT_ANNOTATION}' in object.metadata.?annotations.orValue({})`;
    await get().api.create(path, {
      metadata: { name },
      webhooks: [
        {
          name: `${name}.example.org`,
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds,
          clientConfig: { url },
          matchConditions: [{ name: 'reports', expression }],
          rules,
        },
      ],
    });
    // It takes effect a moment after it was written.
    await eventually(
      () =>
        get()
          .api.patch(
            `/api/v1/nodes/${plot.home}/status`,
            { metadata: { annotations: { [REPORT_ANNOTATION]: 'x' } } },
            'merge',
            { dryRun: 'All' },
          )
          .then(
            () => undefined,
            () => true,
          ),
      { what: 'the webhook to be in force', deadlineMs: 90_000 },
    );
    return () => get().api.delete(`${path}/${name}`);
  }

  it('that cannot be asked about the report is named on the Node as well', async () => {
    const plot = await Plot.make(get(), 'nobody-there', 1);
    const unhook = await hook(plot, 'https://127.0.0.1:1/nodes', 2);
    await plot.taint();
    expect((await plot.event('MaintenanceReportRefused')).note).toContain('failed calling webhook');
    await unhook();
    await plot.phase('InMaintenance', plot.home, 120_000);
    await plot.untaint();
    await plot.phase('none');
  });

  it('that hangs on the reports of eight Nodes keeps no other Node waiting', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const slow = await Plot.make(get(), 'hanging', 8);
    const quick = await Plot.make(get(), 'at-once', 1);
    const unhook = await hook(slow, `https://127.0.0.1:${port}/nodes`, 20);
    await Promise.all(slow.nodes.map((name) => slow.taint(name)));
    await quick.taint();
    await quick.phase('InMaintenance', quick.home, 15_000);
    expect(await Promise.all(slow.nodes.map((name) => slow.report(name)))).toEqual(slow.nodes.map(() => undefined));
    await unhook();
    silent.close();
    await Promise.all([...slow.nodes.map((name) => slow.untaint(name)), quick.untaint()]);
    await quick.phase('none');
  });
});
