/**
 * The chart with Helm on a real control plane: installed, upgraded, rolled back, tested and removed, while the program
 * works with the ServiceAccount, the arguments and the configuration of the release. The Pods are simulated.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHART_DIRECTORY } from '../../harness/chart.ts';
import { rbacFor, rulesOf } from '../../harness/chart-rights.ts';
import { cleanUpBlocks, runInShell } from '../../harness/clean-up.ts';
import { isAllowed, type Right, rightsIn, say } from '../../harness/grants.ts';
import { Installation } from '../../harness/installation.ts';
import { Plot } from '../../harness/plot.ts';
import { previousChart } from '../../harness/previous-chart.ts';
import { type Bridge, command } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { CHART_TOOLS, ensureTools, lackingTools } from '../../harness/tools/tools.ts';
import { eventually } from '../../harness/wait.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true, nodes: ['infra-a', 'infra-b'] };
const OURS = 'maintenance-bridge';
const WAIT = ['--wait', '--rollback-on-failure', '--timeout=60s'];
const PREVIOUS = previousChart();
/** Kinds whose objects are created and deleted by others. */
const RESTLESS = /^(events|componentstatuses|endpoints$)/;
const CONDITIONS: readonly string[] = ['MaintenancePlanned', 'MaintenanceInProgress', 'DrainInProgress', 'Drained'];

describeOnControlPlane(
  'the chart',
  OPTIONS,
  (get) => {
    let release: Installation;
    let plot: Plot;
    let bridge: Bridge;
    /** Everything in the cluster before the first installation. */
    let before: ReadonlySet<string>;

    beforeAll(async () => {
      const { helm } = await ensureTools(CHART_TOOLS);
      release = new Installation(get(), helm);
      plot = await Plot.make(get(), 'shop', 3);
      await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
      await plot.budget('web', { maxUnavailable: 1 });
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await get().api.create('/api/v1/namespaces', { metadata: { name: OURS, labels } });
      await eventually(async () => ((await names()).has(`ServiceAccount ${OURS}/default`) ? true : undefined), {
        what: 'the namespace to be furnished',
      });
      before = await names();
    });
    afterAll(async () => {
      await bridge?.end('SIGKILL');
    });

    const kubectl = (...args: readonly string[]): Promise<string> => plot.kubectl(...args);
    /** Every object of the cluster except those of the workload. */
    const names = async (): Promise<ReadonlySet<string>> => {
      const kinds = (await kubectl('api-resources', '--verbs=list', '--output=name')).trim().split('\n');
      const columns = '--output=custom-columns=:.kind,:.metadata.namespace,:.metadata.name';
      const lasting = kinds.filter((kind) => !RESTLESS.test(kind)).join(',');
      const table = (await kubectl('get', lasting, '--all-namespaces', '--no-headers', columns)).trim().split('\n');
      const rows = table.map((line) => line.trim().split(/ +/)).filter(([, namespace]) => namespace !== plot.namespace);
      return new Set(
        rows.map(([kind, namespace, name]) => `${kind} ${namespace === '<none>' ? '' : `${namespace}/`}${name}`),
      );
    };
    const added = async (): Promise<readonly string[]> =>
      [...(await names())].filter((name) => !before.has(name)).sort();
    const leftIs = (expected: readonly string[]): Promise<unknown> =>
      eventually(async () => ((await added()).join() === expected.join() ? true : undefined), {
        what: `nothing to be left but ${expected.join()}`,
        deadlineMs: 30_000,
        pollMs: 250,
      }).catch(async (cause: unknown) => expect(await added(), `${cause}`).toEqual(expected));
    const status = async (): Promise<string> => (await command(['status', '--kubeconfig', get().kubeconfig])).out;
    const refusals = async (): Promise<readonly unknown[]> =>
      (await get().auditEvents())
        .filter(({ user, responseStatus }) => user.username === release.user && responseStatus?.code === 403)
        .map(({ verb, requestURI }) => `${verb} ${requestURI}`);

    describe('installed', () => {
      it('brings two ready replicas and what belongs to them into a namespace that enforces `restricted`', async () => {
        const privileged = await get().kubectl([
          ...['run', 'root', '--image=root', '--privileged', `--namespace=${OURS}`, '--dry-run=server'],
        ]);
        expect(privileged.stderr).toContain('violates PodSecurity "restricted:latest"');
        const notes = await release.helm('install', OURS, CHART_DIRECTORY, ...WAIT);
        expect(notes).toContain(`kubectl get lease -n ${OURS} ${OURS}`);
        expect((await kubectl('get', 'deployment', OURS, '-n', OURS, '--no-headers')).split(/ +/)[1]).toBe('2/2');
        const made = (await added()).filter((name) => !/^(ReplicaSet|Pod|EndpointSlice|IPAddress) /.test(name));
        expect(made).toEqual([
          `ClusterRole ${OURS}`,
          `ClusterRoleBinding ${OURS}`,
          `ConfigMap ${OURS}/${OURS}`,
          `Deployment ${OURS}/${OURS}`,
          `PodDisruptionBudget ${OURS}/${OURS}`,
          `Role ${OURS}/${OURS}`,
          `RoleBinding ${OURS}/${OURS}`,
          `Secret ${OURS}/sh.helm.release.v1.${OURS}.v1`,
          `Service ${OURS}/${OURS}`,
          `ServiceAccount ${OURS}/${OURS}`,
        ]);
      });

      it('may do this and no more', async () => {
        const rows = async (account: string): Promise<readonly string[]> => {
          const as = `--as=system:serviceaccount:${OURS}:${account}`;
          const table = await kubectl('auth', 'can-i', '--list', '--no-headers', '-n', OURS, as);
          return table
            .trim()
            .split('\n')
            .map((line) => line.trim().replaceAll(/ +/g, ' '));
        };
        const everybody = new Set(await rows('nobody'));
        expect((await rows(OURS)).filter((row) => !everybody.has(row)).sort()).toEqual([
          'clusters.cluster.x-k8s.io [] [] [list watch patch]',
          'csinodes.storage.k8s.io [] [] [list watch]',
          'daemonsets.apps [] [] [list watch]',
          'events.events.k8s.io [] [] [create]',
          'jobs.batch [] [] [list watch]',
          'leases.coordination.k8s.io [] [] [create]',
          'leases.coordination.k8s.io [] [maintenance-bridge] [get update]',
          'machines.cluster.x-k8s.io [] [] [list watch patch]',
          'nodes [] [] [list watch patch]',
          'nodes/status [] [] [patch]',
          'persistentvolumeclaims [] [] [list watch]',
          'persistentvolumes [] [] [list watch]',
          'poddisruptionbudgets.policy [] [] [list watch]',
          'pods [] [] [list watch patch]',
          'pods/eviction [] [] [create]',
          'replicasets.apps [] [] [list watch]',
          'replicationcontrollers [] [] [list watch]',
          'secrets [] [] [get]',
          'statefulsets.apps [] [] [list watch]',
          'storageclasses.storage.k8s.io [] [] [list watch]',
        ]);
      });

      it('lets one replica be drained, and not the last', async () => {
        const pods = await release.pods();
        expect(new Set(pods.map(({ spec }) => spec.nodeName)).size).toBe(2);
        const [first, last] = pods;
        const nodes = [...OPTIONS.nodes, ...plot.nodes];
        // No Node has room for the replacement.
        await kubectl('cordon', ...nodes);
        try {
          const ours = `--pod-selector=app.kubernetes.io/instance=${OURS}`;
          await kubectl('drain', first?.spec.nodeName ?? '', ours, '--timeout=30s');
          const name = last?.metadata.name;
          const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: OURS } };
          await expect(get().api.create(`/api/v1/namespaces/${OURS}/pods/${name}/eviction`, eviction)).rejects.toThrow(
            "Cannot evict pod as it would violate the pod's disruption budget.",
          );
        } finally {
          await kubectl('uncordon', ...nodes);
        }
        await kubectl('rollout', 'status', `deployment/${OURS}`, '-n', OURS, '--timeout=30s');
      });

      it('drains a Node that is tainted, by the rights, arguments and configuration of its container', async () => {
        bridge = await (await release.start()).leads();
        await plot.taint();
        await plot.phase('InMaintenance');
        expect(await plot.on(plot.home)).toEqual([]);
        expect(await status()).toMatch(/^node\/shop-a +InMaintenance +2\/2 /m);
        await plot.untaint();
        await plot.phase('none');
        expect(await status()).toContain('Nothing is under way.');
      });

      it('passes `helm test`', async () => {
        const [suite, printed] = await Promise.all([release.helm('test', OURS, '--timeout=60s'), release.runTestPod()]);
        expect(suite).toMatch(/^Phase: +Succeeded$/m);
        expect(printed).toMatch(/^maintenance-bridge \d+\.\d+\.\d+ /);
      });

      it('refuses values that it does not know, and changes nothing', async () => {
        const wrong = ['--set=features.tmm.enable=false', '--set=logLevel=loud'];
        const { code, stderr } = await release.tryHelm('upgrade', OURS, CHART_DIRECTORY, ...wrong);
        expect(code).not.toBe(0);
        expect(stderr).toContain("- at '/features/tmm': additional properties 'enable' not allowed");
        expect(stderr).toContain("- at '/logLevel': value must be one of 'debug', 'info', 'warn', 'error'");
        expect(JSON.parse(await release.helm('history', OURS, '--output=json'))).toHaveLength(1);
      });

      it('leaves nothing but the Lease and the conditions when it is uninstalled, and the clean-up removes these', async () => {
        expect(await bridge.end()).toBe(0);
        await release.helm('uninstall', OURS, '--wait', '--timeout=60s');
        await leftIs([`Lease ${OURS}/${OURS}`]);
        const told = async () => (await plot.node()).status.conditions?.filter(({ type }) => CONDITIONS.includes(type));
        expect((await told())?.map(({ status }) => status)).toEqual(CONDITIONS.map(() => 'False'));
        const { annotations, labels } = (await plot.node()).metadata;
        expect(JSON.stringify([annotations, labels])).not.toContain(OURS);
        const [inOwnCluster = ''] = await cleanUpBlocks();
        await runInShell(get(), inOwnCluster);
        await leftIs([]);
        expect(await told()).toEqual([]);
      });
    });

    describe(`with Temporary Maintenance Mode alone, upgraded from ${PREVIOUS.what}`, () => {
      const ALONE = '--set=features.clusterApi.enabled=false';
      let rights: readonly Right[];

      beforeAll(async () => {
        const folder = join(get().directory, 'previous');
        await mkdir(folder);
        await release.helm('install', OURS, PREVIOUS.write(folder), ALONE, '--set=image.tag=previous', ...WAIT);
        bridge = await (await release.start()).leads();
        await plot.taint();
        await plot.phase('InMaintenance');
        const rbac = await rbacFor({ tmm: {} }, { namespace: OURS, name: OURS });
        rights = [...rightsIn(rulesOf(rbac, 'ClusterRole')), ...rightsIn(rulesOf(rbac, 'Role'), OURS)];
      });

      /** State that neither an upgrade nor a rollback may change: the leader, the Node, and the Nodes of its Pods. */
      const state = async (): Promise<object> => {
        const lease = await get().api.get<{ spec: { holderIdentity: string; leaseTransitions: number } }>(
          `/apis/coordination.k8s.io/v1/namespaces/${OURS}/leases/${OURS}`,
        );
        const { metadata, spec, status } = await plot.node();
        return {
          holder: lease.spec.holderIdentity,
          transitions: lease.spec.leaseTransitions,
          annotations: metadata.annotations,
          spec,
          conditions: status.conditions?.filter(({ type }) => CONDITIONS.includes(type)),
          pods: (await plot.pods('web')).map(({ metadata: { name, uid }, spec: { nodeName } }) => [
            name,
            uid,
            nodeName,
          ]),
        };
      };

      /** Checks every right repeatedly while Helm works. @returns those that were missing at any time. */
      const lackingDuring = async (work: Promise<unknown>): Promise<readonly string[]> => {
        let isOver = false;
        const over = work.finally(() => {
          isOver = true;
        });
        const lacking = new Set<string>();
        let rounds = 0;
        for (; !isOver; rounds += 1) {
          const allowed = await Promise.all(rights.map((right) => isAllowed(get(), release.user, right)));
          for (const [index, right] of rights.entries()) if (allowed[index] === false) lacking.add(say(right));
        }
        await over;
        expect(rounds).toBeGreaterThan(1);
        return [...lacking];
      };

      /** Replaces all Pods of the release by a Helm operation. */
      const undisturbedBy = async (...args: readonly string[]): Promise<void> => {
        const pods = (await release.pods()).map(({ metadata }) => metadata.name);
        const known = await state();
        expect(await lackingDuring(release.helm(...args))).toEqual([]);
        expect(await state()).toEqual(known);
        const names = (await release.pods()).map(({ metadata }) => metadata.name);
        expect(names).toHaveLength(2);
        expect(names.filter((name) => pods.includes(name))).toEqual([]);
      };

      it('keeps the leader, its values and rights, and the Node in maintenance', async () => {
        await undisturbedBy(
          'upgrade',
          OURS,
          CHART_DIRECTORY,
          '--reset-then-reuse-values',
          '--set=image.tag=next',
          ...WAIT,
        );
      });

      it('hands over to the new release, which finds everything as it was', async () => {
        const { holder: _, transitions: __, ...known } = (await state()) as Readonly<Record<string, unknown>>;
        const next = await release.start();
        await next.logged(({ msg }) => msg === 'Observed a leader', 'it to stand by');
        expect(await bridge.end()).toBe(0);
        bridge = await next.leads();
        expect(await state()).toMatchObject(known);
      });

      it('keeps all of it through a rollback too', async () => {
        await undisturbedBy('rollback', OURS, '1', '--wait', '--timeout=60s');
      });

      it('has ended the maintenance and left nothing else behind, and nothing was ever forbidden', async () => {
        await plot.untaint();
        await plot.phase('none');
        expect(await bridge.end()).toBe(0);
        await release.helm('uninstall', OURS, '--wait', '--timeout=60s');
        await leftIs([`Lease ${OURS}/${OURS}`]);
        expect(await refusals()).toEqual([]);
      });
    });
  },
  lackingTools(CHART_TOOLS),
);
