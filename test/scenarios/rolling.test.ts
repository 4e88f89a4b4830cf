/** Rolling maintenance: many Nodes one after another, and many requests at once. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { addMembers, watchMembers } from './members.ts';
import { describeScenario } from './suite.ts';

describeScenario('Rolling maintenance', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--tmm-admission-timeout=5s', '--tmm-exit-timeout=20s'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const eventsOn = async (plot: Plot): Promise<string[]> =>
    (await Promise.all(plot.nodes.map((node) => plot.events(node)))).flat().map(({ reason }) => reason);

  it('takes ten Nodes down one after another, each in the moment in which the last comes back', async () => {
    const plot = await Plot.make(get(), 'rolling', 10);
    await addMembers(plot);
    await plot.budget('db', { maxUnavailable: 1 });
    await plot.deployment('web', 20);
    await plot.ready('web', 20);
    const members = watchMembers(plot);
    let previous: string | undefined;
    for (const name of plot.nodes) {
      await Promise.all([plot.taint(name), previous === undefined ? undefined : plot.untaint(previous)]);
      await plot.phase('InMaintenance', name);
      previous = name;
    }
    await plot.untaint(previous);
    await plot.phase('none', previous);
    await plot.ready('db', 3);
    await plot.ready('web', 20);
    expect(await members.stop()).toBeGreaterThanOrEqual(2);
    const reasons = await eventsOn(plot);
    expect(reasons).not.toContain('MaintenanceRejected');
    expect(reasons.filter((reason) => reason === 'NodeDrained')).toHaveLength(10);
  });

  it('lets Nodes that are tainted at once go one at a time, in the order in which they asked, and keeps the majority', async () => {
    const plot = await Plot.make(get(), 'at-once', 5);
    // Without a budget only the majority rule protects it.
    const homes = await addMembers(plot);
    const members = watchMembers(plot);
    // A Node without related Pods does not have to wait.
    await plot.kubectl('taint', 'node', ...homes, 'drain=planned-downtime:NoSchedule');
    const done: string[] = [];
    while (done.length < 3) {
      const name = await eventually(
        async () => {
          const reports = await Promise.all(homes.map(async (node) => ({ node, report: await plot.report(node) })));
          const active = reports.filter(
            ({ report }) => report?.phase === 'Draining' || report?.phase === 'InMaintenance',
          );
          expect(active.length).toBeLessThanOrEqual(1);
          return reports.find(({ node, report }) => !done.includes(node) && report?.phase === 'InMaintenance')?.node;
        },
        { what: 'the next Node to be drained', deadlineMs: 30_000 },
      );
      done.push(name);
      await plot.untaint(name);
    }
    await plot.ready('db', 3);
    expect(await members.stop()).toBeGreaterThanOrEqual(2);
    const reasons = await eventsOn(plot);
    expect(reasons).not.toContain('MaintenanceRejected');
    expect(reasons).toContain('MaintenanceQueued');
  });

  it('is foreseen by `plan`: the fate of each Pod, the verdict, the order, and the exit code', async () => {
    const plot = await Plot.make(get(), 'planned', 4);
    const members = await addMembers(plot);
    const good = await command(['plan', ...members, '--kubeconfig', get().kubeconfig, '-o', 'json']);
    expect(good.code).toBe(0);
    const { nodes, batches } = JSON.parse(good.out);
    expect(nodes.map(({ verdict }: { verdict: string }) => verdict)).toEqual(['Proceed', 'Proceed', 'Proceed']);
    // Any two of them at once would break the majority.
    expect(batches).toEqual(members.map((name) => [name]));

    await plot.budget('db', { maxUnavailable: 0 });
    const bad = await command(['plan', members[0] ?? '', '--kubeconfig', get().kubeconfig]);
    expect(bad.code).toBe(3);
    expect(bad.out).toContain(`Node ${members[0]}: would be rejected (TooManyExistingFailures)`);
    expect(bad.out).toMatch(/planned\/db-\d +Blocks/);
    expect(await plot.report(members[0])).toBeUndefined();
  });

  it('rejects where a majority without a budget would be lost', async () => {
    const plot = await Plot.make(get(), 'majority', 2);
    await plot.runAtHome(() => plot.statefulSet('db', 3), 'db', 3);
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      reason: 'TooManyExistingFailures',
      blockedBy: [{ cause: 'QuorumAtRisk' }, {}, {}],
    });
    await plot.untaint();
    await plot.phase('none');
  });
});
