import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from './labels.ts';

describe('`parseLabelSelector()`', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a=', { a: '' }, true],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a', { a: 'x' }, true],
    ['!a', { a: 'x' }, false],
    ['a in (b, c)', { a: 'c' }, true],
    ['a in (b,c),d', { a: 'c' }, false],
    ['a notin (b)', {}, true],
    ['a notin (b)', { a: 'b' }, false],
    ['x.io/n>5', { 'x.io/n': '6' }, true],
    ['n<5', { n: 'six' }, false],
    ['constructor', {}, false],
  ])('%s with %j: %j', (selector, labels, matches) => {
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
  });

  it.each(['a===b', 'a in', 'a in (b', 'a,', '=b', 'a b', '-a=b', 'a=b c', 'a>x'])(
    '%s cannot be read: 400',
    (selector) => {
      expect(() => parseLabelSelector(selector)).toThrow(expect.objectContaining({ code: 400 }));
    },
  );
});
