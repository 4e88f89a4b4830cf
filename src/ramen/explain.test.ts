import { describe, expect, it } from 'vitest';
import type { Explanation } from '../core/explanation.ts';
import { explainMode, explainView, explainWork, MODE_EXPLAINED, VIEW_EXPLAINED, WORK_EXPLAINED } from './explain.ts';
import {
  APPLICATION_GONE,
  DRPC_NAME,
  DRPC_NAMESPACE,
  KLUSTERLET_FINALIZER,
  MODE_FINALIZER,
  WORK_FINALIZER,
} from './names.ts';
import type { MaintenanceMode, ManagedClusterView, ManifestWork, WorkCondition } from './objects.ts';

const META = { namespace: 'east', uid: 'u', resourceVersion: '1', generation: 2 };
const condition = (type: string, status: string, more: Partial<WorkCondition> = {}): WorkCondition => ({
  type,
  status,
  observedGeneration: 2,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  ...more,
});

function workOf(conditions: readonly WorkCondition[], metadata: Partial<ManifestWork['metadata']> = {}): ManifestWork {
  const resourceMeta = {
    ordinal: 0,
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    resource: 'configmaps',
    name: 'one',
    namespace: 'shop',
  };
  return {
    metadata: { name: 'shop-vrg', ...META, finalizers: [WORK_FINALIZER], ...metadata },
    manifests: [],
    deletePolicy: { is: 'delete' },
    status: { conditions, manifests: [{ resourceMeta, conditions }] },
  };
}
const viewOf = (conditions: readonly WorkCondition[]): ManagedClusterView => ({
  metadata: { name: 'shop-mcv', ...META },
  scope: { kind: 'VolumeReplicationGroup', apiGroup: 'ramendr.openshift.io', name: 'shop', namespace: 'shop' },
  conditions,
  resultDigest: undefined,
});
const modeOf = (
  status: MaintenanceMode['status'],
  metadata: Partial<MaintenanceMode['metadata']> = {},
  modes: readonly string[] = ['Failover'],
): MaintenanceMode => ({
  metadata: { name: 'm', uid: 'u', resourceVersion: '1', finalizers: [MODE_FINALIZER], ...metadata },
  spec: { storageProvisioner: 'rbd', targetID: 'east', modes },
  status,
});
const short = ({ state, outlook, isUnderWay }: Explanation): string => `${state} ${outlook} ${isUnderWay}`;

const APPLIED = condition('Applied', 'True');
const DELETED = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const processing = (status: string, reason: string, message = ''): readonly WorkCondition[] => [
  condition('Processing', status, { reason, message }),
];
const activated = (status: string, state: string): MaintenanceMode['status'] => ({
  state,
  conditions: [condition('FailoverActivated', status, { message: 'as said' })],
});

describe('explainWork', () => {
  it.each<[string, ManifestWork, string]>([
    ['is as it says', workOf([APPLIED]), 'Applied Idle false'],
    ['has a new generation', workOf([condition('Applied', 'True', { observedGeneration: 1 })]), 'Pending Moving true'],
    ['has just been seen', workOf([condition('Applied', 'False', { reason: 'NewGeneration' })]), 'Pending Moving true'],
    ['was never looked at', workOf([]), 'Pending Moving true'],
    ['cannot be applied', workOf([condition('Applied', 'False', { reason: 'x' })]), 'Failed Stuck true'],
    ['has outlived its application', workOf([APPLIED, condition(APPLICATION_GONE, 'True')]), 'Orphaned Stuck true'],
    ['is being deleted', workOf([APPLIED], DELETED), 'Deleting Moving true'],
    ['belongs to a klusterlet', workOf([APPLIED], { finalizers: [KLUSTERLET_FINALIZER] }), 'NotOurs Idle false'],
    ['is nobody’s', workOf([], { finalizers: [] }), 'NotOurs Idle false'],
  ])('`explainWork()` tells of one that %s', (_, work, expected) => {
    const explained = explainWork(work);
    expect(short(explained)).toBe(expected);
    expect(WORK_EXPLAINED).toContain(explained.state);
    expect(explained.name).toBe('east/shop-vrg');
  });

  it('`explainWork()` names the manifests, the application, and the command that removes what has outlived it', () => {
    const gone = workOf([APPLIED, condition(APPLICATION_GONE, 'True')], {
      annotations: { [DRPC_NAME]: 'shop', [DRPC_NAMESPACE]: 'apps' },
    });
    const { release, details } = explainWork(gone);
    expect(release).toBe('kubectl delete manifestwork -n east shop-vrg');
    expect(details).toEqual(expect.arrayContaining(['ConfigMap shop/one: applied', 'DRPlacementControl: apps/shop']));
  });
});

describe('explainView', () => {
  it.each<[string, ManagedClusterView, string]>([
    ['shows the object', viewOf(processing('True', 'GetResourceProcessing')), 'Shown Idle false'],
    [
      'says that there is none',
      viewOf(processing('False', 'GetResourceFailed', 'x "a" not found')),
      'Absent Idle false',
    ],
    ['cannot ask', viewOf(processing('False', 'GetResourceFailed', 'the cluster …')), 'GetResourceFailed Stuck true'],
    ['names nothing', viewOf(processing('False', 'ResourceNameInvalid')), 'ResourceNameInvalid Stuck true'],
    [
      'asks for a kind that is not served',
      viewOf(processing('False', 'ResourceGVKInvalid')),
      'ResourceGVKInvalid Stuck true',
    ],
    ['has somebody else’s words', viewOf(processing('False', 'Elsewhere')), 'GetResourceFailed Stuck true'],
    ['was never answered', viewOf([]), 'Unanswered Moving true'],
  ])('`explainView()` tells of one that %s', (_, view, expected) => {
    const explained = explainView(view);
    expect(short(explained)).toBe(expected);
    expect(VIEW_EXPLAINED).toContain(explained.state);
    expect(explained.details).toEqual(['It asks for VolumeReplicationGroup of ramendr.openshift.io shop/shop']);
  });
});

describe('explainMode', () => {
  it.each<[string, MaintenanceMode, string]>([
    ['is reached', modeOf(activated('True', 'Completed')), 'Completed Ready true'],
    ['is under way', modeOf(activated('False', 'Progressing')), 'Progressing Moving true'],
    ['cannot be reached', modeOf(activated('False', 'Error')), 'Error Stuck true'],
    ['ends', modeOf(activated('False', 'Progressing'), DELETED), 'Ending Moving true'],
    ['ends by having no modes', modeOf(activated('False', 'Progressing'), {}, []), 'Ending Moving true'],
    ['nobody answers', modeOf({ conditions: [] }, { finalizers: [] }), 'Unanswered Waiting true'],
    ['another provider answers', modeOf(activated('True', 'Completed'), { finalizers: [] }), 'NotOurs Idle false'],
  ])('`explainMode()` tells of one that %s', (_, mode, expected) => {
    const explained = explainMode(mode);
    expect(short(explained)).toBe(expected);
    expect(MODE_EXPLAINED).toContain(explained.state);
  });
});
