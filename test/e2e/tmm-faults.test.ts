/** Temporary Maintenance Mode when something breaks: the process, its leader, the network, the API server. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeOnControlPlane } from '../controlplane/suite.ts';
import { eventually } from '../controlplane/wait.ts';
import { Bridge } from '../support/bridge.ts';
import { Relay, type RelayedRequest } from '../support/relay.ts';
import { Plot, removePlots } from '../support/workloads.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;

const patches = (path: RegExp) => (request: RelayedRequest) => request.method === 'PATCH' && path.test(request.path);
const creates = (path: RegExp) => (request: RelayedRequest) => request.method === 'POST' && path.test(request.path);
const NODE_STATUS = patches(/^\/api\/v1\/nodes\/[^/]+\/status/);
const NODE = patches(/^\/api\/v1\/nodes\/[^/]+$/);
const POD = patches(/\/pods\/[^/]+$/);
const EVICTION = creates(/\/eviction$/);
const EVENT = creates(/\/events$/);

describeOnControlPlane('Temporary Maintenance Mode under faults', OPTIONS, (get) => {
  const running: Bridge[] = [];
  let relay: Relay;
  beforeAll(async () => {
    relay = await Relay.start(get());
    return () => relay.close();
  });
  afterEach(async () => {
    relay.carriedOut = () => undefined;
    relay.substitute = () => undefined;
    await Promise.all(running.splice(0).map((bridge) => bridge.end('SIGKILL')));
    await removePlots();
  });

  const start = (
    flags: readonly string[] = ['--leader-elect=false'],
    through: 'relay' | 'server' = 'server',
  ): Bridge => {
    const kubeconfig = through === 'relay' ? relay.kubeconfig(get().directory, get().adminToken) : get().kubeconfig;
    const bridge = new Bridge({ kubeconfig, flags: ['--tmm-cordon', ...flags] });
    running.push(bridge);
    return bridge;
  };
  /** Starts a process that is killed as soon as the server has carried out the `nth` request that matches. */
  const startAndKillAfter = (isMeant: (request: RelayedRequest) => boolean, nth: number): Bridge => {
    const bridge = start(undefined, 'relay');
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
  const heldUp = (plot: Plot): Promise<true> =>
    eventually(async () => ((await plot.report())?.blockedBy.length ? true : undefined), {
      what: 'the drain to be held up',
    });
  /** Two Pods at home of which only one may go: its replacement does not start. */
  const makeHeldUp = async (name: string): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    return plot;
  };

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
      expect((await plot.node()).metadata.annotations).not.toHaveProperty('maintenance-bridge.io/tmm-cordoned');
    });
  });

  describe('killed in a rejection and started again', () => {
    const told = (plot: Plot, count: number): Promise<true> =>
      eventually(
        async () =>
          (await plot.pods()).filter(({ metadata }) => metadata.annotations?.['emm-failure']).length === count
            ? true
            : undefined,
        { what: `${count} Pods to be told` },
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

  it('goes on by another replica when the leader is killed, and stops only one at a time', async () => {
    const plot = await makeHeldUp('leader');
    const leader = await start([]).leads();
    const standby = start([]);
    await standby.logged(({ msg }) => msg === 'Starting', 'the standby to start');
    await plot.taint();
    await heldUp(plot);
    expect(standby.lines.some(({ runnable }) => runnable === 'tmm')).toBe(false);
    await leader.end('SIGKILL');
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance', plot.home, 40_000);
    // Asked politely, it gives the Lease back and leaves with 0: a third one need not wait for it to expire.
    expect(await standby.end('SIGTERM')).toBe(0);
    const startedAt = performance.now();
    await start([]).leads();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('goes on when the API server was restarted in the middle', async () => {
    const plot = await makeHeldUp('restart');
    const bridge = start();
    await plot.taint();
    await heldUp(plot);
    await get().killApiServer();
    await get().startApiServer();
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance', plot.home, 60_000);
    expect(bridge.isRunning()).toBe(true);
  });

  it('goes on when its watches are cut, and without a list', async () => {
    const plot = await makeHeldUp('cut');
    await start(undefined, 'relay').leads();
    await plot.taint();
    await heldUp(plot);
    const before = relay.requests.length;
    expect(relay.cutWatches()).toBeGreaterThanOrEqual(5);
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance');
    const lists = relay.requests
      .slice(before)
      .filter(({ method, isWatch, path }) => method === 'GET' && !isWatch && /limit=/.test(path));
    expect(lists).toEqual([]);
  });

  it('lists again when the server has forgotten the version it watched from', async () => {
    const plot = await makeHeldUp('expired');
    await start(undefined, 'relay').leads();
    await plot.taint();
    await heldUp(plot);
    const answered = new Set<string>();
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Expired',
      code: 410,
      message: 'too old resource version',
    };
    relay.substitute = ({ isWatch, path }) => {
      const resource = path.split('?')[0] ?? '';
      if (!isWatch || answered.has(resource)) return undefined;
      answered.add(resource);
      return { code: 410, body: status };
    };
    relay.cutWatches();
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance');
    expect(answered.size).toBeGreaterThanOrEqual(5);
  });

  it('waits as long as a throttling server asks, and evicts then', async () => {
    const plot = await Plot.make(get(), 'throttled', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    let refusals = 0;
    relay.substitute = (request) => {
      if (!EVICTION(request) || !request.path.includes(plot.namespace) || refusals > 0) return undefined;
      refusals += 1;
      const body = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'TooManyRequests',
        code: 429,
        message: 'slow down',
      };
      return { code: 429, body, headers: { 'retry-after': '1' } };
    };
    await start(undefined, 'relay').leads();
    const taintedAt = performance.now();
    await plot.taint();
    await plot.phase('InMaintenance');
    expect(performance.now() - taintedAt).toBeGreaterThan(1000);
    expect(relay.requests.filter(EVICTION).filter(({ path }) => path.includes(plot.namespace))).toHaveLength(2);
  });

  it('writes nothing in a dry run', async () => {
    const plot = await Plot.make(get(), 'dry', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    const before = relay.requests.length;
    const bridge = await start(['--dry-run'], 'relay').leads();
    await plot.taint();
    await bridge.logged(({ msg }) => msg === 'Would evict', 'what it would evict');
    await bridge.logged(
      ({ msg, action }) => msg === 'Would apply' && action === 'patchNodeStatus',
      'what it would write',
    );
    expect(relay.requests.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await plot.report()).toBeUndefined();
  });
});
