/** Temporary Maintenance Mode when its process is killed after a write, whichever, and started again. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../controlplane/wait.ts';
import { Bridge } from '../support/bridge.ts';
import { Relay, type RelayedRequest } from '../support/relay.ts';
import { Plot, removePlots } from '../support/workloads.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;

const patches = (path: RegExp) => (request: RelayedRequest) => request.method === 'PATCH' && path.test(request.path);
const creates = (path: RegExp) => (request: RelayedRequest) => request.method === 'POST' && path.test(request.path);
const NODE_STATUS = patches(/^\/api\/v1\/nodes\/[^/]+\/status/);
const NODE = patches(/^\/api\/v1\/nodes\/[^/]+$/);
const POD = patches(/\/pods\/[^/]+$/);
const EVICTION = creates(/\/eviction$/);
const EVENT = creates(/\/events$/);

describeScenario('Temporary Maintenance Mode killed in the middle', OPTIONS, (get) => {
  const running: Bridge[] = [];
  let relay: Relay;
  beforeAll(async () => {
    relay = await Relay.start(get());
    return () => relay.close();
  });
  afterEach(async () => {
    relay.carriedOut = () => undefined;
    await Promise.all(running.splice(0).map((bridge) => bridge.end('SIGKILL')));
    await removePlots();
  });

  const start = (through: 'relay' | 'server' = 'server'): Bridge => {
    const kubeconfig = through === 'relay' ? relay.kubeconfig(get().directory, get().adminToken) : get().kubeconfig;
    const bridge = new Bridge({ kubeconfig, flags: ['--tmm-cordon', '--leader-elect=false'] });
    running.push(bridge);
    return bridge;
  };
  /** Starts a process that is killed as soon as the server has carried out the `nth` request that matches. */
  const startAndKillAfter = (isMeant: (request: RelayedRequest) => boolean, nth: number): Bridge => {
    const bridge = start('relay');
    let seen = 0;
    relay.carriedOut = (request) => {
      if (isMeant(request) && ++seen === nth) void bridge.end('SIGKILL');
    };
    return bridge;
  };
  const killed = (bridge: Bridge): Promise<true> =>
    eventually(() => (bridge.isRunning() ? undefined : true), { what: 'the process to be killed', deadlineMs: 30_000 });
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
      const first = startAndKillAfter(isMeant, nth);
      await plot.taint();
      await killed(first);

      start();
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
      const first = startAndKillAfter(isMeant, nth);
      await plot.taint();
      await killed(first);
      start();
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
      const first = start();
      await plot.taint();
      await told(plot, 3);
      await first.end('SIGKILL');
      const second = startAndKillAfter(isMeant, nth);
      await plot.untaint();
      await killed(second);
      start();
      await plot.phase('none');
      await told(plot, 0);
    });

    it('cleans up at its start where the taint went while nobody ran', async () => {
      const plot = await makeRejected('gone-meanwhile');
      const first = start();
      await plot.taint();
      await told(plot, 3);
      await first.end('SIGKILL');
      await plot.untaint();
      start();
      await plot.phase('none');
      await told(plot, 0);
    });
  });
});
