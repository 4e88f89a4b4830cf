/** An absolute number, or a share of a total. */
import { z } from 'zod';

/** A whole number above zero, or a percentage of at least 1 %. */
export type Share = number | `${number}%`;

export const share = z.union([
  z.int().min(1),
  z
    .string()
    .regex(
      /^(100|[1-9]\d?)%$/,
      'a whole number above zero or a percentage such as "10%"',
    ) as unknown as z.ZodType<`${number}%`>,
]);

/** Resolves a share of `total`; at least one. */
export function countOf(wanted: Share, total: number): number {
  if (typeof wanted === 'number') return wanted;
  return Math.max(1, Math.floor((Number.parseInt(wanted, 10) / 100) * total));
}
