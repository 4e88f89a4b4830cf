/** Temporary Maintenance Mode during failures of the leader, the network and the API server. */
import { afterEach, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { asks, Bridges } from '../../harness/programs.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;

const EVICTION = asks('POST', /\/eviction$/);
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/default/leases/maintenance-bridge';

describeScenario('Temporary Maintenance Mode under faults', OPTIONS, (get) => {
  // Runs last: hooks after a test run in reverse order.
  afterEach(removePlots);
  const bridges = new Bridges(get, { flags: ['--tmm-cordon=always'] });
  const ALONE = ['--leader-elect=false'];
  const heldUp = (plot: Plot): Promise<true> =>
    eventually(async () => ((await plot.report())?.blockedBy.length ? true : undefined), {
      what: 'the drain to be held up',
      deadlineMs: 30_000,
    });
  /** Two Pods at home of which only one may be evicted: its replacement does not start. */
  const makeHeldUp = async (name: string): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    return plot;
  };

  it('goes on by another replica when the leader is killed, and stops only one at a time', async () => {
    const plot = await makeHeldUp('leader');
    const leader = await bridges.start().leads();
    const standby = bridges.start();
    await standby.logged(({ msg }) => msg === 'Starting', 'the standby to start');
    await plot.taint();
    await heldUp(plot);
    expect(standby.lines.some(({ runnable }) => runnable === 'tmm')).toBe(false);
    await leader.end('SIGKILL');
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance', plot.home, 40_000);
    // After SIGTERM, it releases the Lease and exits with 0: a third process need not wait until the Lease expires.
    expect(await standby.end('SIGTERM')).toBe(0);
    const { spec } = await get().api.get<{ spec: { holderIdentity?: string } }>(LEASE);
    expect(spec.holderIdentity ?? '').toBe('');
    await bridges.start().leads();
  });

  it('goes on when the API server was restarted in the middle', async () => {
    const plot = await makeHeldUp('restart');
    const bridge = bridges.start(ALONE);
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
    await bridges.startBehindRelay(ALONE).leads();
    await plot.taint();
    await heldUp(plot);
    const before = bridges.relay.requests.length;
    expect(bridges.relay.cutWatches()).toBeGreaterThanOrEqual(5);
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance');
    const lists = bridges.relay.requests
      .slice(before)
      .filter(({ method, isWatch, path }) => method === 'GET' && !isWatch && /limit=/.test(path));
    expect(lists).toEqual([]);
  });

  it('lists again when the server has forgotten the version it watched from', async () => {
    const plot = await makeHeldUp('expired');
    await bridges.startBehindRelay(ALONE).leads();
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
    bridges.relay.substitute = ({ isWatch, path }) => {
      const resource = path.split('?')[0] ?? '';
      if (!isWatch || answered.has(resource)) return undefined;
      answered.add(resource);
      return { code: 410, body: status };
    };
    bridges.relay.cutWatches();
    await plot.editBudget('web', { maxUnavailable: 2 });
    await plot.phase('InMaintenance');
    // The drain needs two or three of them; the others may still be in flight.
    await eventually(() => (answered.size >= 5 ? true : undefined), {
      what: 'all watches to be refused',
      deadlineMs: 30_000,
    });
  });

  it('waits as long as a throttling server asks, and evicts then', async () => {
    const plot = await Plot.make(get(), 'throttled', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    let refusals = 0;
    bridges.relay.substitute = (request) => {
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
    await bridges.startBehindRelay(ALONE).leads();
    const taintedAt = performance.now();
    await plot.taint();
    await plot.phase('InMaintenance');
    expect(performance.now() - taintedAt).toBeGreaterThan(1000);
    expect(bridges.relay.requests.filter(EVICTION).filter(({ path }) => path.includes(plot.namespace))).toHaveLength(2);
  });

  it('writes nothing in a dry run', async () => {
    const plot = await Plot.make(get(), 'dry', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    const before = bridges.relay.requests.length;
    const bridge = await bridges.startBehindRelay(['--dry-run']).leads();
    await plot.taint();
    await bridge.logged(({ msg }) => msg === 'Would evict', 'what it would evict');
    await bridge.logged(
      ({ msg, action }) => msg === 'Would apply' && action === 'patchNodeStatus',
      'what it would write',
    );
    expect(bridges.relay.requests.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await plot.report()).toBeUndefined();
  });
});
