/** Pods of Jobs that an eviction would fail permanently (`tmm.finalJobs`). */
import { afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import type { Bridge } from '../../harness/program.ts';
import { Bridges } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, GROUND } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, jobsRun: true } as const;

describeScenario('Jobs', OPTIONS, (get) => {
  const bridges = new Bridges(get, { flags: ['--leader-elect=false'] });
  let kubeconfig: string;
  beforeAll(async () => {
    kubeconfig = await grantedKubeconfig(get());
  });
  afterEach(removePlots);
  const start = (...flags: readonly string[]): Promise<Bridge> => bridges.start(flags, { kubeconfig }).leads();
  const uids = async (plot: Plot, app: string): Promise<readonly string[]> =>
    (await plot.on(plot.home, app)).map(({ metadata }) => metadata.uid).sort();
  /** A plot with the Job `migrate`, whose Pods run at home. */
  const makeJob = async (name: string, spec: object): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    const pods = 'parallelism' in spec ? Number(spec.parallelism) : 1;
    await plot.runAtHome(() => plot.job('migrate', spec), 'migrate', pods);
    return plot;
  };
  /** In addition, a ReplicaSet `web`. */
  const make = async (name: string, spec: object): Promise<Plot> => {
    const plot = await makeJob(name, spec);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    return plot;
  };
  const isElsewhere = (plot: Plot, app: string): Promise<unknown> => plot.ready(app, 1, plot.nodes[1]);

  it('without a try left reject a request before anything moves; the advice lets the next one through', async () => {
    const plot = await make('last-try', { backoffLimit: 0 });
    const before = [await uids(plot, 'migrate'), await uids(plot, 'web')];
    await start();
    await plot.taint();
    const report = await plot.phase('Rejected');
    expect(report).toMatchObject({
      reason: 'GenericFailure',
      pods: { gone: 0 },
      blockedBy: [{ cause: 'JobWouldFail' }],
    });
    expect([await uids(plot, 'migrate'), await uids(plot, 'web')]).toEqual(before);

    const [, command = ''] =
      /kubectl (.*); then/.exec(report === 'none' ? '' : (report.blockedBy[0]?.remedy ?? '')) ?? [];
    await plot.kubectl(...command.replaceAll("'", '').split(' '));
    await plot.untaint();
    await plot.phase('none');
    await plot.taint();
    await plot.phase('InMaintenance');
    await isElsewhere(plot, 'migrate');
    expect(await plot.jobConditions('migrate')).toEqual([]);
  });

  it('with one try for two Pods reject it too', async () => {
    const plot = await makeJob('one-for-two', { backoffLimit: 1, parallelism: 2, completions: 2 });
    await start();
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      blockedBy: [{ cause: 'JobWouldFail' }, { cause: 'JobWouldFail' }],
    });
  });

  it('that ignore disruptions are evicted, and go on elsewhere', async () => {
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
    const plot = await makeJob('ignoring', { backoffLimit: 0, podFailurePolicy: { rules } });
    await start();
    const [pod] = await plot.on(plot.home, 'migrate');
    const name = pod?.metadata.name ?? '';
    await plot.taint();
    await eventually(async () => ((await plot.on(plot.home, 'migrate')).length === 0 ? true : undefined), {
      what: 'the Pod to be evicted',
    });
    // The status that a kubelet reports for a stopped Pod; kwok does not, and such a Job waits for it. On the sandbox the Pod is gone.
    if (GROUND === 'controlplane') await plot.endPod(name, 'Failed');
    await plot.phase('InMaintenance');
    await isElsewhere(plot, 'migrate');
    expect(await plot.jobConditions('migrate')).toEqual([]);
  });

  it('are waited for with `finalJobs: wait`, while everything else leaves', async () => {
    const plot = await make('waited-for', { backoffLimit: 0 });
    await start('--tmm-final-jobs=wait');
    await plot.taint();
    await isElsewhere(plot, 'web');
    const report = await eventually(
      async () => {
        const found = await plot.report();
        return found?.pods.gone === 1 && found.blockedBy.length > 0 ? found : undefined;
      },
      { what: 'all but the Pod of the Job to leave' },
    );
    expect(report).toMatchObject({ phase: 'Draining', blockedBy: [{ cause: 'WaitsForCompletion' }] });
    const [pod] = await plot.on(plot.home, 'migrate');
    await plot.endPod(pod?.metadata.name ?? '');
    await plot.phase('InMaintenance');
    await eventually(async () => ((await plot.jobConditions('migrate')).includes('Complete') ? true : undefined), {
      what: 'the Job to complete',
    });
  });

  it('are judged at the deadline where their Pods do not end, and are not evicted then either', async () => {
    // No other Pod that might still be there by then.
    const plot = await makeJob('endless', { backoffLimit: 0 });
    await start('--tmm-final-jobs=wait', '--tmm-drain-timeout=4s');
    const before = await uids(plot, 'migrate');
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      reason: 'GenericFailure',
      blockedBy: [{ cause: 'WaitsForCompletion' }],
    });
    expect(await uids(plot, 'migrate')).toEqual(before);
    expect(await plot.jobConditions('migrate')).toEqual([]);
  });

  it('are evicted with `finalJobs: evict`, whatever becomes of them', async () => {
    const plot = await makeJob('evicted', { backoffLimit: 0 });
    await start('--tmm-final-jobs=evict');
    await plot.taint();
    await plot.phase('InMaintenance');
    // The sandbox counts no Pod as failed that was deleted while it ran.
    if (GROUND === 'controlplane') {
      await eventually(async () => ((await plot.jobConditions('migrate')).includes('Failed') ? true : undefined), {
        what: 'the Job to fail',
      });
    }
  });
});
