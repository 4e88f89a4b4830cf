/** What ends a drain that does not end by itself: rows D1 to D3 of the design's table. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

describeScenario('The deadline of a drain', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-drain-timeout=4s', '--tmm-exit-timeout=2s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const toldOn = (plot: Plot, reason: string | undefined): Promise<true> =>
    eventually(
      async () => {
        const pods = await plot.on(plot.home);
        return pods.length > 0 && pods.every(({ metadata }) => metadata.annotations?.['emm-failure'] === reason)
          ? true
          : undefined;
      },
      { what: `the Pods that are left to be told ${reason}` },
    );

  it('D1: a budget that stays closed is TooManyExistingFailures', async () => {
    const plot = await Plot.make(get(), 'closed', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    // Replacements are created, but wait at a scheduling gate; this differs from fitting nowhere.
    await plot.gate('web');
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      reason: 'TooManyExistingFailures',
      blockedBy: [{ cause: 'BudgetExhausted' }],
    });
    await toldOn(plot, 'TooManyExistingFailures');
    // The rejection remains, although the budget opens now.
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.event('MaintenanceRejected');
    expect(await plot.on(plot.home, 'web')).toHaveLength(1);
    await plot.untaint();
    // One replacement still waits at its gate.
    await plot.event('MaintenanceExitIncomplete');
    await plot.ungate('web');
    await plot.phase('none');
  });

  it('D2: replacements that fit nowhere are NotEnoughResources', async () => {
    const plot = await Plot.make(get(), 'full', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    // The simulation places the existing Pod; the replacement requests more.
    await plot.misplace('web');
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      reason: 'NotEnoughResources',
      blockedBy: [{ cause: 'Unschedulable' }],
    });
    await toldOn(plot, 'NotEnoughResources');
    await plot.untaint();
    await plot.scale('ReplicaSet', 'web', 1);
    await plot.phase('none');
    await toldOn(plot, undefined);
  });

  it('D3: a Pod that does not end is GenericFailure', async () => {
    const plot = await Plot.make(get(), 'held', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    const [pod] = await plot.pods('web');
    const name = pod?.metadata.name ?? '';
    await plot.holdTermination(name);
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({ reason: 'GenericFailure', pods: { total: 1, gone: 0 } });
    await plot.holdTermination(name, false);
  });

  itWhereThereIs(
    'admission',
    'D3: an eviction that admission denies is GenericFailure, in the words of the denial',
    async () => {
      const plot = await Plot.make(get(), 'denied', 2);
      await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
      const root = '/apis/admissionregistration.k8s.io/v1';
      const resourceRules = [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] },
      ];
      await get().api.create(`${root}/validatingadmissionpolicies`, {
        metadata: { name: 'no-evictions' },
        spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'false', message: 'not at night' }] },
      });
      await get().api.create(`${root}/validatingadmissionpolicybindings`, {
        metadata: { name: 'no-evictions' },
        spec: {
          policyName: 'no-evictions',
          validationActions: ['Deny'],
          matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': plot.namespace } } },
        },
      });
      // A policy takes effect a moment after it was written.
      await eventually(
        async () => {
          const [pod] = await plot.pods('web');
          const name = pod?.metadata.name ?? '';
          const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
          try {
            await get().api.create(`/api/v1/namespaces/${plot.namespace}/pods/${name}/eviction`, eviction, {
              dryRun: 'All',
            });
            return undefined;
          } catch {
            return true;
          }
        },
        { what: 'the policy to be in force' },
      );
      await plot.taint();
      const report = await plot.phase('Rejected');
      expect(report).toMatchObject({ reason: 'GenericFailure', blockedBy: [{ cause: 'EvictionDenied' }] });
      expect(JSON.stringify(report)).toContain('not at night');
    },
  );

  it('tells of a Pod that does not come back by the end of the exit, and awaits it without the slot', async () => {
    const plot = await Plot.make(get(), 'not-back', 2);
    await plot.statefulSet('db', 1, { nodeSelector: { 'kubernetes.io/hostname': plot.home } });
    await plot.ready('db', 1, plot.home);
    await plot.taint();
    await plot.phase('InMaintenance');
    await plot.cordon(plot.home, true);
    await plot.untaint();
    await plot.phase('Exiting');
    expect(await plot.event('MaintenanceExitIncomplete')).toMatchObject({ type: 'Warning' });
    expect(await plot.report()).toMatchObject({ phase: 'Exiting', overdue: true });
    await plot.cordon(plot.home, false);
    await plot.phase('none');
  });
});
