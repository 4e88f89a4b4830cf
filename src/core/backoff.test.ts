import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

describe('backoff', () => {
  it.each([
    [0, 50],
    [1, 100],
    [10, 51_200],
    [11, 60_000],
    [5_000, 60_000],
  ])('`backoffMs()` doubles from the base up to the maximum: attempt %i waits %i ms', (attempt, ms) => {
    expect(backoffMs({ baseMs: 50, maxMs: 60_000 }, attempt)).toBe(ms);
  });

  it('`backoffMs()` lets jitter shorten a delay by its share at most, and never lengthen it', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(100), chance, chance, (attempt, jitter, random) => {
        const full = backoffMs({ baseMs: 50, maxMs: 60_000 }, attempt);
        const delay = backoffMs({ baseMs: 50, maxMs: 60_000, jitter }, attempt, random);
        expect(delay).toBeLessThanOrEqual(full);
        expect(delay).toBeGreaterThanOrEqual(full * (1 - jitter));
      }),
    );
  });
});
