import { describe, expect, it } from 'vitest';
import { RecentKeys } from './recent-keys.ts';

describe('RecentKeys', () => {
  it('`isNew()` is false for a key until its time is over, counted from when it was first seen', () => {
    const recent = new RecentKeys({ ttlMs: 100, maxSize: 10 });
    expect([0, 60, 99, 100, 150].map((nowMs) => recent.isNew('a', nowMs))).toEqual([true, false, false, true, false]);
  });

  it('`isNew()` forgets the key that was seen longest ago when there is no room', () => {
    const recent = new RecentKeys({ ttlMs: 1000, maxSize: 2 });
    for (const key of ['a', 'b', 'a', 'c']) recent.isNew(key, 0);
    expect([recent.isNew('a', 1), recent.isNew('b', 1)]).toEqual([false, true]);
  });

  it('`forget()` makes a key new again', () => {
    const recent = new RecentKeys({ ttlMs: 1000, maxSize: 2 });
    recent.isNew('a', 0);
    recent.forget('a');
    expect(recent.isNew('a', 1)).toBe(true);
  });
});
