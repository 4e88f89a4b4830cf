/**
 * A single right is revoked from a program that has all others, as if somebody had edited a role: it is reported by name, nothing else
 * stops, and the work continues when the right is back. Only a process that cannot renew its Lease ends.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ServiceAccountName } from '../../controlplane/controlplane.ts';
import { freePort } from '../../controlplane/ports.ts';
import { type Features, rbacFor, rulesOf } from '../../harness/chart-rights.ts';
import { Grants, isAllowed, type Right, rightsIn, say } from '../../harness/grants.ts';
import { installMetal3Crds, Rack } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, type LogLine } from '../../harness/program.ts';
import { Relay } from '../../harness/relay.ts';
import { addSelfManagedMachine } from '../../harness/self-managed.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;
const OWN = 'bridge';
const WORKER: ServiceAccountName = { namespace: OWN, name: 'worker' };
/** Two replicas with a separate Lease, and nothing to do. */
const ELECTED: ServiceAccountName = { namespace: OWN, name: 'elected' };
const LEASE = `update leases.coordination.k8s.io ${ELECTED.name} in ${OWN}`;
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const ENABLED = 'runtime-extension-maintenance-controller.cloud.sap/enabled';

describeOnControlPlane('a right that is taken from the others', OPTIONS, (get) => {
  let relay: Relay;
  let plot: Plot;
  /** Leads through the relay: rights are only checked when a watch is opened. */
  let workerKubeconfig: string;
  let electedKubeconfig: string;
  let port: number;
  let bridge: Bridge;
  let elected: Bridge;
  let standby: Bridge;
  const rights = new Map<ServiceAccountName, readonly Right[]>();

  /** Grants all rights of the chart except the named one. */
  const grantAllBut = async (account: ServiceAccountName, taken?: string): Promise<void> => {
    const all = rights.get(account) ?? [];
    const lost = all.find((right) => say(right) === taken);
    if (taken !== undefined && lost === undefined) throw new Error(`Nobody has the right to ${taken}`);
    const rest = new Grants(
      get(),
      account,
      all.filter((right) => right !== lost),
    );
    await rest.grant(() => true);
    if (lost === undefined) return;
    await eventually(async () => ((await isAllowed(get(), rest.user, lost)) ? undefined : true), {
      what: `the right to ${taken} to be gone`,
    });
  };
  const take = (right: string): Promise<void> => grantAllBut(WORKER, right);
  const giveBack = (): Promise<void> => grantAllBut(WORKER);

  const account = async (name: ServiceAccountName, features: Features): Promise<string> => {
    const kubeconfig = await get().kubeconfigFor(name);
    const rbac = await rbacFor(features, name);
    rights.set(name, [...rightsIn(rulesOf(rbac, 'ClusterRole')), ...rightsIn(rulesOf(rbac, 'Role'), OWN)]);
    await grantAllBut(name);
    return kubeconfig;
  };
  const startElected = (): Bridge =>
    new Bridge({
      kubeconfig: electedKubeconfig,
      flags: [
        '--enable-tmm=false',
        '--enable-capi=false',
        '--enable-metal3-maintenance',
        `--leader-election-id=${ELECTED.name}`,
      ],
      env: { POD_NAMESPACE: OWN },
    });
  const startWorker = (): Bridge =>
    new Bridge({
      kubeconfig: workerKubeconfig,
      flags: [`--health-probe-bind-address=127.0.0.1:${port}`, `--leader-election-id=${WORKER.name}`],
      env: { POD_NAMESPACE: OWN },
    });

  beforeAll(async () => {
    await installMetal3Crds(get());
    await addSelfManagedMachine(get(), new Rack(get(), 'metal'), 'machine-1', { namespace: OWN, name: 'workload' });
    plot = await Plot.make(get(), 'shop', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);

    electedKubeconfig = await account(ELECTED, { metal3: {} });
    const direct = await readFile(await account(WORKER, { tmm: {}, capi: {} }), 'utf8');
    const { users } = parse(direct) as { readonly users: readonly [{ readonly user: { readonly token: string } }] };
    relay = await Relay.start(get());
    workerKubeconfig = relay.kubeconfig(get().directory, users[0].user.token);
    port = await freePort();
    elected = startElected();
    bridge = await startWorker().leads();

    // This takes effect after the renewal deadline; the rest continues meanwhile.
    await elected.logged(({ msg }) => msg === 'Leading', 'one of the two to lead');
    standby = startElected();
    await standby.logged(({ msg }) => msg === 'Observed a leader', 'the other to stand by');
    await grantAllBut(ELECTED, LEASE);
  });
  afterAll(async () => {
    await bridge?.end('SIGKILL');
    await elected?.end('SIGKILL');
    await standby?.end('SIGKILL');
    await removePlots();
    await relay?.close();
  });

  const readyz = async (): Promise<{ readonly code: number; readonly text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz?verbose`);
    return { code: answer.status, text: await answer.text() };
  };

  const readyzSays = (text: string | RegExp, code: number, deadlineMs = 30_000): Promise<true> =>
    eventually(
      async () => {
        const answer = await readyz();
        return answer.code === code && new RegExp(text).test(answer.text) ? true : undefined;
      },
      { what: `/readyz to say ${text}`, deadlineMs },
    );
  const tells = (line: LogLine, words: string): boolean =>
    (line.level === 'warn' || line.level === 'error') && JSON.stringify(line).replaceAll('\\"', '"').includes(words);
  /** A new log line that reports a missing right with the API server's message. */
  const misses = (from: Bridge, words: string): Promise<LogLine> => {
    const known = from.lines.length;
    return from.logged((line) => from.lines.indexOf(line) >= known && tells(line, words), `a line with ${words}`);
  };

  it('to create `pods/eviction`: the report names it, nothing is evicted, and the drain goes on with it', async () => {
    const pods = await plot.pods('web');
    await take('create pods/eviction');
    await plot.taint();
    const missing = 'cannot create resource "pods/eviction"';
    const [blocker] = await eventually(
      async () => {
        const blockedBy = (await plot.report())?.blockedBy ?? [];
        return blockedBy.length > 0 ? blockedBy : undefined;
      },
      { what: 'the Pod to be blocked' },
    );
    expect(blocker).toMatchObject({ cause: 'EvictionDenied', detail: expect.stringContaining(missing) });
    expect(blocker?.remedy).toContain('permission');
    expect(await plot.pods('web')).toHaveLength(pods.length);
    await giveBack();
    await plot.phase('InMaintenance');
  });

  it('to patch `nodes/status`: the log names it, and the maintenance ends with it', async () => {
    await take('patch nodes/status');
    const missed = misses(bridge, 'cannot patch resource "nodes/status"');
    await plot.untaint();
    expect(await missed).toMatchObject({ controller: 'tmm', Node: plot.home });
    await giveBack();
    await plot.phase('none');
  });

  it('to create `events`: the log names it, a whole drain needs none, and those that come later are sent', async () => {
    await take('create events.events.k8s.io');
    const missed = misses(bridge, 'cannot create resource "events"');
    await plot.taint();
    await plot.phase('InMaintenance');
    expect(await missed).toMatchObject({ level: 'warn' });
    await giveBack();
    const before = (await plot.events()).length;
    await plot.untaint();
    await plot.phase('none');
    await eventually(async () => ((await plot.events()).length > before ? true : undefined), { what: 'an Event' });
  });

  it('to patch `pods`: the log names the Pod that cannot be told of a rejection, and it is told with it', async () => {
    await take('patch pods');
    await plot.runAtHome(() => plot.statefulSet('db', 1), 'db', 1);
    await plot.budget('db', { maxUnavailable: 0 });
    const missed = misses(bridge, 'pods "db-0" is forbidden');
    await plot.taint();
    await missed;
    await giveBack();
    await plot.phase('Rejected');
    await eventually(
      async () => ((await plot.pods('db'))[0]?.metadata.annotations?.['emm-failure'] === undefined ? undefined : true),
      { what: 'the Pod to be told' },
    );
    await plot.untaint();
    await plot.phase('none');
  });

  it('to watch `pods`: /readyz names it beside the watches that work, and forgets it', async () => {
    await take('watch pods');
    const missed = misses(bridge, 'cannot watch resource "pods"');
    expect(relay.cutWatches()).toBeGreaterThan(0);
    await missed;
    const named = 'watch/pods .*\n +watching fails: pods is forbidden: .* cannot watch resource "pods"';
    await readyzSays(named, 200);
    await giveBack();
    await readyzSays(/watch\/pods ok\n\[/, 200, 30_000);
  });

  it('to patch `machines`: the log names it, and the hook is put on with it', async () => {
    const path = '/apis/cluster.x-k8s.io/v1beta2/namespaces/metal/machines/machine-1';
    await take('patch machines.cluster.x-k8s.io');
    const missed = misses(bridge, 'cannot patch resource "machines"');
    await get().api.patch(path, { metadata: { labels: { [ENABLED]: 'true' } } }, 'merge');
    expect(await missed).toMatchObject({ controller: 'capi', Machine: 'metal/machine-1' });
    await giveBack();
    await eventually(
      async () => {
        const { metadata } = await get().api.get<{ metadata: { annotations?: object } }>(path);
        return HOOK in (metadata.annotations ?? {}) ? true : undefined;
      },
      { what: 'the hook', deadlineMs: 30_000 },
    );
  });

  it('to list `pods`, at the start: /readyz is red and names it, and the process goes on with it', async () => {
    expect(await bridge.end()).toBe(0);
    await take('list pods');
    bridge = startWorker();
    await readyzSays('cannot list resource "pods"', 500, 20_000);
    await giveBack();
    await bridge.leads();
    await readyzSays('readyz check passed', 200);
  });

  it('to get `secrets`: /readyz and the log name the Secret, and its cluster is tried again with it', async () => {
    await take('get secrets');
    await bridge.end();
    bridge = startWorker();
    await readyzSays('metal/shop Unreachable: reading Secret metal/shop-kubeconfig: Forbidden', 200, 20_000);
    await giveBack();
    // It has no rights itself, which is the next message.
    await readyzSays('metal/shop Unreachable: the credentials may not list and watch Nodes', 200, 30_000);
  });

  it('to update the Lease: who leads ends and names it, who stands by names it too, and leads with it', async () => {
    const missing = `cannot update resource "leases" in API group "coordination.k8s.io" in the namespace "${OWN}"`;
    await eventually(async () => (elected.isRunning() ? undefined : true), { what: 'the end of the term' });
    expect(await elected.end()).toBe(1);
    expect(elected.lines.some((line) => tells(line, missing))).toBe(true);
    await standby.logged((line) => tells(line, missing), 'the other one to try');
    await grantAllBut(ELECTED);
    await standby.logged(({ msg }) => msg === 'Leading', 'it to lead');
  });
});
