import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliUnitsOf, parseQuantity, unitsOf } from './quantity.ts';

const ONE = 1_000_000_000n;

const SUFFIXES = new Map([
  ['n', [1n, ONE]],
  ['u', [1n, 1_000_000n]],
  ['m', [1n, 1000n]],
  ['', [1n, 1n]],
  ['k', [1000n, 1n]],
  ['M', [1000n ** 2n, 1n]],
  ['G', [1000n ** 3n, 1n]],
  ['T', [1000n ** 4n, 1n]],
  ['P', [1000n ** 5n, 1n]],
  ['E', [1000n ** 6n, 1n]],
  ['Ki', [1024n, 1n]],
  ['Mi', [1024n ** 2n, 1n]],
  ['Gi', [1024n ** 3n, 1n]],
  ['Ti', [1024n ** 4n, 1n]],
  ['Pi', [1024n ** 5n, 1n]],
  ['Ei', [1024n ** 6n, 1n]],
] as const);

describe('parseQuantity()', () => {
  it.each([
    ['0', 0n],
    ['1', ONE],
    ['+1', ONE],
    ['-1', -ONE],
    ['100m', ONE / 10n],
    ['1500m', (ONE * 3n) / 2n],
    ['0.5', ONE / 2n],
    ['.5', ONE / 2n],
    ['5.', 5n * ONE],
    ['1.5Gi', (3n * 1024n ** 3n * ONE) / 2n],
    ['12e6', 12_000_000n * ONE],
    ['1E3', 1000n * ONE],
    ['1e-3', ONE / 1000n],
    ['1E', 10n ** 18n * ONE],
    ['007', 7n * ONE],
    ['250u', 250_000n],
    ['3n', 3n],
  ])('reads %s', (text, expected) => {
    expect(parseQuantity(text)).toBe(expected);
  });

  it('rounds what is finer than a billionth away from zero, so that asking for little is not asking for nothing', () => {
    expect(parseQuantity('0.1n')).toBe(1n);
    expect(parseQuantity('-0.1n')).toBe(-1n);
    expect(parseQuantity('0.0Ki')).toBe(0n);
  });

  it.each(['', '-', '.', 'Ki', 'm', '1 Gi', '1gi', '1Kib', '1K', '0x10', '1e', '1e3m', '1,5', 'NaN', '1e100', '--1'])(
    'refuses %j',
    (text) => {
      expect(parseQuantity(text)).toBeUndefined();
    },
  );

  it('refuses text that would take long to compute', () => {
    expect(parseQuantity('9'.repeat(65))).toBeUndefined();
  });

  it('multiplies by the suffix exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 30n), fc.constantFrom(...SUFFIXES), (value, [suffix, [factor, divisor]]) => {
        expect(parseQuantity(`${value}${suffix}`)).toBe((value * factor * ONE) / divisor);
      }),
    );
  });

  it('gives the same for a point as for a smaller suffix', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 999 }), (whole, thousandths) => {
        const decimals = String(thousandths).padStart(3, '0');
        expect(parseQuantity(`${whole}.${decimals}`)).toBe(parseQuantity(`${whole * 1000 + thousandths}m`));
      }),
    );
  });

  it('gives the opposite for the opposite sign', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (value) => {
        const text = value.toFixed(12);
        expect(parseQuantity(`-${text}`)).toBe(-(parseQuantity(text) ?? 0n));
      }),
    );
  });
});

describe('unitsOf() and milliUnitsOf()', () => {
  it.each([
    ['1', 1n, 1000n],
    ['1m', 1n, 1n],
    ['1001m', 2n, 1001n],
    ['1u', 1n, 1n],
    ['0', 0n, 0n],
    ['-1500m', -1n, -1500n],
  ])('round %s up', (text, units, milli) => {
    const quantity = parseQuantity(text) ?? 0n;
    expect([unitsOf(quantity), milliUnitsOf(quantity)]).toEqual([units, milli]);
  });

  it('stop at the largest integer of the API', () => {
    expect(unitsOf(parseQuantity('100E') ?? 0n)).toBe(2n ** 63n - 1n);
    expect(milliUnitsOf(parseQuantity('1E') ?? 0n)).toBe(2n ** 63n - 1n);
  });

  it('never give less than there is, nor a whole unit more', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 27n), (quantity) => {
        const excess = unitsOf(quantity) * ONE - quantity;
        expect(excess >= 0n && excess < ONE).toBe(true);
      }),
    );
  });
});
