/** `enter`, `exit` and `wait` as a user runs them: each exit code, and the output. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command, Running } from '../../harness/program.ts';
import { Bridges } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const TAINT = 'drain=planned-downtime:NoSchedule';
/** A Lease that has not been renewed for half of its duration is reported. */
const SHORT_LEASE = [
  '--leader-elect-lease-duration=6s',
  '--leader-elect-renew-deadline=4s',
  '--leader-elect-retry-period=1s',
];

describeScenario('enter, exit and wait', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    bridge = await new Bridge({
      kubeconfig: await grantedKubeconfig(get()),
      flags: ['--leader-election-namespace=maintenance-bridge', '--tmm-max-concurrent-nodes=3'],
    }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  const run = (...args: readonly string[]) => command([...args, '--kubeconfig', get().kubeconfig]);
  /** A Pod that nothing would create again: the request is rejected. */
  const rejecting = async (name: string): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    await plot.bare('alone', { nodeName: plot.home });
    await plot.ready('alone', 1);
    return plot;
  };

  it('0: enters several Nodes by label, waits for the drain, and leaves them until the end', async () => {
    const plot = await Plot.make(get(), 'both', 3);
    await plot.runOn(['both-a', 'both-b'], () => plot.deployment('web', 2), 'web', 2);
    const entered = await run('enter', 'both-a', 'node/both-b', '--wait', '--timeout', '60s');
    expect(entered).toMatchObject({ code: 0, err: '' });
    expect(entered.out).toMatch(/node\/both-a: drained after \d+s; the machine may be worked on$/m);
    expect(entered.out).toMatch(/^\S+ {2}node\/both-b +InMaintenance /m);
    expect(await plot.condition('Drained', 'both-b')).toBe('True');
    expect(await run('wait', 'both-a', 'both-b')).toMatchObject({ code: 0 });
    expect(await run('enter', 'both-a')).toMatchObject({ code: 0, out: expect.stringContaining('was asked already') });
    const left = await run('exit', '-l', 'plot=both', '--wait', '-o', 'json');
    expect(left).toMatchObject({ code: 0, err: '' });
    const { code, items } = JSON.parse(left.out);
    expect(code).toBe(0);
    expect(items.map(({ node, outcome }: { node: string; outcome: string }) => [node, outcome])).toEqual([
      ['both-a', 'Ended'],
      ['both-b', 'Ended'],
      ['both-c', 'Ended'],
    ]);
    expect((await plot.node('both-a')).spec.taints ?? []).toEqual([]);
    expect(await plot.report('both-a')).toBeUndefined();
  });

  it('3: tells a rejection with its reason and remedy, which `wait --for rejected` waits for', async () => {
    const plot = await rejecting('refused');
    const found = await run('enter', plot.home, '--wait', '--timeout=60s');
    expect(found.code).toBe(3);
    expect(found.out).toMatch(/^node\/refused-a: rejected after/m);
    expect(found.out).toMatch(/Reason: +GenericFailure/);
    expect(found.out).toMatch(/refused\/alone.*NoController/);
    expect(found.out).toContain(`To end it: kubectl taint node refused-a ${TAINT}-`);
    expect((await run('wait', plot.home)).code).toBe(3);
    expect((await run('wait', plot.home, '--for', 'rejected')).code).toBe(0);
    const document = JSON.parse((await run('wait', plot.home, '-o', 'json')).out);
    expect(document).toMatchObject({
      code: 3,
      items: [{ outcome: 'Rejected', object: { reason: 'GenericFailure', blockedBy: [{ cause: 'NoController' }] } }],
    });
    expect((await run('exit', plot.home, '--wait', '--timeout=60s')).code).toBe(0);
  });

  it('4: is out of time while a budget holds the drain up, and says what is in the way and how to end it', async () => {
    const plot = await Plot.make(get(), 'late', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    const found = await run('enter', plot.home, '--wait', '--timeout=5s');
    expect(found.code).toBe(4);
    expect(found.out).toMatch(/node\/late-a: not drained after \d+s/);
    expect(found.out).toMatch(/Waits for: Pod late\/web-\S+ \(BudgetExhausted\)/);
    expect(found.err).toContain('to end it: maintenance-bridge exit late-a');
    expect((await run('wait', plot.home, '--for=ended', '--timeout=1s')).code).toBe(4);
    await plot.ungate('web');
    expect((await run('wait', plot.home, '--timeout=60s')).code).toBe(0);
  });

  it('1: no such Node, a taint of another value, and a Node that goes while it is waited for', async () => {
    const plot = await Plot.make(get(), 'failed', 2);
    const missing = await run('enter', 'nobody', plot.home);
    expect(missing).toMatchObject({ code: 1, out: expect.stringContaining('node/nobody: there is no such Node') });
    expect(missing.out).toContain(`node/failed-a: asked to enter maintenance (${TAINT})`);
    expect((await run('enter', '-l', 'plot=none')).err).toContain('No Node has the labels plot=none');
    await plot.taint('failed-b', 'drain=planned-downtine:NoSchedule');
    const misspelt = await run('enter', 'failed-b', '--wait');
    expect(misspelt.code).toBe(1);
    expect(misspelt.out).toContain('it carries drain=planned-downtine:NoSchedule, which asks for nothing');
    expect(misspelt.out).toContain(`kubectl taint node failed-b ${TAINT} --overwrite`);
    await plot.phase('InMaintenance');
    // Its first line says that it watches.
    const waiting = new Running(['wait', plot.home, '--for', 'rejected', '--kubeconfig', get().kubeconfig]);
    await waiting.line(/ node\/failed-a +InMaintenance /);
    await get().api.delete(`/api/v1/nodes/${plot.home}`);
    await waiting.line(/^node\/failed-a: the Node is gone/);
    expect(await waiting.end()).toBe(1);
    expect(await run('wait', plot.home)).toMatchObject({ code: 1, out: 'node/failed-a: there is no such Node\n' });
    await get().addNodes([plot.home]);
  });

  it('1: somebody takes the taint away while it is waited for', async () => {
    const plot = await Plot.make(get(), 'taken', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    const waiting = run('enter', plot.home, '--wait');
    await plot.phase('Draining');
    await plot.untaint();
    expect(await waiting).toMatchObject({ code: 1, out: expect.stringContaining('somebody has taken the taint away') });
  });

  it('keeps what else is on the Node: other taints with their times, labels, a cordon', async () => {
    const plot = await Plot.make(get(), 'other', 2);
    const path = `/api/v1/nodes/${plot.home}`;
    const timeAdded = '2026-11-20T10:00:00Z';
    const others = [{ key: 'example.com/mine', value: 'x', effect: 'PreferNoSchedule', timeAdded }];
    await get().api.patch(path, { spec: { taints: others, unschedulable: true } }, 'merge');
    expect((await run('enter', plot.home, '--wait', '--timeout=60s')).code).toBe(0);
    expect((await run('exit', plot.home, '--wait', '--timeout=60s')).code).toBe(0);
    const { taints, unschedulable } = (await plot.node()).spec;
    expect(unschedulable).toBe(true);
    expect(taints).toContainEqual(others[0]);
  });
});

describeScenario(
  'enter and wait without a controller',
  { scheduler: true, controllerManager: true, kwok: true },
  (get) => {
    const namespace = '--leader-election-namespace=maintenance-bridge';
    const bridges = new Bridges(get, { flags: [namespace] });
    afterEach(removePlots);
    beforeAll(() => get().api.create('/api/v1/namespaces', { metadata: { name: 'maintenance-bridge' } }));
    const run = (...args: readonly string[]) => command([...args, '--kubeconfig', get().kubeconfig]);
    /** A command that waits without success: it reports this on standard error, and ends when its time is over. */
    const says = async (text: RegExp, args: readonly string[], kubeconfig = get().kubeconfig): Promise<void> => {
      const found = await command([...args, '--timeout=8s', '--kubeconfig', kubeconfig]);
      expect(found.err).toMatch(text);
      expect(found.code, found.out + found.err).toBe(4);
    };

    it('says within seconds that none runs: no Lease, a Lease that was released, one that nobody renews', async () => {
      const plot = await Plot.make(get(), 'nobody', 2);
      const never = await run('enter', plot.home);
      expect(never).toMatchObject({ code: 0, out: expect.stringContaining('asked to enter maintenance') });
      expect(never.err).toMatch(
        /^No controller seems to run: nothing happens to the taint of node\/nobody-a, and there is no Lease/,
      );

      const first = await bridges.start().leads();
      await plot.phase('InMaintenance');
      expect(await first.end()).toBe(0);
      await says(/^No controller runs: nobody holds the Lease maintenance-bridge\/maintenance-bridge$/m, [
        'exit',
        plot.home,
        '--wait',
      ]);

      const second = await bridges.start(SHORT_LEASE).leads();
      await plot.phase('none');
      await second.end('SIGKILL');
      await says(
        /^No controller seems to run: \S+ has not renewed the Lease maintenance-bridge\/maintenance-bridge for \d+ seconds$/m,
        ['enter', plot.home, '--wait'],
      );
    });

    itWhereThereIs(
      'rbac',
      'explains itself with few rights: without Leases it still notices, without a watch it does not begin',
      async () => {
        const plot = await Plot.make(get(), 'poor', 2);
        const account = { namespace: 'poor', name: 'operator' };
        const kubeconfig = await get().kubeconfigFor(account);
        const grant = async (verbs: readonly string[]): Promise<void> => {
          const rbac = '/apis/rbac.authorization.k8s.io/v1';
          const metadata = { name: 'poor-operator' };
          const role = {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRole',
            metadata,
            rules: [{ apiGroups: [''], resources: ['nodes'], resourceNames: [plot.home], verbs }],
          };
          const binding = {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRoleBinding',
            metadata,
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
            subjects: [{ kind: 'ServiceAccount', ...account }],
          };
          const query = { fieldManager: 'test', force: true };
          await get().api.patch(`${rbac}/clusterroles/${metadata.name}`, role, 'apply', query);
          await get().api.patch(`${rbac}/clusterrolebindings/${metadata.name}`, binding, 'apply', query);
        };
        const poor = (...args: readonly string[]) => command([...args, '--kubeconfig', kubeconfig]);
        await grant(['get', 'patch']);
        const blind = await poor('enter', plot.home, '--wait');
        expect(blind.code).toBe(1);
        expect(blind.err).toMatch(/The Nodes cannot be followed: .*cannot list resource "nodes"/);
        expect((await plot.node()).spec.taints ?? []).toEqual([]);
        expect((await poor('enter', plot.home)).code).toBe(0);
        await grant(['get', 'list', 'watch', 'patch']);
        await says(
          /nothing happens to the taint of node\/poor-a. Its Lease cannot be seen: .*leases/,
          ['wait', plot.home],
          kubeconfig,
        );
        await grant(['get', 'list', 'watch']);
        const refused = await poor('exit', plot.home);
        expect(refused).toMatchObject({
          code: 1,
          out: expect.stringMatching(/node\/poor-a: .*cannot patch resource "nodes"/),
        });
      },
    );

    itWhereThereIs('rbac', 'explains a Pod to whoever may see no Nodes, and says what could not be seen', async () => {
      const plot = await Plot.make(get(), 'narrow', 1);
      await plot.bare('alone');
      await plot.ready('alone', 1);
      const account = { namespace: 'narrow', name: 'developer' };
      const kubeconfig = await get().kubeconfigFor(account);
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/narrow';
      await get().api.create(`${rbac}/roles`, {
        metadata: { name: 'pods' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
      });
      await get().api.create(`${rbac}/rolebindings`, {
        metadata: { name: 'pods' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pods' },
        subjects: [{ kind: 'ServiceAccount', ...account }],
      });
      const narrow = (...args: readonly string[]) => command([...args, '--kubeconfig', kubeconfig]);
      const why = await narrow('why', 'pod/narrow/alone');
      expect(why.code, why.err).toBe(0);
      expect(why.out).toMatch(/^Pod narrow\/alone: NodeUnknown\n {2}Its Node narrow-a cannot be seen\.$/m);
      expect(why.out).toMatch(/- Not seen: nodes "narrow-a" is forbidden/);
      const status = await narrow('status');
      expect(status.code).toBe(1);
      expect(status.err).toMatch(/nodes is forbidden: .*cannot list resource "nodes"/);
    });
  },
);
