import { describe, expect, it } from 'vitest';
import { canonicalQuantity } from './canonical-quantity.ts';

describe('`canonicalQuantity()`', () => {
  // The values as a real API server returned them.
  it.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1000', '1k'],
    ['1100', '1100'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['512Ki', '512Ki'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['1e3', '1e3'],
    ['1.5e3', '1500'],
    ['0Gi', '0'],
    ['-1Gi', '-1Gi'],
    ['10000000', '10M'],
    ['much', 'much'],
  ])('%s is %s', (given, expected) => {
    expect(canonicalQuantity(given)).toBe(expected);
  });
});
