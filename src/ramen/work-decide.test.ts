import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../core/object-access.ts';
import { readManifest } from './manifest.ts';
import { OWNED_BY } from './names.ts';
import type { ResourceMeta } from './objects.ts';
import { formatMark, parseMark, upgradedManagedFields, type WorkIdentity } from './ownership.ts';
import { decideApply, decideRemove, deletePolicyOf, type Found, isKept } from './work-decide.ts';

const WORK: WorkIdentity = { hub: 'hub-uid', cluster: 'east', name: 'w', uid: '00000000-0000-0000-0000-000000000001' };
const OTHER: WorkIdentity = { ...WORK, name: 'o', uid: '00000000-0000-0000-0000-000000000002' };

function object(annotations: Record<string, string> = {}, more: object = {}): AnyObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '7', annotations, ...more },
  };
}
const namespaceObject = (manager: string): AnyObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'a', uid: 'u', resourceVersion: '7', managedFields: [{ manager, operation: 'Update' }] },
});
const sound = (raw: unknown) => {
  const read = readManifest(raw, 0);
  if (read.is === 'bad') throw new Error(read.message);
  return read;
};
const manifest = sound({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'n' },
  data: { k: 'v' },
});
const namespace = sound({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', labels: { x: 'y' } } });
const present = (found: AnyObject): Found => ({ is: 'present', object: found });
const marked = (work: WorkIdentity): AnyObject => object({ [OWNED_BY]: formatMark(work) });
const unknown: Found = {
  is: 'unknown',
  refusal: { is: 'refused', reason: 'Unreachable', message: 'gone', causes: [] },
};

describe('decideApply', () => {
  const annotationsOf = (body: object): unknown => (body as AnyObject).metadata.annotations;

  it('`decideApply()` creates what is absent, with a mark', () => {
    const step = decideApply(manifest, { is: 'absent' }, WORK);
    expect(step.do).toBe('create');
    expect(step.do === 'create' && annotationsOf(step.body)).toEqual({ [OWNED_BY]: formatMark(WORK) });
  });
  it('`decideApply()` creates a Namespace bare, marked by the field manager alone', () => {
    expect(decideApply(namespace, { is: 'absent' }, WORK)).toEqual({
      do: 'create',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
      fieldManager: `maintenance-bridge-created/${WORK.uid}`,
    });
  });
  it.each<[string, AnyObject, boolean]>([
    ['what it created', marked(WORK), true],
    ['what was there before', object(), false],
    ['what another work created', marked(OTHER), false],
    ['what the same work created on another cluster', marked({ ...WORK, cluster: 'west' }), false],
    ['what a work of another hub created', marked({ ...WORK, hub: 'other' }), false],
    ['what an earlier work of that name created', marked({ ...WORK, uid: OTHER.uid }), false],
  ])('`decideApply()` keeps its mark on %s: %s', (_, found, keeps) => {
    const step = decideApply(manifest, present(found), WORK);
    expect(step.do).toBe('apply');
    expect(step.do === 'apply' && annotationsOf(step.body)).toEqual(
      keeps ? { [OWNED_BY]: formatMark(WORK) } : undefined,
    );
  });
  it('`decideApply()` waits for an object that is being deleted', () => {
    const found = object({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(decideApply(manifest, present(found), WORK)).toMatchObject({ do: 'wait' });
  });
  it('`decideApply()` concludes nothing from what is unknown', () => {
    expect(decideApply(manifest, unknown, WORK)).toMatchObject({ do: 'fail' });
  });
});

describe('decideRemove', () => {
  const meta: ResourceMeta = {
    ordinal: 0,
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    resource: 'configmaps',
    name: 'a',
    namespace: 'n',
  };
  const nsMeta: ResourceMeta = { ...meta, kind: 'Namespace', resource: 'namespaces', namespace: '' };
  const leave = (found: Found, more: object = {}, what = meta) =>
    decideRemove({ meta: what, found, policy: { is: 'delete' }, claimant: undefined, ...more }, WORK).do;

  it.each<[string, string, string]>([
    ['what has gone', leave({ is: 'absent' }), 'nothing'],
    ['what it created', leave(present(marked(WORK))), 'delete'],
    ['what was there before', leave(present(object())), 'nothing'],
    ['what another work created', leave(present(marked(OTHER))), 'nothing'],
    [
      'what carries the mark of the same work elsewhere',
      leave(present(marked({ ...WORK, cluster: 'west' }))),
      'nothing',
    ],
    ['what another work names', leave(present(marked(WORK)), { claimant: OTHER }), 'handOver'],
    ['what another work names and created', leave(present(marked(OTHER)), { claimant: OTHER }), 'nothing'],
    [
      'what another work created, and this one has set fields of',
      leave(
        present(object({}, { managedFields: [{ manager: `maintenance-bridge/${WORK.uid}`, operation: 'Apply' }] })),
        {
          claimant: OTHER,
        },
      ),
      'release',
    ],
    ['what is to be orphaned', leave(present(marked(WORK)), { policy: { is: 'orphan' } }), 'unmark'],
    [
      'what is being deleted',
      leave(present(object({ [OWNED_BY]: formatMark(WORK) }, { deletionTimestamp: 'x' }))),
      'wait',
    ],
    ['what is unknown', leave(unknown), 'fail'],
    [
      'a Namespace that it created',
      leave(present(namespaceObject(`maintenance-bridge-created/${WORK.uid}`)), {}, nsMeta),
      'delete',
    ],
    ['a Namespace of somebody else', leave(present(namespaceObject('kubectl')), {}, nsMeta), 'nothing'],
    [
      'a Namespace of another work',
      leave(present(namespaceObject(`maintenance-bridge-created/${OTHER.uid}`)), {}, nsMeta),
      'nothing',
    ],
  ])('`decideRemove()` of %s: %s', (_, found, expected) => expect(found).toBe(expected));

  it('`deletePolicyOf()` keeps everything where it does not understand', () => {
    expect(deletePolicyOf(undefined)).toEqual({ is: 'delete' });
    expect(deletePolicyOf({ propagationPolicy: 'Foreground' })).toEqual({ is: 'delete' });
    expect(deletePolicyOf({ propagationPolicy: 'Orphan' })).toEqual({ is: 'orphan' });
    expect(deletePolicyOf({ propagationPolicy: 'Something' })).toEqual({ is: 'orphan' });
    const rule = { group: '', resource: 'configmaps', namespace: 'n', name: 'a' };
    const selective = deletePolicyOf({
      propagationPolicy: 'SelectivelyOrphan',
      selectivelyOrphans: { orphaningRules: [rule] },
    });
    expect(isKept(meta, selective)).toBe(true);
    expect(isKept({ ...meta, name: 'b' }, selective)).toBe(false);
  });
});

describe('ownership', () => {
  it('`parseMark()` reads what `formatMark()` writes, and nothing else', () => {
    expect(parseMark(formatMark(WORK))).toEqual(WORK);
    for (const text of ['', 'a', 'a/b/c', 'a/b/c/d/e', '///', undefined]) expect(parseMark(text)).toBeUndefined();
  });
  it('`upgradedManagedFields()` takes what was created for applied, once', () => {
    const manager = `maintenance-bridge/${WORK.uid}`;
    const created = [
      { manager: 'x', operation: 'Update' },
      { manager, operation: 'Update', fieldsV1: {} },
    ];
    const upgraded = upgradedManagedFields(created, WORK);
    expect(upgraded).toEqual([created[0], { manager, operation: 'Apply', fieldsV1: {} }]);
    expect(upgradedManagedFields(upgraded, WORK)).toBeUndefined();
    const status = [{ manager, operation: 'Update', subresource: 'status' }];
    expect(upgradedManagedFields(status, WORK)).toBeUndefined();
  });
});
