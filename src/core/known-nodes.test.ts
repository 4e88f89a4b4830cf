import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatKnownNodes, nextKnownNodes, parseKnownNodes } from './known-nodes.ts';

const uids = (from: number, count: number) => Array.from({ length: count }, (_, i) => `uid-${from + i}`);

describe('`nextKnownNodes()`', () => {
  it.each([
    ['the first ones are learned', [], uids(0, 3), uids(0, 3)],
    ['at most sixteen', [], uids(0, 40), uids(0, 16)],
    ['a few that come change nothing', uids(0, 3), uids(0, 5), uids(0, 3)],
    ['many that come are learned', uids(0, 1), uids(0, 5), uids(0, 5)],
    ['a few that go change nothing', uids(0, 16), uids(4, 40), uids(0, 16)],
    ['where many have gone, others take their place', uids(0, 16), uids(10, 40), uids(10, 16)],
    ['all that go are forgotten', uids(0, 3), [], []],
  ])('%s', (_, known, present, next) => {
    expect(nextKnownNodes(known, present)).toEqual(next);
  });

  it('settles, and always shares a Node with what is there', () => {
    const some = fc.uniqueArray(
      fc.integer({ min: 0, max: 60 }).map((i) => `uid-${i}`),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(some, some, (known, present) => {
        const next = nextKnownNodes(known.slice(0, 16), present);
        expect(nextKnownNodes(next, present)).toEqual(next);
        expect(next.some((uid) => present.includes(uid))).toBe(present.length > 0);
        expect(parseKnownNodes(formatKnownNodes(next))).toEqual(next);
      }),
    );
  });
});

it.each([
  ['', []],
  [',, ,', []],
  ['a,b c,d', ['a', 'd']],
  ['x'.repeat(100_000), []],
  [uids(0, 1000).join(','), uids(0, 16)],
])('`parseKnownNodes()` takes what others wrote (%#)', (text, found) => {
  expect(parseKnownNodes(text)).toEqual(found);
});
