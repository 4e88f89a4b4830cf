/** Machine drain: after one label on a Machine, or its deletion, its Node is checked, drained and approved over its cluster's kubeconfig. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ControlPlane } from '../../controlplane/controlplane.ts';
import { startMachines } from '../../harness/machine-managers.ts';
import { Fleet } from '../../harness/machines.ts';
import { Rack, REBOOT } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { DRAIN_ANNOTATION, DRAIN_LABEL, MACHINE_TAINT } from '../../src/core/machine-keys.ts';
import { describeScenario, GROUND, startAnother } from './suite.ts';

const ENABLED = { 'runtime-extension-maintenance-controller.cloud.sap/enabled': 'true' };
/** The first run builds the controller. */
const START_TIMEOUT_MS = 20 * 60_000;
const FLAGS = ['--enable-tmm=false', '--enable-machine-drain', '--enable-metal3-maintenance', '--leader-elect=false'];

describeScenario('machine drain', {}, (get) => {
  let bridge: Bridge;
  let workload: ControlPlane;
  let clusterApi: AsyncDisposable;
  let fleet: Fleet;

  beforeAll(async () => {
    workload = await startAnother({ scheduler: true, controllerManager: true, kwok: true, auditLog: true });
    clusterApi = await startMachines(get(), workload, true);
    fleet = await Fleet.make(get(), workload, 'metal', 'shop');
    // Without a control plane that stays, Cluster API would ignore hooks.
    await fleet.machine('control', { controlPlane: true });
    bridge = new Bridge({ kubeconfig: await grantedKubeconfig(get(), { capi: {}, metal3: {} }), flags: FLAGS });
  }, START_TIMEOUT_MS);
  afterEach(removePlots);
  afterAll(async () => {
    await bridge?.end();
    await clusterApi?.[Symbol.asyncDispose]();
    await workload?.stop();
  });

  /** Machines for the Nodes of a plot. */
  const machinesOf = async (name: string, count: number, hasHost = false): Promise<Plot> => {
    const plot = await Plot.make(workload, name, count);
    for (const node of plot.nodes) {
      await fleet.machine(node, { labels: ENABLED, hasNode: true, hasHost });
      await fleet.hooked(node);
    }
    return plot;
  };
  const recordOf = async (name: string): Promise<{ readonly state?: string; readonly reason?: string }> =>
    JSON.parse((await fleet.get(name)).metadata.annotations?.[DRAIN_ANNOTATION] ?? '{}');
  const inState = (name: string, state: string | undefined): Promise<true> =>
    eventually(
      async () => {
        const record = await recordOf(name);
        if (record.state === state) return true as const;
        throw new Error(`the record is ${JSON.stringify(record)}`);
      },
      { what: `Machine ${name} to be recorded as ${state}`, deadlineMs: 60_000 },
    );
  const isFenced = async (plot: Plot, name: string): Promise<boolean> =>
    ((await plot.node(name)).spec.taints ?? []).some((taint) => 'key' in taint && taint.key === MACHINE_TAINT.key);
  const isClean = (plot: Plot, name: string): Promise<true> =>
    eventually(
      async () => {
        const { metadata } = await plot.node(name);
        const isLeft = metadata.labels?.[DRAIN_LABEL] !== undefined || (await isFenced(plot, name));
        return isLeft || (await fleet.nodeLabels(name)).length > 0 ? undefined : true;
      },
      { what: `nothing of ours to be on Node ${name}`, deadlineMs: 30_000 },
    );

  /** With only the kubeconfig of the management cluster. */
  const planOf = (name: string) =>
    command(['plan', `machine/${name}`, '-n', 'metal', '--kubeconfig', get().kubeconfig]);

  it('drains and approves a Node whose maintenance is requested, and gives it back when the label goes', async () => {
    const plot = await machinesOf('drain-served', 2);
    const [home = '', other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await fleet.label(home, { maintenance: 'requested' });
    await fleet.labelled(home, 'maintenance', 'approved');
    expect(await plot.on(home, 'web')).toEqual([]);
    await plot.ready('web', 2, other);
    expect(await fleet.nodeLabels(home)).toEqual(['approve-maintenance', 'machine-maintenance']);
    expect(await isFenced(plot, home)).toBe(true);
    expect(await recordOf(home)).toMatchObject({ state: 'Drained' });
    for (const reason of ['DrainStarted', 'NodeDrained', 'MaintenanceApproved']) await fleet.event(home, reason);

    await fleet.label(home, { maintenance: null });
    await isClean(plot, home);
    await inState(home, undefined);
    expect(await plot.report(home)).toBeUndefined();
    expect(await fleet.isHooked(home)).toBe(true);
  });

  it('switches the host of a drained Machine off until the label goes, and the Node returns', async () => {
    const plot = await machinesOf('drain-metal3', 2, true);
    const rack = new Rack(get(), fleet.namespace);
    const [home = '', other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    const [held] = await plot.pods('web');
    await plot.holdTermination(held?.metadata.name ?? '');
    await fleet.label(home, { maintenance: 'requested' });
    await eventually(async () => ((await plot.evictions()).length > 0 ? true : undefined), { what: 'an eviction' });
    // As long as a Pod is on it, it is not touched.
    expect(await rack.annotations('host', home)).not.toHaveProperty([REBOOT]);
    expect((await rack.host(home)).status?.poweredOn).toBe(true);

    await plot.holdTermination(held?.metadata.name ?? '', false);
    await fleet.labelled(home, 'maintenance', 'approved');
    await rack.isOn(home, false);
    expect(await rack.annotations('host', home)).toHaveProperty([REBOOT], '');
    expect(await rack.annotations('machine', home)).toHaveProperty(['cluster.x-k8s.io/skip-remediation']);
    expect(await plot.on(home, 'web')).toEqual([]);
    await plot.ready('web', 2, other);

    await fleet.label(home, { maintenance: null });
    await rack.isOn(home, true);
    await isClean(plot, home);
    await inState(home, undefined);
    await eventually(
      async () => {
        const [onHost, onMachine] = [await rack.annotations('host', home), await rack.annotations('machine', home)];
        const isLeft = REBOOT in onHost || 'cluster.x-k8s.io/skip-remediation' in onMachine;
        return isLeft ? undefined : true;
      },
      { what: 'host and Machine to be released', deadlineMs: 60_000 },
    );
    expect(await plot.condition('Ready', home)).toBe('True');
    // Room for Pods again.
    await plot.cordon(other, true);
    await plot.scale('Deployment', 'web', 4);
    await eventually(async () => ((await plot.on(home, 'web')).length === 2 ? true : undefined), {
      what: 'new Pods on the Node',
      deadlineMs: 60_000,
    });
  });

  it('empties the Node of a Machine that is deleted before Cluster API may begin', async () => {
    const plot = await machinesOf('drain-deleted', 2);
    const [home = '', other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    const before = (await plot.pods('web')).map(({ metadata }) => metadata.name).sort();
    await fleet.delete(home);
    await fleet.gone(home);
    await fleet.event(home, 'DeletionApproved');
    await plot.ready('web', 2, other);
    const evicted = (await plot.evictions()).filter(({ responseStatus }) => responseStatus?.code === 201);
    expect(evicted.map(({ objectRef }) => objectRef?.name).sort()).toEqual(before);
    // All of them by us: Cluster API had nothing left to drain.
    expect(new Set(evicted.map(({ userAgent }) => userAgent?.split('/')[0]))).toEqual(new Set(['maintenance-bridge']));
  });

  it('lets a deletion go that somebody approves by hand, although its Pods may not leave', async () => {
    const plot = await machinesOf('drain-waived', 2);
    const { home } = plot;
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 0 });
    // Cluster API's own drain is not to wait for these Pods either. Ours does not read it.
    await fleet.annotate(home, { 'machine.cluster.x-k8s.io/exclude-node-draining': '' });
    await fleet.delete(home);
    await inState(home, 'Rejected');
    expect(await fleet.isHooked(home)).toBe(true);
    await fleet.labelNode(home, { 'approve-deletion': 'true' });
    await fleet.gone(home);
    expect((await plot.evictions()).filter(({ responseStatus }) => responseStatus?.code === 201)).toEqual([]);
  });

  it('tells the Machine of a rejection, leaves the Node at work, and goes on by itself when it may', async () => {
    const plot = await machinesOf('drain-rejected', 2);
    const [home = '', other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 0 });
    await fleet.label(home, { maintenance: 'requested' });
    const told = await fleet.event(home, 'MaintenanceRejected');
    expect(told.note).toMatch(/TooManyExistingFailures.*drain-rejected\/web-/);
    await inState(home, 'Rejected');
    await eventually(async () => ((await isFenced(plot, home)) ? undefined : true), { what: 'the fence to go' });
    expect(await fleet.nodeLabels(home)).toEqual(['machine-maintenance']);
    expect((await fleet.get(home)).metadata.labels).toMatchObject({
      'runtime-extension-maintenance-controller.cloud.sap/maintenance': 'requested',
    });
    expect(await plot.on(home, 'web')).toHaveLength(2);
    expect(await planOf(home)).toMatchObject({ code: 3, out: expect.stringContaining('TooManyExistingFailures') });
    expect(await planOf(other)).toMatchObject({ code: 0, out: expect.stringContaining(`Node ${other}: may go`) });

    const listed = ['plan', '-l', 'example.com/rack=7', '-n', 'metal', '--kubeconfig', get().kubeconfig];
    expect(await command(listed)).toMatchObject({
      code: 1,
      err: expect.stringContaining('No Machine in namespace metal'),
    });
    await get().kubectl(['label', 'machine', home, other, '-n', 'metal', 'example.com/rack=7']);
    expect(await command(listed)).toMatchObject({ code: 3, out: expect.stringContaining(`Node ${other}: `) });
    expect(await planOf('nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no Machine metal/nobody'),
    });

    await plot.editBudget('web', { maxUnavailable: 1 });
    // As if half a minute had passed since.
    const since = new Date(Date.now() - 31_000).toISOString();
    await fleet.annotate(home, { [DRAIN_ANNOTATION]: JSON.stringify({ ...(await recordOf(home)), since }) });
    await inState(home, 'Drained');
    await plot.ready('web', 2, other);
    await fleet.labelled(home, 'maintenance', 'approved');
    await fleet.label(home, { maintenance: null });
    await isClean(plot, home);
  });

  it('lets one Machine of a cluster go at a time, the first that asked first', async () => {
    const plot = await machinesOf('drain-slots', 3);
    const [first = '', second = ''] = plot.nodes;
    await fleet.label(first, { maintenance: 'requested' });
    await fleet.labelled(first, 'maintenance', 'approved');
    await fleet.label(second, { maintenance: 'requested' });
    await inState(second, 'Waiting');
    expect(await recordOf(second)).toMatchObject({ reason: 'Cluster' });
    expect(await isFenced(plot, second)).toBe(false);
    await fleet.label(first, { maintenance: null });
    await fleet.labelled(second, 'maintenance', 'approved');
    await isClean(plot, first);
    await fleet.label(second, { maintenance: null });
    await isClean(plot, second);
  });

  it('holds a deletion while maintenance is approved: somebody may be at the machine', async () => {
    const plot = await machinesOf('drain-held', 2);
    const [home = ''] = plot.nodes;
    await fleet.label(home, { maintenance: 'requested' });
    await fleet.labelled(home, 'maintenance', 'approved');
    await fleet.delete(home);
    await fleet.event(home, 'DeletionHeldByMaintenance');
    expect(await fleet.nodeLabels(home)).not.toContain('approve-deletion');
    await fleet.label(home, { maintenance: null });
    await fleet.gone(home);
    await fleet.event(home, 'DeletionApproved');
  });

  it('gives back a Node whose Machine was removed by hand, or takes part no more', async () => {
    const plot = await machinesOf('drain-orphan', 2);
    const [removed = '', disabled = ''] = plot.nodes;
    await fleet.label(removed, { maintenance: 'requested' });
    await fleet.labelled(removed, 'maintenance', 'approved');
    await fleet.removeByHand(removed);
    await isClean(plot, removed);
    expect(await plot.report(removed)).toBeUndefined();
    await fleet.label(disabled, { maintenance: 'requested' });
    await fleet.labelled(disabled, 'maintenance', 'approved');
    await fleet.label(disabled, { enabled: null });
    await isClean(plot, disabled);
    await inState(disabled, undefined);
    expect(await plot.report(disabled)).toBeUndefined();
  });

  it('killed again and again on its way, comes to the same end', async () => {
    const plot = await machinesOf('drain-killed', 2);
    const [home = '', other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 3), 'web', 3);
    await plot.budget('web', { maxUnavailable: 1 });
    const before = (await plot.pods('web')).map(({ metadata }) => metadata.name).sort();
    const hasLabel = async (label: string): Promise<boolean> => (await fleet.nodeLabels(home)).includes(label);
    const isIn = async (state: string): Promise<boolean> => (await recordOf(home)).state === state;
    const killOnce = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
      // If the client dies during an eviction, the disruption controller may count it as done for two minutes.
      await eventually(async () => ((await isSo()) ? true : undefined), { what, deadlineMs: 180_000 });
      await bridge.end('SIGKILL');
      bridge = new Bridge({ kubeconfig: get().kubeconfig, flags: FLAGS });
    };
    await fleet.label(home, { maintenance: 'requested' });
    await killOnce('the record', async () => (await recordOf(home)).state !== undefined);
    await killOnce('the fence', () => isFenced(plot, home));
    await killOnce('an eviction', async () => (await plot.evictions()).length > 0);
    await killOnce('the Node to be empty', () => isIn('Drained'));
    await killOnce('our approval', () => hasLabel('approve-maintenance'));
    await fleet.labelled(home, 'maintenance', 'approved');
    await plot.ready('web', 3, other);
    const evicted = (await plot.evictions()).filter(({ responseStatus }) => responseStatus?.code === 201);
    expect([...new Set(evicted.map(({ objectRef }) => objectRef?.name))].sort()).toEqual(before);

    await fleet.label(home, { maintenance: null });
    await killOnce('the end', async () => !(await isIn('Drained')));
    await killOnce('the approval to go', async () => !(await hasLabel('approve-maintenance')));
    await killOnce('the fence to go', async () => !(await isFenced(plot, home)));
    await isClean(plot, home);
    await inState(home, undefined);
    expect(await plot.report(home)).toBeUndefined();
  });

  it.runIf(GROUND === 'controlplane')(
    'evicts nothing more while the cluster is away, says so, and goes on by itself',
    async () => {
      const plot = await machinesOf('drain-away', 2);
      const [home = '', other = ''] = plot.nodes;
      await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
      await plot.budget('web', { maxUnavailable: 1 });
      const [first] = await plot.pods('web');
      await plot.holdTermination(first?.metadata.name ?? '');
      await fleet.label(home, { maintenance: 'requested' });
      await eventually(async () => ((await plot.evictions()).length > 0 ? true : undefined), { what: 'an eviction' });
      await workload.stopApiServer();
      expect((await fleet.event(home, 'DrainUnseen')).type).toBe('Warning');
      await workload.startApiServer();
      await plot.holdTermination(first?.metadata.name ?? '', false);
      await eventually(async () => ((await recordOf(home)).state === 'Drained' ? true : undefined), {
        what: 'the drain to go on',
        deadlineMs: 180_000,
      });
      await plot.ready('web', 2, other);
      await fleet.label(home, { maintenance: null });
      await isClean(plot, home);
    },
    300_000,
  );
});
