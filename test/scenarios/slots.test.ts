/** Several Nodes that are drained at once (`tmm.maxConcurrentNodes` above 1): all of them are judged by the same shared state. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { addMembers, watchMembers } from './members.ts';
import { describeScenario } from './suite.ts';

describeScenario('Several Nodes at once', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-max-concurrent-nodes=3'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const of = (cpu: string) => ({
    containers: [{ name: 'main', image: 'registry.invalid/main', resources: { requests: { cpu } } }],
  });

  it('go together where nothing binds them', async () => {
    const plot = await Plot.make(get(), 'together', 4);
    const [first = '', second = ''] = plot.nodes;
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    await plot.runAtHome(() => plot.deployment('api', 1), 'api', 1, second);
    await plot.taint(first);
    await plot.phase('Draining', first);
    await plot.taint(second);
    expect(await plot.phase('InMaintenance', second)).toMatchObject({ pods: { total: 1, gone: 1 } });
    expect(await plot.report(first)).toMatchObject({ phase: 'Draining' });
  });

  it('are not entered while other tools have them in hand', async () => {
    const plot = await Plot.make(get(), 'hands');
    const { home, namespace } = plot;
    const { api } = get();
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const lock = (value: string | null) =>
      api.patch(
        `/apis/apps/v1/namespaces/${namespace}/daemonsets/kured`,
        { metadata: { annotations: { 'weave.works/kured-node-lock': value } } },
        'merge',
      );
    const waitsFor = (...tools: readonly string[]) =>
      eventually(
        async () => {
          const { phase, message } = (await plot.report()) ?? {};
          const wanted = `Waiting for ${tools.join(' and ')}, which ${tools.length === 1 ? 'has' : 'have'} this Node in hand`;
          return phase === 'Queued' && message === wanted ? true : undefined;
        },
        { what: `the Node to wait for ${tools.join(' and ')}`, deadlineMs: 30_000 },
      );
    const [drained, locked, upgraded] = [
      'node-maintenance-operator (taint medik8s.io/drain:NoSchedule)',
      'kured (lock of DaemonSet hands/kured)',
      'system-upgrade-controller (Job hands/upgrade of plan agents)',
    ];
    // On the Node itself, so that the bridge cannot receive our taint first.
    await plot.taint(home, 'medik8s.io/drain:NoSchedule');
    await plot.taint();
    await waitsFor(drained);
    await plot.daemonSet('kured', { nodeSelector: { none: 'none' } });
    await lock(JSON.stringify({ nodeID: home }));
    await waitsFor(drained, locked);
    await api.create(jobs, {
      metadata: { name: 'upgrade', labels: { 'upgrade.cattle.io/plan': 'agents', 'upgrade.cattle.io/node': home } },
      spec: { suspend: true, template: plot.template('upgrade', { restartPolicy: 'Never' }) },
    });
    await waitsFor(drained, locked, upgraded);
    await plot.untaint(home, 'medik8s.io/drain:NoSchedule-');
    await waitsFor(locked, upgraded);
    await api.delete(`${jobs}/upgrade`);
    await waitsFor(locked);
    await lock(null);
    await plot.phase('InMaintenance');
  });

  it('keep the majority of a StatefulSet without a budget among themselves', async () => {
    const plot = await Plot.make(get(), 'majority', 6);
    const homes = await addMembers(plot);
    const members = watchMembers(plot);
    await Promise.all(homes.map((home) => plot.taint(home)));
    for (const home of homes) await plot.phase('InMaintenance', home);
    expect((await plot.ready('db', 3)).filter(({ spec }) => homes.includes(spec.nodeName ?? ''))).toEqual([]);
    expect(await members.stop()).toBeGreaterThanOrEqual(2);
  });

  it('do not count the same room twice', async () => {
    const plot = await Plot.make(get(), 'room', 3);
    const [first = '', second = ''] = plot.nodes;
    await plot.runAtHome(() => plot.replicaSet('web', 2, of('10')), 'web', 2);
    await plot.runAtHome(() => plot.deployment('big', 1, of('26')), 'big', 1, second);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    await plot.taint(first);
    // One has left and waits at its gate, which takes no room yet; the other has yet to move to the third Node.
    await eventually(async () => ((await plot.report(first))?.pods.gone === 1 ? true : undefined), {
      what: 'the first Pod to have gone',
      deadlineMs: 30_000,
    });
    await plot.taint(second);
    const report = await plot.phase('Rejected', second);
    expect(report).toMatchObject({ reason: 'NotEnoughResources', blockedBy: [{ cause: 'NoRoom' }] });
    expect(JSON.stringify(report)).toContain(`being drained (${first})`);
    expect(await plot.report(first)).toMatchObject({ phase: 'Draining' });
  });
});
