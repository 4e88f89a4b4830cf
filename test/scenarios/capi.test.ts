/** The Cluster API bridge between Cluster API's controller, real or simulated, and the Nodes of workload clusters. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lackingClusterApi } from '../../controlplane/cluster-api.ts';
import type { ControlPlane } from '../../controlplane/controlplane.ts';
import { startMachines } from '../../harness/machine-managers.ts';
import { Fleet, type ServedMachine } from '../../harness/machines.ts';
import { Bridge } from '../../harness/program.ts';
import { RestError } from '../../harness/rest.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, GROUND, itWhereThereIs, startAnother } from './suite.ts';

const ENABLED = { 'runtime-extension-maintenance-controller.cloud.sap/enabled': 'true' };
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const UNDONE = 'Somebody undoes a change again and again';
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** The first run builds the controller. */
const START_TIMEOUT_MS = 20 * 60_000;
/** A lost connection is retried within a minute. */
const OUTAGE_TIMEOUT_MS = 240_000;

describeScenario(
  'the Cluster API bridge',
  { auditLog: true },
  (get) => {
    let bridge: Bridge;
    let workload: ControlPlane;
    let clusterApi: AsyncDisposable;
    let fleet: Fleet;

    beforeAll(async () => {
      workload = await startAnother({});
      // It starts before Cluster API is installed: it waits without errors.
      bridge = new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags: ['--enable-tmm=false'] });
      await bridge.logged(({ msg, runnable }) => msg === 'Starting' && runnable === 'capi', 'the controller to start');
      expect(bridge.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
      clusterApi = await startMachines(get(), workload);
      fleet = await Fleet.make(get(), workload, 'metal', 'shop');
      // Without a control plane that stays, Cluster API would ignore hooks.
      await fleet.machine('control', { controlPlane: true });
      // For the last test: after an outage Cluster API takes a while to match Machines and Nodes.
      await fleet.machine('older', { labels: ENABLED });
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await bridge?.end();
      await clusterApi?.[Symbol.asyncDispose]();
      await workload?.stop();
    });

    /** Requests by which the bridge has changed this Machine, without those that were refused by a conflict. */
    const patchesOf = async (name: string): Promise<readonly unknown[]> =>
      (await get().auditEvents())
        .filter(
          ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'machines' && objectRef.name === name,
        )
        .filter(
          ({ user, responseStatus }) => /:maintenance-bridge$/.test(user.username) && responseStatus?.code === 200,
        )
        .map(({ requestObject }) => requestObject);

    it('holds a deletion before the drain until the Node approves', async () => {
      await fleet.machine('held', { labels: ENABLED });
      await fleet.hooked('held');
      expect(await fleet.nodeLabels('held')).toEqual([]);
      // The content of the first Event depends on whether the Node can be read.
      await bridge.logged(({ msg }) => msg === 'Workload cluster connected', 'the workload cluster to be connected');

      await fleet.delete('held');
      await fleet.nodeIsLabelled('held', 'machine-deleted');
      await fleet.heldBeforeDrain('held');
      expect((await fleet.event('held', 'MaintenanceHookWaiting')).note).toContain(
        'approve-deletion=true on Node held',
      );

      expect(await ask(get(), 'status')).toMatch(
        /^machine\/metal\/held +DeletionWaiting .*Node held of cluster metal\/shop: label .*approve-deletion=true/m,
      );
      const why = JSON.parse(await ask(get(), 'why', 'machine/held', '-n', 'metal', '-o', 'json'));
      // The command that it shows is correct; this test has the kubeconfig from elsewhere.
      const [, ...command] = why.release.replace(/ --kubeconfig (<[^>]*>|\S+)/, '').split(' ');
      expect(await workload.kubectl(command)).toMatchObject({ code: 0 });
      await fleet.gone('held');
      await fleet.event('held', 'DeletionApproved');
      // One request set the hook, one removed it.
      expect(await patchesOf('held')).toHaveLength(2);
    });

    it('carries a maintenance to the Node and the approval back', async () => {
      await fleet.machine('served', { labels: ENABLED });
      await fleet.hooked('served');
      await fleet.label('served', { maintenance: 'requested' });
      await fleet.nodeIsLabelled('served', 'machine-maintenance');
      expect(await ask(get(), 'why', 'machine/served', '-n', 'metal')).toMatch(/Since: +\d{4}-.* ago\)/);
      await fleet.labelNode('served', { 'approve-maintenance': 'true' });
      await fleet.labelled('served', 'maintenance', 'approved');
      await fleet.label('served', { maintenance: null });
      await fleet.nodeIsLabelled('served', 'approve-maintenance');
      for (const reason of ['MaintenanceRequested', 'MaintenanceApproved', 'MaintenanceEnded']) {
        await fleet.event('served', reason);
      }
    });

    it('lets a deletion go whose Node is gone', async () => {
      await fleet.machine('lost', { labels: ENABLED });
      await fleet.hooked('lost');
      await fleet.delete('lost');
      await fleet.heldBeforeDrain('lost');
      await workload.api.delete('/api/v1/nodes/lost');
      await fleet.gone('lost');
      await fleet.event('lost', 'NodeGone');
    });

    it('takes everything back from a Machine that is disabled', async () => {
      await fleet.machine('disabled', { labels: ENABLED });
      await fleet.label('disabled', { maintenance: 'requested' });
      await fleet.nodeIsLabelled('disabled', 'machine-maintenance');
      await fleet.hooked('disabled');
      await fleet.label('disabled', { enabled: null });
      await fleet.unhooked('disabled');
      await fleet.nodeIsLabelled('disabled');
    });

    it('takes everything back from a Node whose Machine was removed by hand', async () => {
      await fleet.machine('orphan', { labels: ENABLED });
      await fleet.label('orphan', { maintenance: 'requested' });
      await fleet.nodeIsLabelled('orphan', 'machine-maintenance');
      await fleet.removeByHand('orphan');
      await fleet.nodeIsLabelled('orphan');
    });

    it('leaves everything alone while the Cluster is paused', async () => {
      await fleet.machine('paused');
      await fleet.pause(true);
      // All Clusters come by the same watch: after this change, the pause is known too.
      const other = await Fleet.make(get(), workload, 'metal', 'other');
      await other.machine('witness', { labels: ENABLED });
      await other.hooked('witness');
      await fleet.label('paused', { enabled: 'true', maintenance: 'requested' });
      // Machines come by another watch.
      await other.machine('second', { labels: ENABLED });
      await other.hooked('second');
      expect(await fleet.isHooked('paused')).toBe(false);
      expect(await fleet.nodeLabels('paused')).toEqual([]);
      await fleet.pause(false);
      await fleet.hooked('paused');
      await fleet.nodeIsLabelled('paused', 'machine-maintenance');
    });

    it('does not fight a template that forces the request back', async () => {
      await fleet.machine('forced', { labels: ENABLED });
      await fleet.force('forced', { maintenance: 'requested' });
      await fleet.nodeIsLabelled('forced', 'machine-maintenance');
      await fleet.labelNode('forced', { 'approve-maintenance': 'true' });
      expect((await fleet.event('forced', 'KeyForcedByTemplate')).type).toBe('Warning');
      expect((await fleet.get('forced')).metadata.labels).toMatchObject({
        'runtime-extension-maintenance-controller.cloud.sap/maintenance': 'requested',
      });
    });

    it('is not drawn into a fight with somebody who removes the hook each time', async () => {
      await fleet.machine('fought', { labels: ENABLED });
      await fleet.hooked('fought');
      await eventually(
        async () => {
          if (await fleet.isHooked('fought')) await fleet.annotate('fought', { [HOOK]: null });
          return bridge.lines.some(({ msg, Machine }) => msg === UNDONE && Machine === 'metal/fought')
            ? true
            : undefined;
        },
        { what: 'the bridge to say that it is undone', deadlineMs: 30_000, pollMs: 10 },
      );
      await fleet.hooked('fought');
    });

    it('refuses a kubeconfig that would run a program, and says so on the Cluster', async () => {
      const refused = await Fleet.make(get(), workload, 'metal', 'refused');
      const value = JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server: workload.serverUrl } }],
        users: [
          { name: 'u', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/false' } } },
        ],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      });
      await get().api.patch(
        '/api/v1/namespaces/metal/secrets/refused-kubeconfig',
        { data: { value: Buffer.from(value).toString('base64') } },
        'merge',
      );
      await refused.machineWithoutNode('unseen', { labels: ENABLED });
      expect((await refused.event('refused', 'KubeconfigRefused')).note).toContain('exec');
      await refused.hooked('unseen');
    });

    itWhereThereIs('admission', 'holds no deletion for a workload cluster that takes no labels from us', async () => {
      for (const name of ['strict-approved', 'strict-disabled']) {
        await fleet.machine(name, { labels: ENABLED });
        await fleet.hooked(name);
        await refuseLabel(workload, name);
        await fleet.delete(name);
        const { type, note } = await fleet.event(name, 'NodeWriteRefused');
        expect(type).toBe('Warning');
        expect(note).toContain('labels are the tenant’s');
        expect(await fleet.isHooked(name)).toBe(true);
      }
      await fleet.labelNode('strict-approved', { 'approve-deletion': 'true' });
      await fleet.label('strict-disabled', { enabled: null });
      for (const name of ['strict-approved', 'strict-disabled']) await fleet.gone(name);
      expect((await fleet.event('strict-approved', 'DeletionApproved')).note).toMatch(/^Approved: /);
      expect((await fleet.event('strict-disabled', 'Disabled')).note).toMatch(/^Disabled: /);
    });

    // An outage takes most of a minute to be noticed and to end; `faults.test.ts` has shorter ones.
    it.runIf(GROUND === 'controlplane')(
      'waits for a workload cluster that is down, and goes on when it is back',
      async () => {
        await fleet.machine('waiting', { labels: ENABLED });
        await fleet.hooked('waiting');
        await workload.stopApiServer();
        await fleet.delete('waiting');
        await fleet.event('waiting', 'MaintenanceHookWaiting');
        await bridge.logged(
          ({ msg, state }) => msg === 'Workload cluster not connected' && state === 'Unreachable',
          'the outage to be noticed',
          120_000,
        );
        await fleet.event('shop', 'ClusterUnreachable');
        expect(await fleet.isHooked('waiting')).toBe(true);
        await workload.startApiServer();
        await eventually(
          async () => ((await fleet.nodeLabels('waiting')).includes('machine-deleted') ? true : undefined),
          { what: 'the Node to be told after the outage', deadlineMs: 120_000 },
        );
        await fleet.labelNode('waiting', { 'approve-deletion': 'true' });
        await fleet.gone('waiting');
      },
      OUTAGE_TIMEOUT_MS,
    );

    itWhereThereIs('versions', 'goes on in the older version when the newer one is withdrawn', async ({ skip }) => {
      skip(fleet.version === 'v1beta1', 'this Cluster API serves one version');
      await fleet.hooked('older');
      // Cluster API itself would not survive this; it has finished its part by now.
      await clusterApi[Symbol.asyncDispose]();
      for (const plural of ['machines', 'clusters']) await withdraw(get(), `${plural}.cluster.x-k8s.io`, 'v1beta2');
      const path = '/apis/cluster.x-k8s.io/v1beta1/namespaces/metal/machines/older';
      await eventually(
        async () => {
          const label = { 'runtime-extension-maintenance-controller.cloud.sap/maintenance': 'requested' };
          await get().api.patch(path, { metadata: { labels: label } }, 'merge');
          return (await fleet.nodeLabels('older')).includes('machine-maintenance') ? true : undefined;
        },
        { what: 'the Node to be told', deadlineMs: 60_000 },
      );
      await fleet.labelNode('older', { 'approve-maintenance': 'true' });
      await eventually(
        async () => {
          const { metadata } = await get().api.get<{ metadata: { labels: Record<string, string> } }>(path);
          const value = metadata.labels['runtime-extension-maintenance-controller.cloud.sap/maintenance'];
          return value === 'approved' ? true : undefined;
        },
        { what: 'the approval to come back', deadlineMs: 60_000 },
      );
    });

    itWhereThereIs('rbac', 'needs no right that it does not have', () => {
      expect(denied(bridge)).toEqual([]);
      expect(bridge.isRunning()).toBe(true);
    });

    itWhereThereIs('rbac', 'limited to some namespaces, needs rights in these alone and sees no other', async () => {
      await bridge.end();
      const { api } = get();
      const machinesOf = (namespace: string) => `/apis/cluster.x-k8s.io/v1beta1/namespaces/${namespace}/machines`;
      for (const namespace of ['team-a', 'team-b', 'strangers']) {
        await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
        await api.create(machinesOf(namespace), {
          apiVersion: 'cluster.x-k8s.io/v1beta1',
          kind: 'Machine',
          metadata: { name: 'm', labels: ENABLED },
          spec: {
            clusterName: 'shop',
            bootstrap: { dataSecretName: 'none' },
            infrastructureRef: {
              apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1',
              kind: 'GenericInfrastructureMachine',
              name: 'none',
            },
          },
        });
      }
      const annotationsOf = async (namespace: string) =>
        (await api.get<ServedMachine>(`${machinesOf(namespace)}/m`)).metadata.annotations;
      const limits = ['team-a', 'team-b'];
      bridge = new Bridge({
        kubeconfig: await grantedKubeconfig(get(), { capi: {}, namespaces: limits }),
        flags: ['--enable-tmm=false', '--leader-election-id=limited', `--namespace=${limits.join(',')}`],
      });
      for (const namespace of limits) {
        await eventually(async () => annotationsOf(namespace), {
          what: `the hook in ${namespace}`,
          deadlineMs: 30_000,
        });
      }
      expect(await annotationsOf('strangers')).toBeUndefined();
      expect(denied(bridge)).toEqual([]);
    });
  },
  lackingClusterApi(),
);

function denied({ lines }: Bridge): readonly string[] {
  const all = lines.map((line) => JSON.stringify(line));
  // Requests on these Machines are refused on purpose.
  return all.filter((line) => line.includes('forbidden') && !line.includes('strict-'));
}

const TOLD = 'runtime-extension-maintenance-controller.cloud.sap/machine-deleted';

/** Makes the workload cluster refuse our label on this Node; returns when it does. */
async function refuseLabel({ api }: ControlPlane, node: string): Promise<void> {
  const root = '/apis/admissionregistration.k8s.io/v1';
  await api.create(`${root}/validatingadmissionpolicies`, {
    metadata: { name: node },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['nodes'] }],
      },
      matchConditions: [{ name: 'one', expression: `object.metadata.name == "${node}"` }],
      validations: [{ expression: `!("${TOLD}" in object.metadata.labels)`, message: 'labels are the tenant’s' }],
    },
  });
  await api.create(`${root}/validatingadmissionpolicybindings`, {
    metadata: { name: node },
    spec: { policyName: node, validationActions: ['Deny'] },
  });
  await eventually(
    async () => {
      try {
        await api.patch(`/api/v1/nodes/${node}`, { metadata: { labels: { [TOLD]: 'true' } } }, 'merge', {
          dryRun: 'All',
        });
        return undefined;
      } catch (error) {
        if (error instanceof RestError && error.code === 422) return true;
        throw error;
      }
    },
    { what: `labels of Node ${node} to be refused`, deadlineMs: 60_000 },
  );
}

/** The command as a user runs it. @throws Error with its output if it fails. */
async function ask({ kubeconfig }: ControlPlane, ...args: readonly string[]): Promise<string> {
  const [command = '', ...rest] = args;
  const { stdout } = await promisify(execFile)(process.execPath, [
    MAIN,
    command,
    `--kubeconfig=${kubeconfig}`,
    ...rest,
  ]);
  return stdout;
}

/** Stops serving one version of a CRD. */
async function withdraw({ api }: ControlPlane, name: string, version: string): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const { spec } = await api.get<{ spec: { versions: { name: string; served: boolean }[] } }>(path);
  const index = spec.versions.findIndex((each) => each.name === version);
  await api.patch(path, [{ op: 'replace', path: `/spec/versions/${index}/served`, value: false }], 'json');
}
