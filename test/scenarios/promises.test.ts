/** Two guarantees: nothing is evicted before the verdict, and when a Node is reported as drained, the machine may be opened. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario } from './suite.ts';

describeScenario('What is promised', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-admission-timeout=3s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const uids = async (plot: Plot, app: string) =>
    (await plot.on(plot.home, app)).map(({ metadata }) => metadata.uid).sort();

  it('a Pod that is being deleted is there until its object is gone, whatever its phase', async () => {
    const plot = await Plot.make(get(), 'held');
    await plot.runAtHome(() => plot.replicaSet('disk-user', 1), 'disk-user', 1);
    const [pod] = await plot.on(plot.home, 'disk-user');
    const name = pod?.metadata.name ?? '';
    await plot.holdTermination(name);
    await plot.taint();
    const path = `/api/v1/namespaces/${plot.namespace}/pods/${name}`;
    await eventually(
      async () =>
        (await plot.pods('disk-user')).find(({ metadata }) => metadata.name === name)?.metadata.deletionTimestamp,
      { what: 'the Pod to be deleted' },
    );
    await plot.controlPlane.api.patch(`${path}/status`, { status: { phase: 'Failed' } }, 'merge');
    // Both Pods come by the same watch: after this one, the end of the other is known too.
    await plot.bare('stray', { nodeName: plot.home });
    await eventually(
      async () => {
        const report = await plot.report();
        expect(report?.phase).toBe('Draining');
        return report?.blockedBy.some(({ pod }) => pod === `${plot.namespace}/stray`) ? true : undefined;
      },
      { what: 'the second Pod to be seen', deadlineMs: 30_000 },
    );
    await plot.controlPlane.api.delete(`/api/v1/namespaces/${plot.namespace}/pods/stray`);
    await eventually(async () => ((await plot.pods('stray')).length === 0 ? true : undefined), {
      what: 'the second Pod to be gone',
    });
    expect(await plot.report()).toMatchObject({ phase: 'Draining', pods: { gone: 0 } });
    expect(await plot.condition('Drained')).toBe('False');
    await plot.holdTermination(name, false);
    await plot.phase('InMaintenance');
  });

  it('nothing is moved where the unready Pods of a budget would be held by it, and the advice is given', async () => {
    const plot = await Plot.make(get(), 'broken');
    await plot.runAtHome(() => plot.replicaSet('broken', 3), 'broken', 3);
    await plot.runAtHome(() => plot.replicaSet('calm', 2), 'calm', 2);
    for (const { metadata } of await plot.pods('broken')) await plot.makeUnready(metadata.name);
    await plot.budget('broken', { maxUnavailable: 1 });
    await eventually(async () => ((await plot.budgetStatus('broken')).currentHealthy ?? 0) === 0 || undefined, {
      what: 'the budget to see that its Pods are not ready',
    });
    const before = await uids(plot, 'calm');
    await plot.taint();
    const report = await plot.phase('Rejected');
    expect(report).toMatchObject({ reason: 'TooManyExistingFailures', pods: { gone: 0 } });
    expect(JSON.stringify(report)).toContain('unhealthyPodEvictionPolicy: AlwaysAllow');
    expect(await uids(plot, 'calm')).toEqual(before);
  });

  it('a budget that counts no Pods rejects at once, in words that make sense', async () => {
    const plot = await Plot.make(get(), 'silent');
    await plot.runAtHome(() => plot.replicaSet('silent', 2), 'silent', 2);
    await plot.runAtHome(() => plot.replicaSet('calm', 2), 'calm', 2);
    await plot.budget('silent', {});
    const before = await uids(plot, 'calm');
    await plot.taint();
    const report = await plot.phase('Rejected');
    expect(report).toMatchObject({ blockedBy: [{ cause: 'BudgetImpossible' }, { cause: 'BudgetImpossible' }] });
    expect(JSON.stringify(report)).toContain('it has no threshold, or none of its Pods has an owner with a scale');
    expect(JSON.stringify(report)).not.toContain('of 0 Pods');
    expect(await uids(plot, 'calm')).toEqual(before);
  });

  it('what was scaled down meanwhile is not waited for', async () => {
    const plot = await Plot.make(get(), 'scaled', 2);
    await plot.statefulSet('pinned', 1, { nodeSelector: { 'kubernetes.io/hostname': plot.home } });
    await plot.ready('pinned', 1, plot.home);
    await plot.taint();
    await plot.phase('InMaintenance');
    const path = `/apis/apps/v1/namespaces/${plot.namespace}/statefulsets/pinned`;
    await plot.controlPlane.api.patch(path, { spec: { replicas: 0 } }, 'merge');
    await eventually(async () => ((await plot.pods('pinned')).length === 0 ? true : undefined), {
      what: 'the Pod that waits for its Node to be gone',
    });
    // The timeout of the exit is five minutes.
    await plot.untaint();
    await plot.phase('none');
    expect((await plot.events()).map(({ reason }) => reason)).not.toContain('MaintenanceExitIncomplete');
  });

  it('a repeated request that is rejected for the same reason is told once more', async () => {
    const plot = await Plot.make(get(), 'again');
    await plot.bare('alone', { nodeName: plot.home });
    await eventually(async () => ((await plot.on(plot.home, 'alone')).length === 1 ? true : undefined), {
      what: 'the Pod to be there',
    });
    for (const times of [1, 2]) {
      await plot.taint();
      await plot.phase('Rejected');
      await eventually(
        async () =>
          (await plot.events()).filter(({ reason }) => reason === 'MaintenanceRejected').length === times || undefined,
        { what: `${times} Events of a rejection` },
      );
      await plot.untaint();
      await plot.phase('none');
    }
  });

  it('a Node in maintenance keeps phase and slot when a Pod appears, and says that it is not drained any more', async () => {
    const plot = await Plot.make(get(), 'stray', 3);
    const [first = '', second = ''] = plot.nodes;
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1, second);
    await plot.taint(first);
    await plot.phase('InMaintenance', first);
    await plot.taint(second);
    await plot.phase('Queued', second);
    await plot.bare('stray', { nodeName: first });
    await eventually(async () => ((await plot.condition('Drained', first)) === 'False' ? true : undefined), {
      what: 'the Node to be drained no more',
    });
    expect((await plot.event('NodeNotDrained', first)).type).toBe('Warning');
    expect(await plot.report(first)).toMatchObject({
      phase: 'InMaintenance',
      blockedBy: [{ pod: `${plot.namespace}/stray`, cause: 'NoController' }],
    });
    expect(await plot.report(second)).toMatchObject({ phase: 'Queued' });
    await plot.controlPlane.api.delete(`/api/v1/namespaces/${plot.namespace}/pods/stray`);
    await eventually(async () => ((await plot.condition('Drained', first)) === 'True' ? true : undefined), {
      what: 'the Node to be drained again',
    });
    await plot.untaint(first);
    await plot.phase('InMaintenance', second);
  });
});
