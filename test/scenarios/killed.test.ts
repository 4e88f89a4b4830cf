/** Temporary Maintenance Mode when its process is killed after a write, whichever, and started again. */
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../controlplane/wait.ts';
import { asks, Bridges, killed } from '../support/bridges.ts';
import { Plot, removePlots } from '../support/workloads.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;

const NODE_STATUS = asks('PATCH', /^\/api\/v1\/nodes\/[^/]+\/status/);
const NODE = asks('PATCH', /^\/api\/v1\/nodes\/[^/]+$/);
const POD = asks('PATCH', /\/pods\/[^/]+$/);
const EVICTION = asks('POST', /\/eviction$/);
const EVENT = asks('POST', /\/events$/);

describeScenario('Temporary Maintenance Mode killed in the middle', OPTIONS, (get) => {
  // Runs last: the hooks that come after a test run in reverse order.
  afterEach(removePlots);
  const bridges = new Bridges(get, { flags: ['--tmm-cordon', '--leader-elect=false'] });
  const acceptedEvictions = async (plot: Plot): Promise<string[]> =>
    (await get().auditEvents())
      .filter(
        ({ objectRef, responseStatus }) =>
          objectRef?.subresource === 'eviction' &&
          objectRef.namespace === plot.namespace &&
          responseStatus?.code === 201,
      )
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
