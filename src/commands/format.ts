/** The forms in which an answer is written. */
import { stringify } from 'yaml';

/** `wide` is `text` with more columns; the other two hold everything, under names that stay. */
export const FORMATS = ['text', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** For developers: what a decision on a Node is made of. */
export const OBSERVED = 'observed';

/** For programs to read. */
export function structured(value: unknown, format: 'json' | 'yaml'): string {
  // Long lines are data: folding them would only make them harder to copy.
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 });
}
