/** Temporary Maintenance Mode if its process is killed after any write and started again. */
import { afterEach, describe, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { eventually } from '../../harness/wait.ts';
import type { Report } from '../../src/tmm/model/report.ts';
import { apart } from './members.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;

const NODE_STATUS = asks('PATCH', /^\/api\/v1\/nodes\/[^/]+\/status/);
const NODE = asks('PATCH', /^\/api\/v1\/nodes\/[^/]+$/);
const POD = asks('PATCH', /\/pods\/[^/]+$/);
const EVICTION = asks('POST', /\/eviction$/);
const EVENT = asks('POST', /\/events$/);

describeScenario('Temporary Maintenance Mode killed in the middle', OPTIONS, (get) => {
  // Runs last: hooks after a test run in reverse order.
  afterEach(removePlots);
  const bridges = new Bridges(get, { flags: ['--tmm-cordon=always', '--leader-elect=false'] });
  const acceptedEvictions = async (plot: Plot): Promise<string[]> =>
    (await plot.evictions())
      .filter(({ responseStatus }) => responseStatus?.code === 201)
      .map(({ objectRef }) => objectRef?.name ?? '');

  describe('killed in a drain and started again', () => {
    it.each([
      { name: 'kill-cordon', after: 'the cordon', isMeant: NODE, nth: 1 },
      { name: 'kill-admitted', after: 'the phase Draining', isMeant: NODE_STATUS, nth: 1 },
      { name: 'kill-evict-1', after: 'the first eviction', isMeant: EVICTION, nth: 1 },
      { name: 'kill-evict-2', after: 'the second eviction', isMeant: EVICTION, nth: 2 },
      { name: 'kill-event', after: 'the first Event', isMeant: EVENT, nth: 1 },
      { name: 'kill-drained', after: 'the Event of the end', isMeant: EVENT, nth: 2 },
    ])('after $after: the same end state', async ({ name, isMeant, nth }) => {
      const plot = await Plot.make(get(), name, 2);
      await plot.runAtHome(() => plot.deployment('web', 3), 'web', 3);
      await plot.budget('web', { maxUnavailable: 1 });
      const before = (await plot.pods('web')).map(({ metadata }) => metadata.name);
      const first = bridges.startAndKillAfter(isMeant, nth);
      await plot.taint();
      await killed(first);

      bridges.start();
      const report = await plot.phase('InMaintenance');
      expect(report).toMatchObject({ pods: { total: 3, gone: 3 } });
      expect((await plot.node()).spec.unschedulable).toBe(true);
      expect((await acceptedEvictions(plot)).sort()).toEqual(before.sort());
      await plot.ready('web', 3, plot.nodes[1]);
      await plot.untaint();
      await plot.phase('none');
      expect((await plot.node()).spec.unschedulable ?? false).toBe(false);
      expect((await plot.node()).metadata.annotations ?? {}).not.toHaveProperty('maintenance-bridge.io/tmm-cordoned');
    });
  });

  describe('killed in an exit that is late and started again', () => {
    it.each([
      { name: 'kill-exiting', after: 'the phase Exiting', isMeant: ({ phase }: Report) => phase === 'Exiting' },
      {
        name: 'kill-overdue',
        after: 'the report said that it is overdue',
        isMeant: ({ overdue }: Report) => overdue === true,
      },
    ])(
      'after $after: keeps the report until the members are back, and those that wait behind it waiting',
      async ({ name, after, isMeant }) => {
        const plot = await Plot.make(get(), name, 3);
        await plot.replicaSet('web', 2, apart('web'));
        const [a = '', b = ''] = (await plot.ready('web', 2)).map(({ spec }) => spec.nodeName);
        await plot.gate('web');
        const late = ['--tmm-exit-timeout=2s'];
        const first = bridges.start(late);
        await plot.taint(a);
        await plot.phase('InMaintenance', a);
        await first.end('SIGKILL');
        const second = bridges.start(late);
        await Promise.all([plot.untaint(a), plot.taint(b)]);
        // Selected by content: the number of writes before it depends on the timing of the watches.
        const isWritten = async (): Promise<true | undefined> => {
          const report = await plot.report(a);
          return report !== undefined && isMeant(report) ? true : undefined;
        };
        await eventually(isWritten, { what: after, deadlineMs: 30_000 });
        await second.end('SIGKILL');
        bridges.start(late);
        await plot.phase('Queued', b);
        await eventually(async () => (await plot.report(a))?.overdue, {
          what: 'the exit to be late',
          deadlineMs: 30_000,
        });
        expect(await plot.report(b)).toMatchObject({ phase: 'Queued' });
        await plot.ungate('web');
        await plot.phase('none', a);
        await plot.phase('InMaintenance', b);
      },
    );
  });

  it('killed again and again while a Pod comes back: the count of its returns goes on', async () => {
    const plot = await Plot.make(get(), 'kill-returns', 2);
    await plot.deployment('web', 1, { nodeName: plot.home });
    await plot.ready('web', 1, plot.home);
    let running = bridges.start();
    await plot.taint();
    const count = async () => (await plot.report())?.returns?.[0]?.count ?? 0;
    await eventually(async () => ((await count()) >= 2 ? true : undefined), {
      what: 'two returns',
      deadlineMs: 30_000,
    });
    for (const _ of [1, 2, 3]) {
      await running.end('SIGKILL');
      running = bridges.start();
      await running.leads();
    }
    const startedMs = performance.now();
    await eventually(
      async () => {
        expect(await plot.report()).toMatchObject({ phase: 'Draining', blockedBy: [{ cause: 'ComesBack' }] });
        return performance.now() - startedMs > 3000 ? true : undefined;
      },
      { what: 'three seconds of patience' },
    );
    expect(await count()).toBeGreaterThanOrEqual(2);
    expect((await acceptedEvictions(plot)).length).toBeLessThanOrEqual(5);
    expect((await plot.events()).map(({ reason }) => reason)).not.toContain('NodeDrained');
  });

  describe('killed in a rejection and started again', () => {
    const told = (plot: Plot, count: number): Promise<true> =>
      eventually(
        async () =>
          (await plot.pods()).filter(({ metadata }) => metadata.annotations?.['emm-failure']).length === count
            ? true
            : undefined,
        { what: `${count} Pods to be told`, deadlineMs: 30_000 },
      );
    const makeRejected = async (name: string): Promise<Plot> => {
      const plot = await Plot.make(get(), name, 2);
      await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
      await plot.bare('bare', { nodeName: plot.home });
      await plot.ready('bare', 1);
      return plot;
    };

    it.each([
      { name: 'kill-rejected', after: 'the phase Rejected', isMeant: NODE_STATUS, nth: 1 },
      { name: 'kill-told', after: 'the first Pod was told', isMeant: POD, nth: 1 },
    ])('after $after: every Pod is told, and nothing is left when the taint goes', async ({ name, isMeant, nth }) => {
      const plot = await makeRejected(name);
      const first = bridges.startAndKillAfter(isMeant, nth);
      await plot.taint();
      await killed(first);
      bridges.start();
      await told(plot, 3);
      await plot.untaint();
      await plot.phase('none');
      await told(plot, 0);
      expect(await acceptedEvictions(plot)).toEqual([]);
    });

    it.each([
      { name: 'kill-cleaned', after: 'the first Pod was cleaned', isMeant: POD, nth: 1 },
      { name: 'kill-ended', after: 'the report was removed', isMeant: NODE_STATUS, nth: 1 },
    ])('after $after: nothing is left', async ({ name, isMeant, nth }) => {
      const plot = await makeRejected(name);
      const first = bridges.start();
      await plot.taint();
      await told(plot, 3);
      await first.end('SIGKILL');
      const second = bridges.startAndKillAfter(isMeant, nth);
      await plot.untaint();
      await killed(second);
      bridges.start();
      await plot.phase('none');
      await told(plot, 0);
    });

    it('cleans up at its start where the taint went while nobody ran', async () => {
      const plot = await makeRejected('gone-meanwhile');
      const first = bridges.start();
      await plot.taint();
      await told(plot, 3);
      await first.end('SIGKILL');
      await plot.untaint();
      bridges.start();
      await plot.phase('none');
      await told(plot, 0);
    });
  });
});
