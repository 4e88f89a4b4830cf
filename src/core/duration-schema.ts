/** Durations of the configuration, as zod checks them. */
import { z } from 'zod';
import { parseDuration } from './duration.ts';

/**
 * Reads a duration into milliseconds.
 *
 * @param wanted what a fault says was wanted.
 * @param isAllowed of those that are durations; by default all, 0 included.
 */
export function durationSchema(wanted: string, isAllowed: (ms: number) => boolean = () => true) {
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && isAllowed(ms)) return ms;
    context.addIssue({ code: 'custom', message: wanted, input: text });
    return z.NEVER;
  });
}

/** A duration that may not be 0. */
export const positiveDurationSchema = durationSchema(
  'a duration above zero such as "90s", "5m" or "1h30m"',
  (ms) => ms > 0,
);
