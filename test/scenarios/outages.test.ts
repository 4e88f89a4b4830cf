/** Temporary Maintenance Mode when what it relies on breaks: its leader, the network, the API server. */
import { afterEach, beforeAll, expect, it } from 'vitest';

import { eventually } from '../controlplane/wait.ts';
import { Bridge } from '../support/bridge.ts';
import { Relay, type RelayedRequest } from '../support/relay.ts';
import { Plot, removePlots } from '../support/workloads.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;

const creates = (path: RegExp) => (request: RelayedRequest) => request.method === 'POST' && path.test(request.path);
const EVICTION = creates(/\/eviction$/);

describeScenario('Temporary Maintenance Mode under faults', OPTIONS, (get) => {
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
  const heldUp = (plot: Plot): Promise<true> =>
    eventually(async () => ((await plot.report())?.blockedBy.length ? true : undefined), {
      what: 'the drain to be held up',
      deadlineMs: 30_000,
    });
  /** Two Pods at home of which only one may go: its replacement does not start. */
  const makeHeldUp = async (name: string): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    return plot;
  };

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
