import { describe, expect, it } from 'vitest';
import { RepeatedWrites } from './repeated-writes.ts';

/** Writes whenever it may, for as long as somebody undoes each write at once. @returns the times of the writes */
function fight(writes: RepeatedWrites, fromMs: number, untilMs: number, content = 'a'): readonly number[] {
  const times: number[] = [];
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 10) {
    if (writes.pauseMs('object', content, nowMs) > 0) continue;
    writes.wrote('object', content, nowMs);
    times.push(nowMs);
  }
  return times;
}

describe('`RepeatedWrites`', () => {
  it('lets a few equal writes follow at once, and the others with growing pauses', () => {
    const times = fight(new RepeatedWrites(), 0, 600_000);
    expect(times.slice(0, 5)).toEqual([0, 10, 20, 30, 40]);
    expect(times.slice(5, 9)).toEqual([1040, 3040, 7040, 15_040]);
    expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBe(60_000);
  });

  it('lets another content through at once, and one that has stood for a while', () => {
    const writes = new RepeatedWrites();
    fight(writes, 0, 10_000);
    expect(writes.pauseMs('object', 'a', 10_000)).toBeGreaterThan(0);
    expect(writes.pauseMs('object', 'b', 10_000)).toBe(0);
    expect(writes.pauseMs('other', 'a', 10_000)).toBe(0);
    expect(fight(writes, 200_000, 200_050)).toHaveLength(5);
  });

  it('has no pause after the clock was set back', () => {
    const writes = new RepeatedWrites();
    fight(writes, 10_000, 11_000);
    expect(writes.pauseMs('object', 'a', 5000)).toBe(0);
  });
});
