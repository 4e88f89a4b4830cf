import { expect, it } from 'vitest';
import { quantile, quantiles } from './quantiles.ts';

it('names the median and the worst of samples in any order', () => {
  expect(quantiles([3.2, 1, 2], 0.5, 0.99, 1)).toBe('p50 2 ms, p99 2 ms, worst 3 ms');
  expect(quantile([], 0.5)).toBe('–');
});
