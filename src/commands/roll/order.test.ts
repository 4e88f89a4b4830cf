import { describe, expect, it } from 'vitest';
import { countOf, orderByPlan, parseShare } from './order.ts';

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
