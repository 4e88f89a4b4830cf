import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasMoreValues } from './json-values.ts';

/** The reference count: every container counts for itself and for each further member. */
function valuesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value);
  return 1 + Math.max(0, members.length - 1) + members.reduce((sum: number, each) => sum + valuesOf(each), 0);
}

it('`hasMoreValues()` counts what parsing would make, whatever the strings hold', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 1, max: 20 }), (value, limit) => {
      const text = JSON.stringify(value).padEnd(limit + 1);
      expect(hasMoreValues(text, limit)).toBe(1 + valuesOf(value) > limit);
    }),
  );
});

it.each([
  ['deep', '['.repeat(1_000_000)],
  ['wide', `[${'{},'.repeat(1_000_000)}`],
  ['many keys', `{${'"":0,'.repeat(1_000_000)}`],
])('`hasMoreValues()` stops at the limit: %s', (_, text) => {
  expect(hasMoreValues(text, 250_000)).toBe(true);
});

it.each([
  ['one long text', JSON.stringify('[{,'.repeat(1_000_000))],
  ['a text that does not end', `"${'[{,'.repeat(1_000_000)}`],
  ['a text full of backslashes', JSON.stringify('\\"['.repeat(300_000))],
])('`hasMoreValues()` does not look into texts: %s', (_, text) => {
  expect(hasMoreValues(text, 250_000)).toBe(false);
});
