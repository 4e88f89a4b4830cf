/** The output formats of the commands. */
import { stringify } from 'yaml';

/** `wide` is `text` with more columns; the other two contain everything, under stable names. */
export const FORMATS = ['text', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** For developers: the input of the decision on a Node. */
export const OBSERVED = 'observed';

/** For programs to read. */
export function structured(value: unknown, format: 'json' | 'yaml'): string {
  // Long lines are data: folding them would only make them harder to copy.
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 });
}
