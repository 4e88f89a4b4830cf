/**
 * Machine drain in a management cluster that manages itself: two instances of Temporary Maintenance Mode in one cluster, with exactly
 * the chart's rights for workload clusters.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { workloadClusterRules } from '../../harness/chart-rights.ts';
import { Grants, rightsIn, say } from '../../harness/grants.ts';
import { installMetal3Crds, Rack } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { addSelfManagedMachine } from '../../harness/self-managed.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { DRAIN_LABEL } from '../../src/core/machine-keys.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';
const MACHINE = 'drained-a';

describeOnControlPlane('machine drain in a cluster that manages itself', OPTIONS, (get) => {
  let bridge: Bridge;
  let rack: Rack;
  let plot: Plot;
  let grants: Grants;

  beforeAll(async () => {
    await installMetal3Crds(get());
    rack = new Rack(get(), 'metal');
    const owner = { namespace: 'default', name: 'workload' };
    plot = await Plot.make(get(), 'drained', 2);
    await addSelfManagedMachine(get(), rack, MACHINE, owner, { hasNode: true });
    grants = new Grants(get(), owner, rightsIn(await workloadClusterRules(['', '-drain'])));
    await grants.grant(() => true);
    const flags = ['--enable-machine-drain', '--tmm-cordon=always', '--leader-elect=false'];
    bridge = new Bridge({ kubeconfig: get().kubeconfig, flags });
  });
  afterAll(async () => {
    await bridge?.end();
    await removePlots();
  });

  const label = (labels: Readonly<Record<string, string | null>>): Promise<unknown> =>
    get().api.patch(
      `/apis/cluster.x-k8s.io/v1beta2/namespaces/metal/machines/${MACHINE}`,
      {
        metadata: {
          labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${PREFIX}/${key}`, value])),
        },
      },
      'merge',
    );
  const maintenance = async (): Promise<string | undefined> =>
    (
      await get().api.get<{ metadata: { labels?: Record<string, string> } }>(
        `/apis/cluster.x-k8s.io/v1beta2/namespaces/metal/machines/${MACHINE}`,
      )
    ).metadata.labels?.[`${PREFIX}/maintenance`];
  const isClean = (): Promise<true> =>
    eventually(
      async () => {
        const { labels = {}, annotations = {} } = (await plot.node(MACHINE)).metadata;
        return labels[DRAIN_LABEL] === undefined && annotations[REPORT_ANNOTATION] === undefined ? true : undefined;
      },
      { what: 'the Node to be given back', deadlineMs: 60_000 },
    );

  it('is done by one of the two, and a taint on another Node by the other', async () => {
    const [, other = ''] = plot.nodes;
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    await plot.budget('web', { maxUnavailable: 0 });
    await label({ enabled: 'true', maintenance: 'requested' });
    await eventually(
      async () =>
        (await plot.pods('web')).some(({ metadata }) => metadata.annotations?.['emm-failure']) ? true : undefined,
      { what: 'the rejection on the Pod', deadlineMs: 60_000 },
    );
    await plot.editBudget('web', { maxUnavailable: 1 });
    await eventually(async () => ((await maintenance()) === 'approved' ? true : undefined), {
      what: 'the approval, upon another look',
      deadlineMs: 90_000,
    });
    // The other one counts it as unavailable, and follows afterwards.
    await plot.taint(other);
    await plot.phase('Queued', other);
    await label({ maintenance: null });
    await isClean();
    await plot.phase('InMaintenance', other);
    await plot.untaint(other);
    await plot.phase('none', other);
  });

  it('goes on from a user’s taint, whose rules hold while it is there', async () => {
    await plot.taint(MACHINE);
    await plot.phase('InMaintenance', MACHINE);
    await label({ maintenance: 'requested' });
    await eventually(async () => ((await maintenance()) === 'approved' ? true : undefined), {
      what: 'the approval of a Node that is empty already',
      deadlineMs: 60_000,
    });
    await plot.untaint(MACHINE);
    await label({ maintenance: null });
    await isClean();
  });

  it('asks for each right that the role grants, and for no other', async () => {
    const events = (await get().auditEvents()).filter(({ user }) => user.username === grants.user);
    expect(events.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
    const asked = new Set(
      events.flatMap(({ verb, objectRef }) => {
        if (objectRef?.resource === undefined) return [];
        const { apiGroup: group = '', resource, subresource } = objectRef;
        return [say({ group, resource: subresource === undefined ? resource : `${resource}/${subresource}`, verb })];
      }),
    );
    // Namespaces are read only if a selector of the settings needs their labels.
    const granted = grants.all.map(say).filter((right) => !right.endsWith(' namespaces'));
    expect([...asked].sort()).toEqual(granted.sort());
  });
});
