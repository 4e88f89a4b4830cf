import { describe, expect, it } from 'vitest';
import { cluster, type MachinePart, machine, workloadNode } from '../../harness/builders/machines.ts';
import { DRAIN_ANNOTATION } from '../core/machine-keys.ts';
import type { DatedMachine } from '../core/machine-objects.ts';
import { type DrainRecord, formatRecord } from './drain/record.ts';
import { explainMachine, type MachineLook } from './explain.ts';
import { capiSettingsSchema } from './settings.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const DELETED = '2026-11-21T10:00:00Z';
const PREPARATION =
  "kubectl -n metal get secret shop-kubeconfig -o go-template='{{.data.value | base64decode}}' > metal.shop.kubeconfig";
const SETTINGS = capiSettingsSchema.parse({});

function explain(part: MachinePart, look: Partial<MachineLook> = {}, requestedAt?: string) {
  return explainSeen({ ...machine('m', part), ...(requestedAt !== undefined && { requestedAt }) }, look);
}

function explainSeen(subject: DatedMachine, look: Partial<MachineLook> = {}) {
  const seen: MachineLook = {
    cluster: undefined,
    node: { is: 'present', object: workloadNode('m') },
    connection: undefined,
    nowMs: Date.parse(DELETED),
  };
  return explainMachine(subject, { ...seen, ...look }, SETTINGS);
}

describe('`explainMachine()`', () => {
  it('names the label that a held deletion waits for, and the command that sets it', () => {
    expect(explain({ hook: true, deletedAt: DELETED })).toEqual({
      kind: 'Machine',
      name: 'metal/m',
      state: 'DeletionWaiting',
      outlook: 'Waiting',
      isUnderWay: true,
      since: DELETED,
      summary: 'The deletion is held before the drain',
      waitsFor: `Node m of cluster metal/shop: label ${P}/approve-deletion=true`,
      preparation: PREPARATION,
      release: `kubectl --kubeconfig metal.shop.kubeconfig label node m ${P}/approve-deletion=true`,
      besides: ['node/m'],
      details: ['Cluster: metal/shop', 'Node: m', 'Pre-drain hook: set'],
    });
  });

  it('says since when a maintenance is requested, and whom it waits for', () => {
    expect(explain({ hook: true, maintenance: 'requested' }, {}, '2026-11-21T09:00:00Z')).toMatchObject({
      state: 'MaintenanceRequested',
      since: '2026-11-21T09:00:00Z',
      preparation: PREPARATION,
      release: `kubectl --kubeconfig metal.shop.kubeconfig label node m ${P}/approve-maintenance=true`,
    });
  });

  it('says how to end an approved maintenance', () => {
    expect(explain({ hook: true, maintenance: 'approved' })).toMatchObject({
      state: 'MaintenanceApproved',
      summary: 'The maintenance is approved',
      release: `kubectl -n metal label machine m ${P}/maintenance-`,
    });
  });

  it('does not promise that the host of an approved Machine is off, and says where that is seen', () => {
    const subject = machine('m', { hook: true, maintenance: 'approved' });
    const hosted = { ...subject, spec: { ...subject.spec, providerID: 'metal3://metal/host-7/m' } };
    expect(explainSeen(hosted).details).toContain('Its host: maintenance-bridge why baremetalhost/metal/host-7');
  });

  it('offers the way out of a deletion whose cluster cannot be reached, and says why it cannot', () => {
    const unseen = {
      node: { is: 'unknown' },
      connection: { state: 'Refused', sinceMs: 0, detail: 'exec is not allowed' },
    } as const;
    expect(explain({ hook: true, deletedAt: DELETED }, unseen)).toMatchObject({
      state: 'NodeUnknown',
      summary: 'Its Node cannot be seen (exec is not allowed)',
      release: `kubectl -n metal label machine m ${P}/enabled-`,
    });
    expect(explain({ hook: true }, unseen)).not.toHaveProperty('release');
  });

  it.each([
    [{ annotations: { 'cluster.x-k8s.io/paused': '' } }, 'annotate machine m cluster.x-k8s.io/paused-'],
    [{}, `patch cluster shop --type merge -p '{"spec":{"paused":false}}'`],
  ])('says how to end the pause of %j', (part, command) => {
    expect(explain(part, { cluster: cluster('shop', { paused: true }) })).toMatchObject({
      state: 'Paused',
      release: `kubectl -n metal ${command}`,
    });
  });

  it('counts a Machine as under way only while something is', () => {
    expect(explain({ hook: true }).isUnderWay).toBe(false);
    expect(explain({ enabled: false }).isUnderWay).toBe(false);
    expect(explain({ enabled: false, deletedAt: DELETED }).isUnderWay).toBe(false);
    expect(explain({ deletedAt: DELETED }).isUnderWay).toBe(true);
    expect(explain({ hook: true, maintenance: 'requested' }).isUnderWay).toBe(true);
  });

  it('shows a hook that was left on a Machine which does not take part', () => {
    expect(explain({ enabled: false, hook: true })).toMatchObject({
      state: 'NotEnabled',
      isUnderWay: true,
      release:
        'kubectl -n metal annotate machine m pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller-',
    });
  });

  it('shows what a template forces', () => {
    expect(explain({ forcedKeys: [`${P}/maintenance`] }).details).toContain(`Forced by a template: ${P}/maintenance`);
  });

  it.each<[string, DrainRecord, MachinePart, object]>([
    [
      'what it waits for',
      { state: 'Waiting', since: DELETED, reason: 'ControlPlane', message: 'Waiting for others' },
      { maintenance: 'requested' },
      {
        outlook: 'Waiting',
        waitsFor: 'Waiting for others',
        release: `kubectl -n metal label machine m ${P}/maintenance-`,
      },
    ],
    [
      'that its Node is being drained',
      { state: 'Draining', since: DELETED },
      { maintenance: 'requested' },
      { outlook: 'Moving', waitsFor: 'the Pods of Node m of cluster metal/shop to leave' },
    ],
    [
      'why it was rejected',
      { state: 'Rejected', since: DELETED, reason: 'NotEnoughResources', message: 'Pod a/b does not fit' },
      { deletedAt: DELETED },
      { outlook: 'Stuck', reason: 'NotEnoughResources', waitsFor: expect.stringContaining('Pod a/b does not fit') },
    ],
    [
      'that a deletion waits for whoever is at the machine',
      { state: 'Drained', since: DELETED },
      { maintenance: 'approved', deletedAt: DELETED },
      { outlook: 'Waiting', waitsFor: 'the user, who ends the maintenance' },
    ],
    [
      'that the machine may be worked on',
      { state: 'Drained', since: DELETED },
      { maintenance: 'approved' },
      { state: 'MaintenanceApproved', outlook: 'Ready' },
    ],
    ['that its Node is given back', { state: 'Ending', since: DELETED }, {}, { isUnderWay: true, outlook: 'Moving' }],
  ])('says of machine drain %s', (_, record, part, expected) => {
    const annotations = { [DRAIN_ANNOTATION]: formatRecord(record) };
    expect(explain({ hook: true, ...part, annotations })).toMatchObject(expected);
  });
});
