/** Settings that change while a maintenance is under way. */
import { afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import type { Bridge } from '../../harness/program.ts';
import { Bridges } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;

describeScenario('Settings that change during a maintenance', OPTIONS, (get) => {
  const bridges = new Bridges(get, {
    flags: ['--leader-elect=false'],
    env: { POD_NAMESPACE: 'maintenance-bridge' },
  });
  let kubeconfig: string;
  beforeAll(async () => {
    kubeconfig = await grantedKubeconfig(get(), { tmm: { unmanagedPods: 'recreate' }, capi: {} });
  });
  afterEach(removePlots);
  const start = (...flags: readonly string[]): Promise<Bridge> => bridges.start(flags, { kubeconfig }).leads();

  it('the taint: a Node in maintenance stays so until it is removed, and nobody else goes meanwhile', async () => {
    const plot = await Plot.make(get(), 'other-taint', 3);
    const [, second = ''] = plot.nodes;
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1, second);
    const first = await start();
    await plot.taint();
    await plot.phase('InMaintenance');
    await first.end();
    await start('--tmm-preset=vmware');
    expect((await plot.event('TaintNotConfigured')).note).toContain('kubectl taint node other-taint-a drain=');
    await plot.taint(second, 'node.vmware.com/drain=planned-downtime:NoSchedule');
    await plot.phase('Queued', second);
    expect(await plot.condition('Drained')).toBe('True');
    await plot.untaint();
    await plot.phase('none');
    await plot.phase('InMaintenance', second);
  });

  it('what becomes of Pods without a controller: it is told that nobody brings those back that are stored', async () => {
    const plot = await Plot.make(get(), 'no-more-recreate', 2);
    await plot.bare('tool', { nodeName: plot.home });
    await plot.ready('tool', 1);
    const first = await start('--tmm-unmanaged-pods=recreate');
    await plot.taint();
    await plot.phase('InMaintenance');
    await first.end();
    const second = await start();
    expect((await plot.event('PodNotRestored')).note).toContain('stored in namespace maintenance-bridge');
    await plot.untaint();
    await plot.phase('none');
    await second.end();
    await start('--tmm-unmanaged-pods=recreate');
    await plot.ready('tool', 1);
  });
});
