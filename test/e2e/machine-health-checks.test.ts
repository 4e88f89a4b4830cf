/**
 * Machine drain beside Cluster API's own MachineHealthChecks: a Machine whose Node is unhealthy is deleted by its MachineSet, and drained by
 * us before it goes.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { lackingClusterApi } from '../../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { DEAD_KUBELET } from '../../controlplane/flags.ts';
import { type MachineKind, Provider, Workers } from '../../harness/machine-deployments.ts';
import { startMachines } from '../../harness/machine-managers.ts';
import { Fleet } from '../../harness/machines.ts';
import { Rack } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { DRAIN_ANNOTATION, MACHINE_TAINT, SKIP_REMEDIATION_ANNOTATION } from '../../src/core/machine-keys.ts';

const WORKLOAD = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const FLAGS = [
  '--enable-tmm=false',
  '--enable-machine-drain',
  '--enable-metal3-maintenance',
  '--tmm-max-concurrent-nodes=4',
  '--leader-elect=false',
];
const BROKEN = 'DiskBroken';

describeOnControlPlane(
  'machine drain and MachineHealthChecks',
  {},
  (get) => {
    let bridge: Bridge;
    let clusterApi: AsyncDisposable;
    let workload: ControlPlane;
    let fleet: Fleet;
    let rack: Rack;
    const providers: Provider[] = [];

    const startBridge = async (...more: readonly string[]): Promise<void> => {
      await bridge?.end();
      const kubeconfig = await grantedKubeconfig(get(), { capi: {}, metal3: {} });
      bridge = new Bridge({ kubeconfig, flags: [...FLAGS, ...more] });
    };

    beforeAll(async () => {
      workload = await startControlPlane(WORKLOAD);
      clusterApi = await startMachines(get(), workload, true);
      fleet = await Fleet.make(get(), workload, 'shop', 'shop');
      rack = new Rack(get(), 'shop');
      // Without a control plane that stays, Cluster API would pass over hooks.
      await fleet.machine('control', { controlPlane: true });
      providers.push(new Provider(fleet), new Provider(fleet, 'Metal3Machine'));
      await startBridge();
    });
    afterEach(removePlots);
    afterAll(async () => {
      await bridge?.end();
      for (const provider of providers) await provider[Symbol.asyncDispose]();
      await clusterApi?.[Symbol.asyncDispose]();
      await workload?.stop();
    });

    /** Two Machines of a MachineDeployment, and a plot on their Nodes. */
    const twoWorkers = async (name: string, kind?: MachineKind) => {
      const plot = await Plot.make(workload, name, 0);
      const nodeLabels = { plot: name };
      const workers = await Workers.make(fleet, name, { replicas: 2, maxSurge: 1, nodeLabels, ...(kind && { kind }) });
      const names = await workers.names(2);
      return { plot, workers, names, first: names[0] ?? '', second: names[1] ?? '' };
    };
    const setCondition = async (node: string, type: string, status: string): Promise<void> => {
      const condition = { type, status, reason: 'Test', lastTransitionTime: new Date().toISOString() };
      await workload.api.patch(
        `/api/v1/nodes/${node}/status`,
        { status: { conditions: [condition] } },
        'strategic-merge',
      );
    };
    /** From now on no kubelet is on the Node: its Pods do not end. */
    const killKubelet = async (plot: Plot, node: string): Promise<void> => {
      const metadata = { annotations: DEAD_KUBELET };
      for (const pod of await plot.on(node)) {
        await workload.api.patch(
          `/api/v1/namespaces/${plot.namespace}/pods/${pod.metadata.name}`,
          { metadata },
          'merge',
        );
      }
      await workload.api.patch(`/api/v1/nodes/${node}`, { metadata }, 'merge');
      await setCondition(node, 'Ready', 'Unknown');
    };
    const recordOf = async (name: string): Promise<{ readonly state?: string; readonly reason?: string }> =>
      JSON.parse((await fleet.get(name)).metadata.annotations?.[DRAIN_ANNOTATION] ?? '{}');
    const isFenced = async (plot: Plot, node: string): Promise<boolean> =>
      ((await plot.node(node)).spec.taints ?? []).some((taint) => 'key' in taint && taint.key === MACHINE_TAINT.key);
    const isDeleting = async (name: string): Promise<boolean> =>
      (await fleet.get(name)).metadata.deletionTimestamp !== undefined;
    const health = async (name: string): Promise<string | undefined> =>
      (await fleet.get(name)).status?.conditions?.find(({ type }) => type === 'HealthCheckSucceeded')?.status;
    const isReplaced = async (workers: Workers, name: string): Promise<void> => {
      await eventually(async () => ((await workers.names(2)).includes(name) ? undefined : true), {
        what: `another Machine in place of ${name}`,
        deadlineMs: 120_000,
      });
    };

    it('drains a Machine that is replaced because of its Node within the budgets, and lets it go', async () => {
      const { plot, workers, names, first } = await twoWorkers('broken');
      await plot.deployment('web', 4);
      await plot.ready('web', 4);
      await plot.budget('web', { maxUnavailable: 1 });
      const before = (await plot.on(first, 'web')).map(({ metadata }) => metadata.name).sort();
      const [held = ''] = before;
      await plot.holdTermination(held);
      await workers.addHealthCheck(BROKEN, 'True');
      await setCondition(first, BROKEN, 'True');
      expect(await workers.leaving(1)).toEqual([first]);
      expect(await health(first)).toBe('False');
      await eventually(async () => ((await plot.evictions()).length > 0 ? true : undefined), { what: 'an eviction' });
      expect(await fleet.isHooked(first)).toBe(true);
      await plot.holdTermination(held, false);
      await fleet.gone(first);
      for (const reason of ['DrainStarted', 'NodeDrained', 'DeletionApproved']) await fleet.event(first, reason);
      const evicted = (await plot.evictions()).filter(({ responseStatus }) => responseStatus?.code === 201);
      expect([...new Set(evicted.map(({ objectRef }) => objectRef?.name))].sort()).toEqual(before);
      expect(new Set(evicted.map(({ userAgent }) => userAgent?.split('/')[0]))).toEqual(
        new Set(['maintenance-bridge']),
      );
      await isReplaced(workers, first);
      expect(await workers.names(2)).not.toEqual(names);
      await plot.ready('web', 4);
    });

    it('holds a Machine that is replaced while its maintenance is approved', async () => {
      const { workers, first } = await twoWorkers('approved');
      await workers.addHealthCheck(BROKEN, 'True');
      await fleet.label(first, { maintenance: 'requested' });
      await fleet.labelled(first, 'maintenance', 'approved');
      await setCondition(first, BROKEN, 'True');
      expect(await workers.leaving(1)).toEqual([first]);
      expect((await fleet.event(first, 'DeletionHeldByMaintenance')).type).toBe('Warning');
      expect(await fleet.isHooked(first)).toBe(true);
      expect(await fleet.nodeLabels(first)).not.toContain('approve-deletion');
      await fleet.label(first, { maintenance: null });
      await fleet.gone(first);
      await isReplaced(workers, first);
    });

    it('keeps a Machine whose host is off from being replaced, and only that one', async () => {
      const { workers, first, second } = await twoWorkers('switched-off', 'Metal3Machine');
      await workers.addHealthCheck(BROKEN, 'True');
      await fleet.label(first, { maintenance: 'requested' });
      await rack.isOn(first, false);
      expect(await rack.annotations('machine', first)).toHaveProperty([SKIP_REMEDIATION_ANNOTATION]);
      await setCondition(first, BROKEN, 'True');
      // Whoever has seen this one has seen the other.
      await setCondition(second, BROKEN, 'True');
      expect(await workers.leaving(1)).toEqual([second]);
      expect(await isDeleting(first)).toBe(false);

      await setCondition(first, BROKEN, 'False');
      await fleet.label(first, { maintenance: null });
      await rack.isOn(first, true);
      await eventually(
        async () => (SKIP_REMEDIATION_ANNOTATION in (await rack.annotations('machine', first)) ? undefined : true),
        { what: 'remediation to be allowed again', deadlineMs: 60_000 },
      );
      await fleet.gone(second);
      await isReplaced(workers, second);
      expect(await isDeleting(first)).toBe(false);
      // And again it would be.
      await setCondition(first, BROKEN, 'True');
      expect(await workers.leaving(1)).toEqual([first]);
      await fleet.gone(first);
    });

    it('gives up at the deadline where a kubelet is dead, holds the deletion, and goes on once the machine is surely off', async () => {
      await startBridge('--tmm-drain-timeout=15s');
      const { plot, workers, first } = await twoWorkers('dead');
      await plot.deployment('web', 4);
      await plot.ready('web', 4);
      const before = (await plot.on(first, 'web')).map(({ metadata }) => metadata.name).sort();
      expect(before.length).toBeGreaterThan(0);
      await workers.addHealthCheck('Ready', 'Unknown');
      await killKubelet(plot, first);
      expect(await workers.leaving(1)).toEqual([first]);
      await eventually(
        async () =>
          (await plot.report(first))?.blockedBy.some(({ cause }) => cause === 'NodeUnreachable') ? true : undefined,
        { what: 'the dead kubelet to be reported', deadlineMs: 60_000 },
      );
      const told = await fleet.event(first, 'MaintenanceRejected');
      expect(told.note).toContain('GenericFailure');
      await eventually(async () => ((await isFenced(plot, first)) ? undefined : true), { what: 'the fence to go' });
      expect(await recordOf(first)).toMatchObject({ state: 'Rejected' });
      expect(await fleet.isHooked(first)).toBe(true);
      expect((await plot.pods('web')).filter(({ metadata }) => before.includes(metadata.name))).toHaveLength(
        before.length,
      );

      await plot.taint(first, 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute');
      await fleet.gone(first, 180_000);
      await fleet.event(first, 'DeletionApproved');
      await isReplaced(workers, first);
    });

    it('passes over the Pods of a dead kubelet after `tmm.skipWaitForDeleteTimeout`', async () => {
      await startBridge('--tmm-skip-wait-for-delete-timeout=5s');
      const { plot, workers, first } = await twoWorkers('skipped');
      await plot.deployment('web', 4);
      await plot.ready('web', 4);
      expect((await plot.on(first, 'web')).length).toBeGreaterThan(0);
      await workers.addHealthCheck('Ready', 'Unknown');
      await killKubelet(plot, first);
      expect(await workers.leaving(1)).toEqual([first]);
      await fleet.gone(first);
      for (const reason of ['NodeDrained', 'DeletionApproved']) await fleet.event(first, reason);
      await isReplaced(workers, first);
    });
  },
  lackingClusterApi(),
);
