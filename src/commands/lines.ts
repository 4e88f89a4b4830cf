/** Changes as lines: for pipes, logs and scripts. Pure. */
import { stringify } from 'yaml';
import type { Change } from './changes.ts';
import type { Format } from './format.ts';
import { objectOf, progressOf } from './render.ts';

/** Wide enough for most, so that the columns of one stream stand below one another. */
const WIDTHS = { object: 32, state: 20, progress: 7 } as const;

/**
 * `text`: time, object, state and progress, each one word (`-` where there is none), then whom it waits for. `wide` adds
 * reason and deadline before, and the summary at the end. `json` and `yaml`: a document per change, JSON on one line.
 */
export function formatChange({ type, object }: Change, format: Format, nowMs: number): string {
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (format === 'json') return `${JSON.stringify({ time, type, object })}\n`;
  if (format === 'yaml') return `---\n${stringify({ time, type, object }, { lineWidth: 0 })}`;
  const { state, reason = '-', deadline = '-', waitsFor, summary } = object;
  const words = [
    time,
    objectOf(object).padEnd(WIDTHS.object),
    // What is gone has no state any more; what has only ended tells the one after.
    (type === 'DELETED' && object.isUnderWay ? 'Deleted' : state).padEnd(WIDTHS.state),
    progressOf(object).padEnd(WIDTHS.progress),
    ...(format === 'wide' ? [reason, deadline] : []),
    waitsFor ?? '-',
    ...(format === 'wide' ? [summary] : []),
  ];
  return `${words.join('  ')}\n`;
}
