/** Formats changes as lines: for pipes, logs and scripts. Pure. */
import { stringify } from 'yaml';
import type { Change } from './changes.ts';
import type { Format } from './format.ts';
import { objectOf, progressOf } from './render.ts';

/** Wide enough for most values, so that the columns of a stream align. */
const WIDTHS = { object: 32, state: 20, progress: 7 } as const;

/**
 * `text`: time, object, state and progress, each one word (`-` if there is none), then what is waited for. `wide` adds reason and deadline
 * before, and the summary at the end. `json` and `yaml`: one document per change, JSON on one line.
 */
export function formatChange({ type, object }: Change, format: Format, nowMs: number): string {
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (format === 'json') return `${JSON.stringify({ time, type, object })}\n`;
  if (format === 'yaml') return `---\n${stringify({ time, type, object }, { lineWidth: 0 })}`;
  const { state, reason = '-', deadline = '-', waitsFor, summary } = object;
  const words = [
    time,
    objectOf(object).padEnd(WIDTHS.object),
    // A deleted object has no state any more; one that has only ended shows the state after it.
    (type === 'DELETED' && object.isUnderWay ? 'Deleted' : state).padEnd(WIDTHS.state),
    progressOf(object).padEnd(WIDTHS.progress),
    ...(format === 'wide' ? [reason, deadline] : []),
    waitsFor ?? '-',
    ...(format === 'wide' ? [summary] : []),
  ];
  return `${words.join('  ')}\n`;
}
