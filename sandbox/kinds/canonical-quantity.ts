/** Quantities in the canonical form in which the server returns them (apimachinery `Quantity.CanonicalizeBytes`). */
import { parseQuantity, type Quantity } from '../../src/core/quantity.ts';

const ONE = 1_000_000_000n;
const KIBI = 1024n;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** Quantities are counted in billionths. */
const FINEST_EXPONENT = -9;

/** `0.5` becomes `500m`, `1024Mi` becomes `1Gi`, `1e3` stays. Text that is not a quantity, or has no canonical form, stays too. */
export function canonicalQuantity(text: string): string {
  const quantity = parseQuantity(text);
  if (quantity === undefined) return text;
  if (quantity === 0n) return '0';
  const isWhole = quantity % ONE === 0n;
  const isSmall = quantity > -KIBI * ONE && quantity < KIBI * ONE;
  if (text.endsWith('i') && isWhole && !isSmall) return inBinary(quantity / ONE) ?? text;
  return inDecimal(quantity, /[eE][+-]?\d+$/.test(text)) ?? text;
}

function inBinary(units: Quantity): string | undefined {
  const [number, power] = reduced(units, KIBI);
  const suffix = BINARY[power];
  return suffix === undefined ? undefined : `${number}${suffix}`;
}

/** In steps of a thousand: the number is whole. */
function inDecimal(quantity: Quantity, hasExponent: boolean): string | undefined {
  const [number, power] = reduced(quantity, 1000n);
  const exponent = FINEST_EXPONENT + 3 * power;
  if (hasExponent) return exponent === 0 ? String(number) : `${number}e${exponent}`;
  const suffix = DECIMAL[power];
  return suffix === undefined ? undefined : `${number}${suffix}`;
}

/** The number without its factors of `base`, and how many there were. */
function reduced(number: bigint, base: bigint): readonly [bigint, number] {
  let rest = number;
  let power = 0;
  while (rest % base === 0n) {
    rest /= base;
    power += 1;
  }
  return [rest, power];
}
