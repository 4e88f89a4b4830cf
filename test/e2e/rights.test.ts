/**
 * Each right that the chart grants is reported by name while it is missing, the work continues as soon as it is granted, and no
 * unused right is granted. One process runs through all of it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../controlplane/ports.ts';
import { rbacFor, rulesOf, workloadClusterRules } from '../../harness/chart-rights.ts';
import { Grants, type Right, rightsIn, say } from '../../harness/grants.ts';
import { installMetal3Crds, Rack, REBOOT } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, type LogLine } from '../../harness/program.ts';
import { addSelfManagedMachine } from '../../harness/self-managed.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { STORED_POD_TYPE, secretNameOf } from '../../src/core/stored-pods.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const OWN = 'bridge';
/** Every setting that needs a right is enabled. */
const TMM = { cordon: 'always', unmanagedPods: 'recreate', pods: [{ namespaceSelector: {} }], admissionTimeout: '3s' };
const METAL3 = { requireDrained: true, waitForVolumeDetach: true };
const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';

describeOnControlPlane('the rights of the program', OPTIONS, (get) => {
  let management: Grants;
  let workload: Grants;
  let bridge: Bridge;
  let port: number;
  let plot: Plot;
  let rack: Rack;

  beforeAll(async () => {
    await installMetal3Crds(get());
    const account = { namespace: OWN, name: 'maintenance-bridge' };
    const kubeconfig = await get().kubeconfigFor(account);
    const rbac = await rbacFor({ tmm: TMM, capi: {}, metal3: METAL3 }, account);
    const inCluster = rightsIn(rulesOf(rbac, 'ClusterRole'));
    management = new Grants(get(), account, [...inCluster, ...rightsIn(rulesOf(rbac, 'Role'), OWN)]);
    const owner = { namespace: OWN, name: 'workload' };
    workload = new Grants(get(), owner, rightsIn(await workloadClusterRules()));
    rack = new Rack(get(), 'metal');
    await addSelfManagedMachine(get(), rack, 'machine-1', owner);
    plot = await Plot.make(get(), 'rights', 2);
    await plot.bare('tool', { nodeName: plot.home });
    await plot.ready('tool', 1);

    const config = join(get().directory, 'bridge.yaml');
    const configuration = {
      apiVersion: 'maintenance-bridge.io/v1alpha1',
      kind: 'BridgeConfiguration',
      tmm: TMM,
      metal3: { ...METAL3, enabled: true },
    };
    await writeFile(config, JSON.stringify(configuration));
    port = await freePort();
    bridge = new Bridge({
      kubeconfig,
      flags: [`--config=${config}`, `--health-probe-bind-address=127.0.0.1:${port}`],
      env: { POD_NAMESPACE: OWN },
    });
  });
  afterAll(async () => {
    await bridge?.end();
    await removePlots();
  });

  const label = (labels: Readonly<Record<string, string>>): Promise<unknown> =>
    get().api.patch(
      '/apis/cluster.x-k8s.io/v1beta2/namespaces/metal/machines/machine-1',
      { metadata: { labels: prefixed(labels) } },
      'merge',
    );
  const labelNode = (labels: Readonly<Record<string, string>>): Promise<unknown> =>
    get().api.patch('/api/v1/nodes/machine-1', { metadata: { labels: prefixed(labels) } }, 'merge');
  const readyz = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/readyz?verbose`)).text();
  const nodeLabels = async (): Promise<Readonly<Record<string, string>>> =>
    (await get().api.get<{ metadata: { labels: Record<string, string> } }>('/api/v1/nodes/machine-1')).metadata.labels;
  /** The rights that an account has used or tried to use, according to the audit log. */
  const asked = async ({ user, all }: Grants, code?: number): Promise<ReadonlySet<string>> => {
    const events = (await get().auditEvents()).filter(
      (event) => event.user.username === user && (code === undefined || event.responseStatus?.code === code),
    );
    return new Set(
      events.flatMap(({ verb, objectRef }) => {
        if (objectRef?.resource === undefined) return [];
        const { apiGroup: group = '', resource: kind, subresource, namespace, name } = objectRef;
        // Granted to every authenticated user (system:basic-user); used to search for remains of disabled features.
        if (kind === 'selfsubjectaccessreviews') return [];
        const resource = subresource === undefined ? kind : `${kind}/${subresource}`;
        const allowing = all.filter(
          (right) =>
            [right.verb, right.group, right.resource].join() === [verb, group, resource].join() &&
            (right.namespace ?? namespace) === namespace &&
            (right.name ?? name) === name,
        );
        // If two match: the one in our own namespace was granted for it. If none matches: it is reported as requested.
        const narrowest = allowing.find((right) => right.namespace !== undefined) ?? allowing[0];
        return [say(narrowest ?? { group, resource, verb })];
      }),
    );
  };
  const refused = (grants: Grants): Promise<ReadonlySet<string>> => asked(grants, 403);
  /** The API server's message about the refused request. */
  const refusal = ({ verb, resource, group }: Right): string =>
    `cannot ${verb} resource "${resource}" in API group "${group}"`;
  const tells = (line: LogLine, text: string): boolean =>
    (line.level === 'warn' || line.level === 'error') && JSON.stringify(line).replaceAll('\\"', '"').includes(text);

  /** Waits until the log reports a missing right, and grants it. */
  const missThenGrant = async (grants: Grants, name: string): Promise<void> => {
    const right = grants.all.find((each) => say(each) === name);
    if (right === undefined) throw new Error(`Nobody asks for the right to ${name}`);
    await bridge.logged((line) => tells(line, refusal(right)), `a line that misses the right to ${name}`);
    await grants.grant((each) => each === right);
  };

  it('are missed in /readyz by every kind that cannot be listed', async () => {
    const kinds = new Set(management.all.filter(({ verb }) => verb === 'list'));
    await eventually(
      async () => {
        const text = await readyz();
        return [...kinds].every((right) => text.includes(refusal(right))) ? true : undefined;
      },
      { what: 'every kind to be named' },
    );
    await management.grant(({ verb }) => verb === 'list');
  });

  it('are missed in /readyz by every kind that cannot be watched', async () => {
    const kinds = management.all.filter(({ verb }) => verb === 'watch');
    await eventually(
      async () => {
        const text = await readyz();
        return kinds.every((right) => text.includes(refusal(right))) ? true : undefined;
      },
      { what: 'every kind to be named', deadlineMs: 40_000 },
    );
    await management.grant(({ verb }) => verb === 'watch');
  });

  it('are missed by the election, which goes on with them', async () => {
    await missThenGrant(management, `get leases.coordination.k8s.io maintenance-bridge in ${OWN}`);
    await missThenGrant(management, `create leases.coordination.k8s.io in ${OWN}`);
    await missThenGrant(management, `update leases.coordination.k8s.io maintenance-bridge in ${OWN}`);
    await bridge.leads();
  });

  it('are missed by a drain, which goes on with them', async () => {
    await eventually(async () => ((await readyz()).includes('watching fails') ? undefined : true), {
      what: 'every watch to be open',
      deadlineMs: 40_000,
    });
    const [pod] = await plot.pods('tool');
    // A copy from an earlier session is replaced, which needs further rights.
    const left = { type: STORED_POD_TYPE, metadata: { name: secretNameOf(pod?.metadata.uid ?? '') } };
    await get().api.create(`/api/v1/namespaces/${OWN}/secrets`, left);
    await plot.taint();
    await missThenGrant(management, 'patch nodes/status');
    await missThenGrant(management, 'create events.events.k8s.io');
    await missThenGrant(management, 'patch nodes');
    await missThenGrant(management, 'get pods');
    await missThenGrant(management, `create secrets in ${OWN}`);
    await missThenGrant(management, `get secrets in ${OWN}`);
    await missThenGrant(management, `update secrets in ${OWN}`);
    await eventually(
      async () => (await plot.report())?.blockedBy.find(({ detail }) => detail.includes('resource "pods/eviction"')),
      { what: 'the report to miss the right to evict' },
    );
    await missThenGrant(management, 'create pods/eviction');
    await plot.phase('InMaintenance', plot.home, 60_000);
    await plot.event('NodeDrained');
  });

  it('are missed by a Pod’s way back, which goes on with them', async () => {
    await plot.untaint();
    await missThenGrant(management, 'create pods');
    await missThenGrant(management, `delete secrets in ${OWN}`);
    await plot.phase('none', plot.home, 60_000);
    await plot.ready('tool', 1);
  });

  it('are missed by a rejection, which goes on with them', async () => {
    await plot.budget('tool', { maxUnavailable: 0 });
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    await plot.budget('web', { maxUnavailable: 0 });
    await plot.taint();
    await missThenGrant(management, 'patch pods');
    await plot.phase('Rejected', plot.home, 60_000);
    await eventually(
      async () => ((await plot.pods('web'))[0]?.metadata.annotations?.['emm-failure'] !== undefined ? true : undefined),
      { what: 'the Pod to be told' },
    );
    await plot.untaint();
  });

  it('are missed by Machines and hosts, which go on with them', async () => {
    const tellsOf = (text: string): Promise<true> =>
      eventually(async () => ((await readyz()).includes(text) ? true : undefined), {
        what: `/readyz to say "${text}"`,
      });
    await label({ enabled: 'true', maintenance: 'requested' });
    await missThenGrant(management, 'patch machines.cluster.x-k8s.io');
    await tellsOf('metal/shop Unreachable: reading Secret metal/shop-kubeconfig: Forbidden');
    await management.grant(({ resource, verb }) => resource === 'secrets' && verb === 'get');
    await tellsOf('metal/shop Unreachable: the credentials may not list and watch Nodes');
    await workload.grant(({ verb, resource }) => verb === 'list' && resource === 'nodes');
    await eventually(async () => ((await refused(workload)).has('watch nodes') ? true : undefined), {
      what: 'the watch of the Nodes to be refused',
      deadlineMs: 30_000,
    });
    expect(await readyz()).toContain('0 of 1 connected');
    await workload.grant(({ verb }) => verb === 'watch');
    await missThenGrant(management, 'patch clusters.cluster.x-k8s.io');
    await missThenGrant(workload, 'patch nodes');
    await eventually(async () => (`${PREFIX}/machine-maintenance` in (await nodeLabels()) ? true : undefined), {
      what: 'the Node to be told',
      deadlineMs: 30_000,
    });
    await labelNode({ 'approve-maintenance': 'true' });
    const drained = { type: 'Drained', status: 'True', reason: 'Test', lastTransitionTime: new Date().toISOString() };
    const conditions = { status: { conditions: [drained] } };
    await get().api.patch('/api/v1/nodes/machine-1/status', conditions, 'strategic-merge');
    await eventually(async () => ((await refused(workload)).has('list pods') ? true : undefined), {
      what: 'the Pods that stay to be refused',
      deadlineMs: 30_000,
    });
    await workload.grant(({ resource }) => resource === 'pods');
    await eventually(
      async () => ((await refused(workload)).has('list volumeattachments.storage.k8s.io') ? true : undefined),
      {
        what: 'the VolumeAttachments to be refused',
        deadlineMs: 30_000,
      },
    );
    await workload.grant(({ resource }) => resource === 'volumeattachments');
    await missThenGrant(management, 'patch baremetalhosts.metal3.io');
    await eventually(async () => (REBOOT in (await rack.annotations('host', 'machine-1')) ? true : undefined), {
      what: 'the host to be switched off',
      deadlineMs: 60_000,
    });
  });

  it('are all asked for: nothing is granted that is not', async () => {
    for (const grants of [management, workload]) {
      expect([...(await asked(grants))].sort()).toEqual(grants.all.map(say).sort());
    }
    expect(bridge.isRunning()).toBe(true);
  });
});

const prefixed = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${PREFIX}/${key}`, value]));
