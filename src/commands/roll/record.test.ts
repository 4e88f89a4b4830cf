import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf, orderByPlan, parseShare } from './order.ts';
import { formatRecord, parseRecord, ROLL_STATES } from './record.ts';

const RECORD = {
  id: 'r1',
  runner: 'p1',
  place: 3,
  of: 9,
  state: 'Working',
  since: '2026-11-28T00:00:00.000Z',
} as const;

describe('the record of a roll', () => {
  it('is read as it was written, whatever the message holds, and stays small', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 800 }), fc.constantFrom(...ROLL_STATES), (message, state) => {
        const text = formatRecord({ ...RECORD, state, message });
        const seen = parseRecord(text);
        expect(seen).toMatchObject({ is: 'valid', record: { ...RECORD, state } });
        expect(seen.is === 'valid' && formatRecord(seen.record)).toBe(text);
        expect(text.length).toBeLessThan(4096);
      }),
    );
  });

  it.each([
    ['', 'unreadable'],
    ['{}', 'unreadable'],
    ['null', 'unreadable'],
    ['x'.repeat(5000), 'unreadable'],
    [JSON.stringify({ ...RECORD, id: 'a b; rm' }), 'unreadable'],
    [JSON.stringify({ ...RECORD, state: 'Perhaps' }), 'unreadable'],
    [JSON.stringify({ ...RECORD, of: 0 }), 'unreadable'],
    [undefined, 'none'],
  ])('is not taken from %j', (text, is) => {
    expect(parseRecord(text).is).toBe(is);
  });
});

describe('the order of a roll', () => {
  it('is that of the plan’s sets, then of names', () => {
    const batches = [['c', 'a', 'elsewhere'], ['d']];
    expect(orderByPlan(['a', 'b', 'c', 'd', 'A'], { batches })).toEqual(['c', 'a', 'd', 'A', 'b']);
  });

  it.each([
    ['3', 10, 3],
    ['30%', 10, 3],
    ['34%', 10, 3],
    ['1%', 10, 1],
    ['100%', 7, 7],
  ])('takes %s of %i Nodes for %i at once', (text, total, count) => {
    const share = parseShare(text);
    expect(share && countOf(share, total)).toBe(count);
  });

  it.each(['', '0', '0%', '-1', '1.5', '101%', 'all', '5 %', '٣'])('does not take %j for a share', (text) => {
    expect(parseShare(text)).toBeUndefined();
  });
});
