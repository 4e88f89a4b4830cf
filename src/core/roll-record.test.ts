import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRecord, parseRecord, ROLL_STATES } from './roll-record.ts';

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
        const blocked = { pod: message, cause: message, detail: message, remedy: message };
        const text = formatRecord({ ...RECORD, state, message, blockedBy: Array.from({ length: 5 }, () => blocked) });
        const seen = parseRecord(text);
        expect(seen).toMatchObject({ is: 'valid', record: { ...RECORD, state } });
        expect(seen.is === 'valid' && formatRecord(seen.record)).toBe(text);
        expect(text.length).toBeLessThan(16_384);
      }),
    );
  });

  it.each([
    ['', 'unreadable'],
    ['{}', 'unreadable'],
    ['null', 'unreadable'],
    ['x'.repeat(20_000), 'unreadable'],
    [JSON.stringify({ ...RECORD, id: 'a b; rm' }), 'unreadable'],
    [JSON.stringify({ ...RECORD, state: 'Perhaps' }), 'unreadable'],
    [JSON.stringify({ ...RECORD, of: 0 }), 'unreadable'],
    [undefined, 'none'],
  ])('is not taken from %j', (text, is) => {
    expect(parseRecord(text).is).toBe(is);
  });
});
