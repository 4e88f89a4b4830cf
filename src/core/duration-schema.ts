/** The schemas of durations in settings. */
import { z } from 'zod';
import { durationMs, isLimit, isPositiveDuration, limitMs } from './duration.ts';

const EXAMPLES = '"90s", "5m" or "1h30m"';

/** A duration above zero, in milliseconds. */
export const duration = z
  .string()
  .refine(isPositiveDuration, `a duration above zero such as ${EXAMPLES}`)
  .transform(durationMs);

/** A duration in milliseconds, or 0 for none; a number is accepted too, since YAML and Helm read an unquoted 0 as one. */
export const limit = z
  .union([z.string(), z.literal(0)])
  .refine(isLimit, `a duration such as ${EXAMPLES}, or "0" for none`)
  .transform(limitMs);
