/** Known Nodes of clusters across restarts, kills and refusals, on real API servers: one management cluster and two workload clusters. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installClusterApiCrds, lackingClusterApi } from '../../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { adminKubeconfig, approveDeletion, HeldMachines } from '../../harness/held-machines.ts';
import { command } from '../../harness/program.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { ENABLED_LABEL, HOOK_ANNOTATION, MACHINE_DELETED_LABEL } from '../../src/core/machine-keys.ts';

const START_TIMEOUT_MS = 20 * 60_000;
const NODES = ['told', 'approved', 'disabled', 'moved', 'trusted', 'left', 'killed-approved', 'killed-disabled'];

describeOnControlPlane(
  'Machines whose deletion is held',
  {},
  (get) => {
    let workload: ControlPlane;
    let other: ControlPlane;
    let rights: string;
    const bridges = new Bridges(get, { flags: ['--enable-tmm=false', '--leader-elect=false'] });
    const start = () => bridges.start([], { kubeconfig: rights });

    beforeAll(async () => {
      [workload, other] = await Promise.all([
        startControlPlane({ nodes: NODES }),
        startControlPlane({ nodes: ['moved', 'stranger'] }),
      ]);
      await installClusterApiCrds(get());
      rights = await grantedKubeconfig(get());
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await Promise.all([workload?.stop(), other?.stop()]);
    });

    const isTold = async (node: string): Promise<boolean> => {
      const { metadata } = await workload.api.get<{ metadata: { labels: Record<string, string> } }>(
        `/api/v1/nodes/${node}`,
      );
      return metadata.labels[MACHINE_DELETED_LABEL] === 'true';
    };
    const told = (node: string, wanted = true): Promise<true> =>
      eventually(async () => ((await isTold(node)) === wanted ? true : undefined), {
        what: `Node ${node} to be ${wanted ? 'told' : 'cleaned'}`,
        deadlineMs: 60_000,
      });

    /** With a kubeconfig that has only read access. */
    async function lookingOnly(): Promise<string> {
      const file = await workload.kubeconfigFor({ namespace: 'bridge', name: 'looks' });
      const root = '/apis/rbac.authorization.k8s.io/v1';
      const rules = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] }];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'looks' };
      const subjects = [{ kind: 'ServiceAccount', namespace: 'bridge', name: 'looks' }];
      await workload.api.create(`${root}/clusterroles`, { metadata: { name: 'looks' }, rules });
      await workload.api.create(`${root}/clusterrolebindings`, { metadata: { name: 'looks' }, roleRef, subjects });
      return readFile(file, 'utf8');
    }

    it('releases a hook with credentials that may not patch Nodes, after approval and after disabling', async () => {
      const machines = await HeldMachines.make(get(), 'looks', await lookingOnly());
      await machines.machine('approved');
      await machines.machine('disabled');
      const bridge = start();
      for (const name of ['approved', 'disabled']) {
        await machines.hooked(name);
        await machines.delete(name);
        const { type, note } = await machines.event(name, 'NodeWriteRefused');
        expect(type).toBe('Warning');
        expect(note).toContain('cannot patch resource "nodes"');
        expect(await machines.isHooked(name)).toBe(true);
      }
      await approveDeletion(workload, 'approved');
      await machines.hooked('approved', false);
      await machines.event('approved', 'DeletionApproved');
      await machines.patch('disabled', { labels: { [ENABLED_LABEL]: null } });
      await machines.hooked('disabled', false);
      await machines.event('disabled', 'Disabled');
      expect(bridge.isRunning()).toBe(true);
    });

    it('holds a deletion where the kubeconfig leads to another cluster, also after a restart', async () => {
      const right = await adminKubeconfig(workload);
      const wrong = await adminKubeconfig(other);
      const moved = await HeldMachines.make(get(), 'moved', right);
      const trusted = await HeldMachines.make(get(), 'trusted', right);
      for (const [machines, name] of [[moved, 'moved'] as const, [trusted, 'trusted'] as const]) {
        await machines.machine(name);
      }
      const first = start();
      for (const machines of [moved, trusted]) await machines.known(true);
      expect(await first.end()).toBe(0);

      // In the other cluster one Node is missing, and the other one has the same name.
      for (const [machines, name] of [[moved, 'moved'] as const, [trusted, 'trusted'] as const]) {
        await machines.putKubeconfig(wrong);
        await machines.delete(name);
      }
      start();
      for (const [machines, name] of [[moved, 'moved'] as const, [trusted, 'trusted'] as const]) {
        const { note } = await machines.event(machines.namespace, 'KubeconfigRefused');
        expect(note).toContain('leads to another cluster than before');
        await machines.event(name, 'MaintenanceHookWaiting');
        expect(await machines.isHooked(name)).toBe(true);
      }

      const why = await command(['why', 'machine/trusted', '-n', 'trusted', '--kubeconfig', get().kubeconfig]);
      expect(why.out).toContain(
        'kubectl -n trusted annotate clusters.cluster.x-k8s.io trusted maintenance-bridge.io/known-nodes-',
      );
      await moved.putKubeconfig(right);
      await told('moved');
      await approveDeletion(workload, 'moved');
      await moved.hooked('moved', false);
      // An operator confirms that the Node is gone there.
      await trusted.forgetNodes();
      await trusted.hooked('trusted', false, 120_000);
      await trusted.event('trusted', 'NodeGone');
    });

    it('cleans the Nodes of a cluster whose last Machine was disabled while nobody ran', async () => {
      const machines = await HeldMachines.make(get(), 'left', await adminKubeconfig(workload));
      await machines.machine('left');
      const first = start();
      await machines.known(true);
      await machines.delete('left');
      await told('left');
      await first.end('SIGKILL');
      await machines.patch('left', { labels: { [ENABLED_LABEL]: null }, annotations: { [HOOK_ANNOTATION]: null } });
      const second = start();
      await told('left', false);
      await machines.known(false);
      expect(second.isRunning()).toBe(true);
    });

    it.each(['killed-approved', 'killed-disabled'])(
      'tells once of a release that nobody lived to tell: %s',
      async (name) => {
        const machines = await HeldMachines.make(get(), name, await adminKubeconfig(workload));
        await machines.machine(name);
        const first = bridges.startBehindRelay();
        await machines.known(true);
        await machines.hooked(name);
        await machines.delete(name);
        await told(name);
        const isRelease = asks('PATCH', new RegExp(`/machines/${name}$`));
        bridges.relay.carriedOut = (request) => {
          if (isRelease(request)) void first.end('SIGKILL');
        };
        if (name === 'killed-approved') await approveDeletion(workload, name);
        else await machines.patch(name, { labels: { [ENABLED_LABEL]: null } });
        await killed(first);
        expect(await machines.isHooked(name)).toBe(false);
        const reason = name === 'killed-approved' ? 'DeletionApproved' : 'Disabled';
        expect(await machines.events(name, reason)).toEqual([]);

        const second = start();
        await machines.event(name, reason);
        await second.end();
        // A third process finds that it was reported.
        const third = start();
        await third.logged(({ msg, runnable }) => msg === 'Starting' && runnable === 'capi', 'the controller to start');
        await machines.machine('told');
        await machines.hooked('told');
        await machines.delete('told');
        await machines.event('told', 'MaintenanceHookWaiting');
        await third.end();
        expect(await machines.events(name, reason)).toHaveLength(1);
      },
    );
  },
  lackingClusterApi(),
);
