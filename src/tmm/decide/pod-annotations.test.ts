import { describe, expect, it } from 'vitest';
import { pod } from '../../../harness/builders/objects.ts';
import type { PatchMeta } from '../../core/action.ts';
import type { Pod } from '../../core/objects.ts';
import { mark, type Rejection, unmark } from './pod-annotations.ts';

const REJECTION: Rejection = {
  node: 'a',
  session: 's1',
  annotation: 'emm-failure',
  reason: 'GenericFailure',
  message: 'not now',
};

function carriedOut(on: Pod, patches: readonly PatchMeta[]): Pod {
  const annotations = Object.entries(
    Object.assign({ ...on.metadata.annotations }, ...patches.map((patch) => patch.annotations)) as object,
  ).filter(([, value]) => value !== null);
  return { ...on, metadata: { ...on.metadata, annotations: Object.fromEntries(annotations) } };
}
const marked = (on: Pod, rejection: Rejection): Pod => carriedOut(on, mark(on, rejection));
const annotationsOf = ({ metadata }: Pod): object => metadata.annotations ?? {};

describe('`mark()`', () => {
  it('takes away what stands under another key, when the taint that asks or the configuration has changed', () => {
    const before = marked(pod('x', { annotations: { mine: 'yes' } }), REJECTION);
    const after = marked(before, { ...REJECTION, annotation: 'example.com/failure' });
    expect(annotationsOf(after)).toMatchObject({
      mine: 'yes',
      'example.com/failure': 'GenericFailure',
      'example.com/failure-message': 'not now',
    });
    expect(annotationsOf(after)).not.toHaveProperty('emm-failure');
    expect(annotationsOf(after)).not.toHaveProperty('emm-failure-message');
    expect(annotationsOf(carriedOut(after, unmark(after)))).toEqual({ mine: 'yes' });
  });

  it('leaves there what somebody else has written since', () => {
    const before = marked(pod('x'), REJECTION);
    const edited = carriedOut(before, [
      { ...(mark(pod('x'), REJECTION)[0] as PatchMeta), annotations: { 'emm-failure': 'Theirs' } },
    ]);
    const after = marked(edited, { ...REJECTION, annotation: 'example.com/failure' });
    expect(annotationsOf(after)).toMatchObject({ 'emm-failure': 'Theirs', 'example.com/failure': 'GenericFailure' });
  });
});
