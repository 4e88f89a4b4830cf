/** Unusual Pods: with very long names, with finalizers, on Nodes with an unresponsive kubelet. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, GROUND } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;

describeScenario('Odd Pods', OPTIONS, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-skip-wait-for-delete-timeout=4s', '--tmm-exit-timeout=3s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  /** Our own writes to the Node. */
  const writesOf = async (node: string): Promise<number> =>
    (await get().auditEvents()).filter(
      ({ verb, objectRef, user }) =>
        verb === 'patch' &&
        objectRef?.resource === 'nodes' &&
        objectRef.name === node &&
        user.username === 'system:serviceaccount:maintenance-bridge:maintenance-bridge',
    ).length;

  it('an owner with a name of 700 characters costs a handful of writes, and is passed over like any other', async () => {
    const plot = await Plot.make(get(), 'long-name', 2);
    const path = `/api/v1/namespaces/${plot.namespace}/pods`;
    const owner = {
      apiVersion: 'example.org/v1',
      kind: 'Thing',
      name: 'x'.repeat(700),
      uid: 'of-a-thing',
      controller: true,
    };
    const template = plot.template('odd', { nodeName: plot.home }) as { metadata: object };
    const metadata = { ...template.metadata, name: 'odd', ownerReferences: [owner], finalizers: ['example.org/hold'] };
    await get().api.create(path, { ...template, metadata });
    await plot.ready('odd', 1, plot.home);
    const before = await writesOf(plot.home);
    await plot.taint();
    // The finalizer keeps it for longer than we wait.
    const drained = await plot.phase('InMaintenance', plot.home, 60_000);
    expect(drained).toMatchObject({ message: expect.stringContaining('1 Skipped') });
    expect((await writesOf(plot.home)) - before).toBeLessThanOrEqual(8);
    await get().api.patch(`${path}/odd`, { metadata: { finalizers: null } }, 'merge');
    await plot.untaint();
    // How many Pods its owner wants is not known; if none is left, there is nothing to wait for.
    await plot.phase('none');
    await plot.event('MaintenanceExitIncomplete');
  });

  it('a Pod that has been terminating for long is passed over, and counted among those that stay', async () => {
    const plot = await Plot.make(get(), 'skipped', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    const [pod] = await plot.pods('web');
    const name = pod?.metadata.name ?? '';
    await plot.holdTermination(name);
    await plot.taint();
    const drained = await plot.phase('InMaintenance', plot.home, 60_000);
    expect(drained).toMatchObject({ message: expect.stringContaining('1 Skipped'), pods: { total: 1, gone: 1 } });
    expect((await plot.pods('web')).map(({ metadata }) => metadata.name)).toContain(name);
    await plot.holdTermination(name, false);
    await plot.untaint();
    await plot.phase('none');
  });

  // In the sandbox, a kubelet becomes unresponsive only if its machine is switched off.
  const itOnARealOne = GROUND === 'controlplane' ? it : it.skip;
  itOnARealOne('a kubelet that does not answer is told at once', async () => {
    const plot = await Plot.make(get(), 'silent-kubelet', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    const kwok = get().processes.get('kwok');
    if (kwok === undefined) throw new Error('kwok is not a process of ours');
    process.kill(kwok, 'SIGSTOP');
    try {
      const conditions = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }];
      await get().api.patch(`/api/v1/nodes/${plot.home}/status`, { status: { conditions } }, 'strategic-merge');
      await plot.taint();
      await eventually(
        async () =>
          (await plot.report())?.blockedBy.some(({ cause }) => cause === 'NodeUnreachable') ? true : undefined,
        { what: 'the silence to be told', deadlineMs: 10_000 },
      );
      expect(await plot.condition('Drained')).toBe('False');
    } finally {
      process.kill(kwok, 'SIGCONT');
    }
    await plot.phase('InMaintenance', plot.home, 60_000);
  });

  it('a request that is repeated once its cause is mended is judged anew', async () => {
    const plot = await Plot.make(get(), 'mended', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    await plot.bare('alone', { nodeName: plot.home });
    await plot.ready('alone', 1, plot.home);
    await plot.taint();
    const rejected = await plot.phase('Rejected');
    await eventually(
      async () => ((await plot.pods('web'))[0]?.metadata.annotations?.['emm-failure'] ? true : undefined),
      { what: 'the Pods to be told' },
    );
    await get().api.delete(`/api/v1/namespaces/${plot.namespace}/pods/alone`);
    await eventually(async () => ((await plot.pods('alone')).length === 0 ? true : undefined), {
      what: 'the Pod to be gone',
    });
    // The rejection remains until the taint is removed. Both writes are faster than most passes.
    await plot.untaint();
    await plot.taint();
    const drained = await eventually(
      async () => {
        const report = await plot.report();
        return report?.phase === 'InMaintenance' ? report : undefined;
      },
      { what: 'the repeated request to be met', deadlineMs: 30_000 },
    ).catch(async (error) => {
      throw new Error(`the report is ${JSON.stringify(await plot.report())}`, { cause: error });
    });
    expect(drained.session).not.toBe(rejected === 'none' ? '' : rejected.session);
    expect((await plot.pods('web')).every(({ metadata }) => metadata.annotations?.['emm-failure'] === undefined)).toBe(
      true,
    );
  });
});
