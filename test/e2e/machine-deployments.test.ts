/**
 * Machine drain together with Cluster API's own controller, with one management cluster and two workload clusters on real API servers: Machines
 * that a MachineDeployment or a MachinePool gives up, and an API server that dies in the middle.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { lackingClusterApi } from '../../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { Provider, Workers } from '../../harness/machine-deployments.ts';
import { startMachines } from '../../harness/machine-managers.ts';
import { MachinePool } from '../../harness/machine-pools.ts';
import { Fleet } from '../../harness/machines.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import {
  DRAIN_ANNOTATION,
  ENABLED_LABEL,
  MACHINE_TAINT,
  MAINTENANCE_LABEL,
  REQUESTED,
} from '../../src/core/machine-keys.ts';

const WORKLOAD = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
/** More slots in a cluster than in a MachineDeployment, so that the latter's limit applies. */
const FLAGS = [
  '--enable-tmm=false',
  '--enable-machine-drain',
  '--tmm-max-concurrent-nodes=4',
  '--capi-drain-max-unavailable=1',
  '--leader-elect=false',
];
const SPREAD = {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { app: 'web' } },
    },
  ],
};

describeOnControlPlane(
  'machine drain in two workload clusters',
  {},
  (get) => {
    let bridge: Bridge;
    let clusterApi: AsyncDisposable;
    let provider: Provider;
    let shop: Fleet;
    let yard: Fleet;
    const workloads: ControlPlane[] = [];

    beforeAll(async () => {
      const [a, b] = await Promise.all([startControlPlane(WORKLOAD), startControlPlane(WORKLOAD)]);
      workloads.push(a, b);
      clusterApi = await startMachines(get(), a);
      shop = await Fleet.make(get(), a, 'shop', 'shop');
      yard = await Fleet.make(get(), b, 'yard', 'yard');
      // Without a control plane that stays, Cluster API would ignore hooks.
      for (const fleet of [shop, yard]) await fleet.machine('control', { controlPlane: true });
      provider = new Provider(shop);
      bridge = new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags: FLAGS });
    });
    afterEach(removePlots);
    afterAll(async () => {
      await bridge?.end();
      await provider?.[Symbol.asyncDispose]();
      await clusterApi?.[Symbol.asyncDispose]();
      await Promise.all(workloads.map((each) => each.stop()));
    });

    const recordOf = async (
      fleet: Fleet,
      name: string,
    ): Promise<{ readonly state?: string; readonly reason?: string }> =>
      JSON.parse((await fleet.get(name)).metadata.annotations?.[DRAIN_ANNOTATION] ?? '{}');
    const isFenced = async (plot: Plot, name: string): Promise<boolean> =>
      ((await plot.node(name)).spec.taints ?? []).some((taint) => 'key' in taint && taint.key === MACHINE_TAINT.key);
    /** One Pod of each Node remains after its eviction until the returned function is called. */
    const holdOne = async (plot: Plot, nodes: readonly string[]): Promise<() => Promise<void>> => {
      const held: string[] = [];
      for (const node of nodes) {
        const [pod] = await plot.on(node, 'web');
        if (pod === undefined) throw new Error(`No Pod runs on ${node}`);
        held.push(pod.metadata.name);
        await plot.holdTermination(pod.metadata.name);
      }
      return async () => {
        for (const name of held) await plot.holdTermination(name, false);
      };
    };
    const evictors = async (plot: Plot): Promise<ReadonlySet<string | undefined>> =>
      new Set((await plot.evictions()).map(({ userAgent }) => userAgent?.split('/')[0]));

    /** Waits until one of two deleted Machines is drained and the other waits for its slot. @returns them in that order */
    const inTurn = (names: readonly string[]): Promise<readonly [string, string]> =>
      eventually(
        async () => {
          const records = await Promise.all(names.map((name) => recordOf(shop, name)));
          const first = names[records.findIndex(({ state }) => state === 'Draining')];
          const second = names[records.findIndex(({ reason }) => reason === 'MachineDeployment')];
          if (first !== undefined && second !== undefined) return [first, second] as const;
          throw new Error(`the records are ${JSON.stringify(records)}`);
        },
        { what: 'one to be drained and the other to wait', deadlineMs: 60_000 },
      );
    /** Waits until both are gone, one after the other, checked and drained only by us. */
    const goInTurn = async (plot: Plot, names: readonly string[], release: () => Promise<void>): Promise<void> => {
      const [first, second] = await inTurn(names);
      await eventually(async () => ((await isFenced(plot, first)) ? true : undefined), {
        what: `the fence of ${first}`,
      });
      expect(await isFenced(plot, second)).toBe(false);
      await release();
      for (const name of [first, second]) {
        await shop.gone(name);
        for (const reason of ['DrainStarted', 'NodeDrained', 'DeletionApproved']) await shop.event(name, reason);
      }
      expect(await evictors(plot)).toEqual(new Set(['maintenance-bridge']));
    };

    it('drains each Machine that a MachineDeployment gives up when it is scaled down, one after another', async () => {
      const plot = await Plot.make(shop.workload, 'scaled', 0);
      const workers = await Workers.make(shop, 'scaled', {
        replicas: 3,
        maxSurge: 1,
        nodeLabels: { plot: 'scaled' },
      });
      const names = await workers.names(3);
      await plot.deployment('web', 6, SPREAD);
      await plot.ready('web', 6);
      await plot.budget('web', { maxUnavailable: 1 });
      const release = await holdOne(plot, names);
      await workers.scale(1);
      await goInTurn(plot, await workers.leaving(2), release);
      const [stays = ''] = await workers.names(1);
      await plot.ready('web', 6, stays);
      expect(await shop.isHooked(stays)).toBe(true);
    });

    it('drains each Machine that a rollout replaces, one after another, onto those that come', async () => {
      const plot = await Plot.make(shop.workload, 'rolled', 0);
      const workers = await Workers.make(shop, 'rolled', {
        replicas: 2,
        maxSurge: 2,
        nodeLabels: { plot: 'rolled' },
      });
      const before = await workers.names(2);
      await plot.deployment('web', 4, SPREAD);
      await plot.ready('web', 4);
      await plot.budget('web', { maxUnavailable: 1 });
      const release = await holdOne(plot, before);
      await workers.rollOut();
      const leaving = await workers.leaving(2);
      expect(leaving).toEqual(before);
      await goInTurn(plot, leaving, release);
      const after = await workers.names(2);
      expect(after.filter((name) => before.includes(name))).toEqual([]);
      const pods = await plot.ready('web', 4);
      expect(pods.filter(({ spec }) => !after.includes(spec.nodeName ?? ''))).toEqual([]);
      for (const name of after) expect(await shop.isHooked(name)).toBe(true);
    });

    it('drains the Machines of a MachinePool one after another, for maintenance and when one is given up', async () => {
      const plot = await Plot.make(shop.workload, 'pooled', 0);
      const members = ['pooled-0', 'pooled-1'] as const;
      const pool = await MachinePool.make(shop, 'pooled', members, { plot: 'pooled' });
      await plot.deployment('web', 4, SPREAD);
      await plot.ready('web', 4);
      await plot.budget('web', { maxUnavailable: 1 });
      const release = await holdOne(plot, members);
      for (const name of members) await shop.label(name, { maintenance: 'requested' });
      const [first, second] = await inTurn(members);
      expect(await isFenced(plot, second)).toBe(false);
      await release();
      await shop.labelled(first, 'maintenance', 'approved');
      expect(await recordOf(shop, second)).toMatchObject({ state: 'Waiting', reason: 'MachineDeployment' });
      await shop.label(first, { maintenance: null });
      await shop.labelled(second, 'maintenance', 'approved');
      await plot.ready('web', 4, first);

      await shop.label(second, { maintenance: null });
      await plot.phase('none', second);
      await pool.giveUp(first);
      await shop.event(first, 'DeletionApproved');
      await plot.ready('web', 4, second);
      expect(await evictors(plot)).toEqual(new Set(['maintenance-bridge']));
    });

    it('does not fight a MachinePool whose template requests maintenance', async () => {
      const name = 'forcing-0';
      await MachinePool.make(shop, 'forcing', [name], { plot: 'forcing' }, { [MAINTENANCE_LABEL]: REQUESTED });
      expect((await shop.event(name, 'KeyForcedByTemplate')).type).toBe('Warning');
      expect((await shop.get(name)).metadata.labels?.[MAINTENANCE_LABEL]).toBe(REQUESTED);
      expect((await shop.events(name)).filter(({ reason }) => reason === 'MaintenanceApproved')).toEqual([]);
    });

    it('goes on undisturbed in one while the API server of the other is dead, and there once it is back', async () => {
      const labels = { [ENABLED_LABEL]: 'true' };
      const prepare = async (fleet: Fleet, name: string): Promise<Plot> => {
        const plot = await Plot.make(fleet.workload, name, 2);
        for (const node of plot.nodes) {
          await fleet.machine(node, { labels, hasNode: true });
          await fleet.hooked(node);
        }
        await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
        await plot.budget('web', { maxUnavailable: 1 });
        return plot;
      };
      const [dying, living] = [await prepare(shop, 'dying'), await prepare(yard, 'living')];
      const [releaseDying, releaseLiving] = [await holdOne(dying, [dying.home]), await holdOne(living, [living.home])];
      for (const [fleet, plot] of [
        [shop, dying],
        [yard, living],
      ] as const) {
        await fleet.label(plot.home, { maintenance: 'requested' });
        await eventually(async () => ((await plot.evictions()).length > 0 ? true : undefined), {
          what: `an eviction in ${fleet.cluster}`,
          deadlineMs: 60_000,
        });
      }
      await shop.workload.killApiServer();
      expect((await shop.event(dying.home, 'DrainUnseen')).type).toBe('Warning');

      // From creation to deletion, and then again from the beginning.
      await releaseLiving();
      await yard.labelled(living.home, 'maintenance', 'approved');
      await yard.label(living.home, { maintenance: null });
      await living.phase('none', living.home);
      const [, other = ''] = living.nodes;
      await yard.label(other, { maintenance: 'requested' });
      await yard.labelled(other, 'maintenance', 'approved');
      for (const node of living.nodes) {
        expect((await yard.events(node)).filter(({ reason }) => reason === 'DrainUnseen')).toEqual([]);
      }
      expect(await recordOf(shop, dying.home)).toMatchObject({ state: 'Draining' });

      await shop.workload.startApiServer();
      await releaseDying();
      await eventually(async () => ((await recordOf(shop, dying.home)).state === 'Drained' ? true : undefined), {
        what: 'the drain to go on',
        deadlineMs: 180_000,
      });
      await shop.labelled(dying.home, 'maintenance', 'approved');
      await shop.label(dying.home, { maintenance: null });
      await yard.label(other, { maintenance: null });
      await dying.phase('none', dying.home);
      await living.phase('none', other);
    });
  },
  lackingClusterApi(),
);
