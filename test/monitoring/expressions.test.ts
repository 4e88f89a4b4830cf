import { describe, expect, it } from 'vitest';
import { withoutFilters, withVariables } from './expressions.ts';

describe('`withoutFilters()`', () => {
  it.each([
    ['up == 0 and on (job) b', 'up == bool 0 and on (job) b'],
    ['max(a{x!="1", y=~"b|c"}) > 5', 'max(a{x!="1", y=~"b|c"}) > bool 5'],
    ['a >= 1 and b <= 2 unless c < 3', 'a >= bool 1 and b <= bool 2 and c < bool 3'],
    ['a or absent_over_time(b{c="d"}[1d])', 'a or last_over_time(b{c="d"}[1d])'],
    ['rate(a[5m])', 'rate(a[5m])'],
  ])('makes of %s: %s', (expr, expected) => {
    expect(withoutFilters(expr)).toBe(expected);
  });
});

describe('`withVariables()`', () => {
  it('chooses everything', () => {
    expect(withVariables('rate(a{namespace=~"$namespace", job=~"$job"}[$__rate_interval])', '1m')).toBe(
      'rate(a{namespace=~".*", job=~".*"}[1m])',
    );
  });
});
