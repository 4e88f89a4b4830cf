/**
 * Exact Kubernetes quantities (`resource.Quantity`), as integer numbers of billionths, the finest step that the API supports. They are
 * plain BigInts, so `+`, `<` and `===` add and compare them.
 *
 * Source: apimachinery `api/resource/quantity.go`.
 */

/** Billionths of the unit: `1500m` is 1_500_000_000n. */
export type Quantity = bigint;

const NANO_DIGITS = 9;
const ONE = 10n ** BigInt(NANO_DIGITS);
const MILLI = ONE / 1000n;
const FORM = /^([+-]?)(\d*)(?:\.(\d*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?$/;
/** Far longer than any sensible number, and short enough that no object can make us compute for long. */
const MAX_LENGTH = 64;
const MAX_INT64 = 2n ** 63n - 1n;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_EXPONENTS: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/**
 * Parses a quantity: digits with an optional sign and point, then `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, an exponent (`e3`, `E-2`) or
 * nothing. Digits below a billionth are rounded away from zero, as the API server does.
 *
 * @returns undefined for anything else, for more than 64 characters and for exponents of three digits.
 */
export function parseQuantity(text: string): Quantity | undefined {
  const found = text.length <= MAX_LENGTH ? FORM.exec(text) : null;
  if (found === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = found;
  if (whole === '' && fraction === '') return undefined;
  const mantissa = BigInt(whole + fraction);
  const binary = BINARY_EXPONENTS[suffix];
  const decimal = binary === undefined ? (DECIMAL_EXPONENTS[suffix] ?? Number(suffix.slice(1) || '0')) : 0;
  const amount = shiftDecimal(mantissa << BigInt(binary ?? 0), decimal - fraction.length + NANO_DIGITS);
  return sign === '-' ? -amount : amount;
}

/** In whole units, rounded up, as the scheduler counts all resources but CPU. At most 2⁶³ − 1. */
export function unitsOf(quantity: Quantity): bigint {
  return atMostInt64(divideUp(quantity, ONE));
}

/** In thousandths, rounded up, as the scheduler counts CPU. At most 2⁶³ − 1. */
export function milliUnitsOf(quantity: Quantity): bigint {
  return atMostInt64(divideUp(quantity, MILLI));
}

/** Multiplies a value, which must not be negative, by ten to the power of `digits`, rounded up. */
function shiftDecimal(value: bigint, digits: number): bigint {
  return digits >= 0 ? value * 10n ** BigInt(digits) : divideUp(value, 10n ** BigInt(-digits));
}

/** Division of BigInts rounds towards zero, which already is up for negative values. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value > 0n && value % divisor !== 0n ? quotient + 1n : quotient;
}

function atMostInt64(value: bigint): bigint {
  return value > MAX_INT64 ? MAX_INT64 : value;
}
