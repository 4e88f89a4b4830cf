import { describe, expect, it } from 'vitest';
import { node as nodeOf } from '../../../harness/builders/objects.ts';
import { formatRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import { explainNode } from './node.ts';

const TAINT = { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' } as const;
const BLOCKER = { pod: 'shop/db-0', cause: 'BudgetImpossible', detail: 'allows none', remedy: 'Widen the budget' };

function explained(more: Partial<RollRecord>, isTainted = false) {
  const record = { id: 'r1', runner: 'p', place: 1, of: 5, state: 'Pending', since: '2026-11-28T00:00:00Z' } as const;
  const annotations = { [ROLL_ANNOTATION]: formatRecord({ ...record, ...more }) };
  return explainNode(nodeOf('worker-1', { meta: { annotations }, taints: isTainted ? [TAINT] : [] }), [TAINT]);
}

describe('a Node of a roll', () => {
  it('is shown as rejected after its release, with what is in the way and how the roll goes on', () => {
    expect(explained({ state: 'Rejected', message: 'GenericFailure: a Pod', blockedBy: [BLOCKER] })).toMatchObject({
      state: 'Rejected',
      outlook: 'Stuck',
      isUnderWay: true,
      summary: 'Rejected in roll r1, and released: GenericFailure: a Pod',
      blockedBy: [BLOCKER],
      release: 'kubectl annotate node worker-1 maintenance-bridge.io/roll-',
      details: expect.arrayContaining([
        'shop/db-0: allows none (BudgetImpossible). Widen the budget',
        'To go on: `maintenance-bridge roll --resume r1` with the other flags that the roll has printed',
      ]),
    });
  });

  it('is shown as rejected while the roll waits to request it again, which nobody has to do', () => {
    const found = explained({ state: 'Pending', message: 'GenericFailure: a Pod' });
    expect(found).toMatchObject({ state: 'Rejected', outlook: 'Waiting' });
    expect(found.details.join()).not.toContain('--resume');
  });

  it.each<[string, Partial<RollRecord>, boolean, string | undefined]>([
    ['waits for its turn', { state: 'Pending' }, false, 'Roll r1 will take it as Node 2 of 5'],
    ['is worked on', { state: 'Working' }, true, 'Part of roll r1: Working'],
    [
      'has failed',
      { state: 'Failed', message: 'its command failed' },
      true,
      'Part of roll r1: Failed: its command failed',
    ],
    ['is done', { state: 'Done' }, false, undefined],
    ['is in somebody else’s maintenance', { state: 'Skipped', message: 'taken' }, true, undefined],
  ])('that %s', (_, record, isTainted, detail) => {
    const { details, state } = explained(record, isTainted);
    expect(state).toBe(isTainted ? 'Unseen' : 'Idle');
    expect(details.filter((each) => /\broll\b/i.test(each))).toEqual(detail === undefined ? [] : [detail]);
  });
});
