/** A leader that was suspended for longer than its Lease lasts (a paused machine, SIGSTOP): when it resumes, another process leads. */
import { afterEach, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridges } from '../../harness/programs.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/default/leases/maintenance-bridge';
const IS_LEASE = /\/leases(\/|$)/;

describeOnControlPlane('A suspended leader', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  const bridges = new Bridges(get, {
    flags: ['--leader-elect-lease-duration=6s', '--leader-elect-renew-deadline=4s', '--leader-elect-retry-period=1s'],
  });
  afterEach(removePlots);

  it('writes nothing when it wakes up after another has taken over', async () => {
    const { relay } = bridges;
    const plot = await Plot.make(get(), 'suspended', 2);
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    const isOnNode = ({ method, path }: { method: string; path: string }): boolean =>
      method === 'PATCH' && path.includes(`/nodes/${plot.home}`);
    // Its first write is due for a retry, and the suspension comes before it.
    relay.substitute = (request) =>
      isOnNode(request)
        ? { code: 429, body: { kind: 'Status', message: 'later' }, headers: { 'retry-after': '3' } }
        : undefined;
    const first = await bridges.startBehindRelay().leads();
    await plot.taint();
    await eventually(() => relay.requests.find(isOnNode), { what: 'the first write on the Node' });
    first.signal('SIGSTOP');
    const second = await bridges.start().leads(60_000);
    await plot.phase('InMaintenance');
    expect(await get().api.get(LEASE)).toMatchObject({ spec: { leaseDurationSeconds: 6 } });
    relay.substitute = () => undefined;
    const seen = relay.requests.length;
    first.signal('SIGCONT');
    await eventually(() => (first.isRunning() ? undefined : true), { what: 'the first leader to give up' });
    const writes = relay.requests.slice(seen).filter(({ method, path }) => method !== 'GET' && !IS_LEASE.test(path));
    expect(writes).toEqual([]);
    expect(second.isRunning()).toBe(true);
  });
});
