import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyObject, Refusal, RefusalReason } from '../core/object-access.ts';
import type { ViewScope } from './objects.ts';
import { type Evidence, MAX_RESULT_BYTES, readScope, saysAlready, viewAnswer, viewCondition } from './view-answer.ts';

const VRG = {
  group: 'ramendr.openshift.io',
  version: 'v1alpha1',
  kind: 'VolumeReplicationGroup',
  plural: 'volumereplicationgroups',
  namespaced: true,
};
const object: AnyObject = {
  apiVersion: 'ramendr.openshift.io/v1alpha1',
  kind: 'VolumeReplicationGroup',
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', managedFields: [{ manager: 'x' }], finalizers: ['f'] },
  spec: {},
};

/** The check that Ramen applies to a message (internal/controller/util/mcv_util.go). */
const saysAbsent = (message: string): boolean =>
  message.endsWith('not found') || message.endsWith('the server could not find the requested resource');
const refused = (reason: RefusalReason, message: string): Evidence => {
  const refusal: Refusal = { is: 'refused', reason, message, causes: [] };
  return { is: 'refused', refusal };
};

describe('viewAnswer', () => {
  it.each<[string, Evidence, string, string]>([
    ['an object', { is: 'present', object }, 'True GetResourceProcessing', 'Watching resources successfully'],
    [
      'the API server’s NotFound',
      { is: 'absent', resource: VRG, name: 'a' },
      'False GetResourceFailed',
      'failed to get resource with err: volumereplicationgroups.ramendr.openshift.io "a" not found',
    ],
    [
      'NotFound of the core group',
      { is: 'absent', resource: { ...VRG, group: '', plural: 'namespaces' }, name: 'a' },
      'False GetResourceFailed',
      'failed to get resource with err: namespaces "a" not found',
    ],
    [
      'a lost cluster',
      { is: 'unavailable', detail: 'host not found' },
      'False GetResourceFailed',
      'failed to get resource with err: host not found (this says nothing of the object itself)',
    ],
    [
      'a kind that is not served',
      { is: 'notServed', detail: 'the cluster does not serve kind X' },
      'False ResourceGVKInvalid',
      'the cluster does not serve kind X',
    ],
    [
      'missing rights',
      refused('Forbidden', 'no'),
      'False GetResourceFailed',
      'failed to get resource with err: Forbidden: no',
    ],
    [
      'a 404 of somebody else',
      refused('PathNotFound', 'the server could not find the requested resource'),
      'False GetResourceFailed',
      'failed to get resource with err: PathNotFound: the server could not find the requested resource (this says nothing of the object itself)',
    ],
  ])('`viewAnswer()` says of %s', (_, evidence, condition, message) => {
    const answer = viewAnswer(evidence);
    expect(`${answer.status} ${answer.reason}`).toBe(condition);
    expect(answer.message).toBe(message);
  });

  it('`viewAnswer()` reads as absence on no other evidence, whatever the words', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('x not found', 'NOT FOUND.', 'the server could not find the requested resource\n', 'not found "'),
      fc.tuple(fc.string(), fc.constantFrom('not found', 'not found.', 'not found \n')).map(([a, b]) => a + b),
    );
    const reasons: RefusalReason[] = ['PathNotFound', 'NotFound', 'Forbidden', 'Unreachable', 'Failed', 'Unauthorized'];
    const evidence: fc.Arbitrary<Evidence> = fc.oneof(
      text.map((detail): Evidence => ({ is: 'unavailable', detail })),
      text.map((detail): Evidence => ({ is: 'notServed', detail })),
      text.map((detail): Evidence => ({ is: 'invalid', reason: 'ResourceNameInvalid', detail })),
      fc.tuple(fc.constantFrom(...reasons), text).map(([reason, message]) => refused(reason, message)),
    );
    fc.assert(
      fc.property(evidence, (each) => {
        const { message, result } = viewAnswer(each);
        expect(saysAbsent(message)).toBe(false);
        expect(saysAbsent(message.trim().replace(/\W+$/, ''))).toBe(false);
        expect(message.length).toBeLessThanOrEqual(32_768);
        expect(result).toBeUndefined();
      }),
    );
  });

  it('`viewAnswer()` gives the whole object but its managed fields', () => {
    expect(viewAnswer({ is: 'present', object }).result).toEqual({
      ...object,
      metadata: { name: 'a', uid: 'u', resourceVersion: '1', finalizers: ['f'] },
    });
  });

  it('`viewAnswer()` says of an object that does not fit how large it is', () => {
    const large = { ...object, spec: { text: 'x'.repeat(MAX_RESULT_BYTES) } };
    const answer = viewAnswer({ is: 'present', object: large });
    expect(answer).toMatchObject({ status: 'False', reason: 'GetResourceFailed' });
    expect(answer.message).toMatch(/the object has \d+ bytes/);
    expect(answer.result).toBeUndefined();
  });
});

describe('readScope', () => {
  const vrg: ViewScope = { apiGroup: VRG.group, version: VRG.version, kind: VRG.kind, name: 'a', namespace: 'shop' };
  it.each<[string, ViewScope, string]>([
    ['a kind and version', vrg, 'sound'],
    ['a resource alone', { resource: 'deployments', apiGroup: 'apps', name: 'a', namespace: 'b' }, 'sound'],
    ['Go’s empty fields', { ...vrg, resource: '', namespace: '' }, 'sound'],
    [
      'a name of RBAC',
      { apiGroup: 'rbac.authorization.k8s.io', version: 'v1', kind: 'ClusterRole', name: 'system:x' },
      'sound',
    ],
    ['no name', { ...vrg, name: '' }, 'ResourceNameInvalid'],
    ['a slash', { ...vrg, name: 'a/b' }, 'ResourceNameInvalid'],
    ['an encoded slash', { ...vrg, name: 'a%2Fb' }, 'ResourceNameInvalid'],
    ['a query', { ...vrg, name: 'a?x=y' }, 'ResourceNameInvalid'],
    ['a fragment', { ...vrg, name: 'a#b' }, 'ResourceNameInvalid'],
    ['a way up', { ...vrg, name: '..' }, 'ResourceNameInvalid'],
    ['a line break', { ...vrg, name: 'a\nb' }, 'ResourceNameInvalid'],
    ['a long name', { ...vrg, name: 'a'.repeat(254) }, 'ResourceNameInvalid'],
    ['a slash in the namespace', { ...vrg, namespace: 'a/b' }, 'ResourceNameInvalid'],
    ['a way up in the namespace', { ...vrg, namespace: '..' }, 'ResourceNameInvalid'],
    ['a kind without a version', { ...vrg, version: '' }, 'ResourceTypeInvalid'],
    ['a subresource', { ...vrg, resource: 'pods/log' }, 'ResourceTypeInvalid'],
    ['a group that leads elsewhere', { ...vrg, apiGroup: '../v1' }, 'ResourceTypeInvalid'],
    ['a version that leads elsewhere', { ...vrg, version: 'v1/../..' }, 'ResourceTypeInvalid'],
    ['Secrets by kind', { version: 'v1', kind: 'Secret', name: 'a', namespace: 'b' }, 'ResourceTypeInvalid'],
    ['Secrets by resource', { resource: 'secrets', name: 'a', namespace: 'b' }, 'ResourceTypeInvalid'],
  ])('`readScope()` judges %s', (_, scope, expected) => {
    const read = readScope(scope);
    expect(read.is === 'sound' ? 'sound' : read.reason).toBe(expected);
  });
});

describe('viewCondition and saysAlready', () => {
  it.each([
    ['ends in the middle of a character', `${'x'.repeat(886)}${'😀'.repeat(20)}`],
    ['ends in the middle of a character, one further', `${'x'.repeat(887)}${'😀'.repeat(20)}`],
    ['holds half of one', 'denied: \ud83d'],
  ])('recognise an answer as the API server stores it whose text %s', (_, text) => {
    const answer = viewAnswer(refused('Forbidden', text));
    const { message = '', ...rest } = viewCondition(answer, [], 0);
    // Half a character is no Unicode: what is stored is another text.
    const stored = { ...rest, message: message.toWellFormed() };
    expect(saysAlready(answer, { conditions: [stored], resultDigest: undefined }, undefined)).toBe(true);
  });

  const answer = viewAnswer({ is: 'present', object });
  const first = viewCondition(answer, [], 1000);
  it('`viewCondition()` moves its time with the status alone', () => {
    expect(viewCondition(answer, [first], 99_000)).toEqual(first);
    const lost = viewCondition(viewAnswer({ is: 'unavailable', detail: 'x' }), [first], 99_000);
    expect(lost.lastTransitionTime).toBe('1970-01-01T00:01:39Z');
  });
  it('`saysAlready()` wants one condition, the same words, and the same result', () => {
    expect(saysAlready(answer, { conditions: [first], resultDigest: 'd' }, 'd')).toBe(true);
    expect(saysAlready(answer, { conditions: [first], resultDigest: 'd' }, 'e')).toBe(false);
    expect(saysAlready(answer, { conditions: [first, { ...first, type: 'Other' }], resultDigest: 'd' }, 'd')).toBe(
      false,
    );
    expect(saysAlready(answer, { conditions: [], resultDigest: 'd' }, 'd')).toBe(false);
  });
});
