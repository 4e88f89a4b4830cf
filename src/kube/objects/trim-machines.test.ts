import { describe, expect, it } from 'vitest';
import { CLUSTER, MACHINE } from '../../core/machine-objects.ts';
import { trimOf } from './trim.ts';
import { trimCluster, trimMachine } from './trim-machines.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const RAW = {
  apiVersion: 'cluster.x-k8s.io/v1beta2',
  kind: 'Machine',
  metadata: {
    name: 'm',
    namespace: 'metal',
    uid: 'u',
    resourceVersion: '7',
    deletionTimestamp: '2026-01-02T00:00:00Z',
    labels: { 'cluster.x-k8s.io/cluster-name': 'shop', [`${P}/enabled`]: 'true', [`${P}/maintenance`]: 'requested' },
    annotations: { 'cluster.x-k8s.io/paused': '', [HOOK]: 'x', note: 'long' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'MachineSet', name: 's', uid: 's' }],
    finalizers: ['machine.cluster.x-k8s.io'],
    managedFields: [
      { manager: 'kubectl-label', fieldsV1: { 'f:metadata': { 'f:labels': { [`f:${P}/maintenance`]: {} } } } },
      { manager: 'capi-machineset', fieldsV1: { 'f:metadata': { 'f:labels': { [`f:${P}/enabled`]: {} } } } },
    ],
  },
  spec: {
    clusterName: 'shop',
    providerID: 'x://1',
    bootstrap: { dataSecretName: 's' },
    infrastructureRef: { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'Metal3Machine', name: 'i' },
  },
  status: { nodeRef: { apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'n' }, conditions: [] },
};

function forcedBy(manager: string, fieldsV1: unknown, operation?: string): readonly string[] | undefined {
  const managedFields = [{ manager, operation, fieldsV1 }];
  return trimMachine({ ...RAW, metadata: { ...RAW.metadata, managedFields } })?.forcedKeys;
}

describe('`trimMachine()`', () => {
  it('keeps what is ours, whom the Machine belongs to and its Node', () => {
    expect(trimMachine(RAW)).toEqual({
      metadata: {
        name: 'm',
        namespace: 'metal',
        uid: 'u',
        resourceVersion: '7',
        deletionTimestamp: '2026-01-02T00:00:00Z',
        labels: { [`${P}/enabled`]: 'true', [`${P}/maintenance`]: 'requested' },
        annotations: { 'cluster.x-k8s.io/paused': '', [HOOK]: 'x' },
      },
      spec: { clusterName: 'shop', providerID: 'x://1', infrastructureKind: 'Metal3Machine', infrastructureName: 'i' },
      status: { nodeName: 'worker-1' },
    });
  });

  it.each([
    [
      [
        { type: 'NodeReady', status: 'False' },
        { type: 'NodeHealthy', status: 'True' },
      ],
      false,
    ],
    [[{ type: 'NodeReady', status: 'True' }], true],
    [[{ type: 'NodeHealthy', status: 'Unknown' }], false],
    [[{ type: 'Ready', status: 'True' }], undefined],
  ])('knows from the conditions %j whether the Node is ready', (conditions, isReady) => {
    expect(trimMachine({ ...RAW, status: { conditions } })?.status.nodeReady).toBe(isReady);
  });

  it('takes an empty name of a Node for none', () => {
    expect(trimMachine({ ...RAW, status: { nodeRef: { name: '' } } })?.status).toEqual({});
    expect(trimMachine({ ...RAW, status: null })?.status).toEqual({});
  });

  it('names the keys of ours that a template owns, and no others', () => {
    const fieldsV1 = {
      'f:metadata': { 'f:labels': { [`f:${P}/maintenance`]: {} }, 'f:annotations': { [`f:${HOOK}`]: {} } },
    };
    expect(forcedBy('capi-machineset', fieldsV1)).toEqual([`${P}/maintenance`, HOOK]);
    expect(forcedBy('kubectl-edit', fieldsV1)).toBeUndefined();
  });

  it('takes whoever applies the owner of the Machine too for a template, such as the controller of MachinePools', () => {
    const [labels, owner] = [{ [`f:${P}/maintenance`]: {} }, { 'k:{"uid":"u"}': {} }];
    const fieldsV1 = { 'f:metadata': { 'f:labels': labels, 'f:ownerReferences': owner } };
    expect(forcedBy('machinepool-controller', fieldsV1, 'Apply')).toEqual([`${P}/maintenance`]);
    expect(forcedBy('a-controller', fieldsV1, 'Update')).toBeUndefined();
    expect(forcedBy('kubectl', { 'f:metadata': { 'f:labels': labels } }, 'Apply')).toBeUndefined();
  });

  it.each([[null], ['x'], [{ 'f:metadata': 5 }], [{ 'f:metadata': { 'f:labels': [] } }]])(
    'survives managedFields with %j',
    (fieldsV1) => {
      expect(forcedBy('capi-machineset', fieldsV1)).toBeUndefined();
    },
  );
});

describe('`trimCluster()`', () => {
  it('keeps whether it is paused or being deleted', () => {
    const metadata = { ...RAW.metadata, name: 'shop' };
    expect(trimCluster({ metadata, spec: { paused: true, topology: {} } })).toEqual({
      metadata: expect.not.objectContaining({ labels: expect.anything() }),
      spec: { paused: true },
    });
  });

  it('keeps by which Nodes its workload cluster is known again', () => {
    const known = (value: string) =>
      trimCluster({ metadata: { ...RAW.metadata, annotations: { 'maintenance-bridge.io/known-nodes': value } } });
    expect(known('uid-a,uid-b')).toMatchObject({ knownNodes: ['uid-a', 'uid-b'] });
    expect(known('')).toMatchObject({ knownNodes: [] });
    expect(trimCluster({ metadata: RAW.metadata })).not.toHaveProperty('knownNodes');
  });
});

it('`trimOf()` knows both kinds', () => {
  expect(trimOf(MACHINE)).toBe(trimMachine);
  expect(trimOf(CLUSTER)).toBe(trimCluster);
});
