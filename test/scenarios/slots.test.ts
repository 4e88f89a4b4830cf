/** Several Nodes that are drained at once (`tmm.maxConcurrentNodes` above 1): what each is judged by is shared by all. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../controlplane/wait.ts';
import { Bridge } from '../support/bridge.ts';
import { grantedKubeconfig } from '../support/rights.ts';
import { Plot, removePlots } from '../support/workloads.ts';
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
    // One has gone and waits at its gate, which takes no room yet; the other has still to go to the third Node.
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
