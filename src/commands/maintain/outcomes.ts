/** The results of `enter`, `exit` and `wait`, for people and for programs. Pure. */
import { formatDuration } from '../../core/duration.ts';
import type { Explanation } from '../../core/explanation.ts';
import type { Format } from '../format.ts';
import { structured } from '../format.ts';
import { renderWhy } from '../render.ts';
import type { Canvas } from '../terminal.ts';

/**
 * - `Asked`, `AlreadyAsked`: the taint is set, by us or since before.
 * - `Released`, `NotAsked`: the taint has gone, by us or before.
 * - `Drained`, `Ended`, `Rejected`: the awaited state, or another final one.
 * - `TimedOut`: none of these was reached in time.
 * - `Interrupted`: the user has stopped waiting.
 * - `NotFound`: there is no such Node.
 * - `Failed`: anything else.
 */
export type NodeOutcome =
  | 'Asked'
  | 'AlreadyAsked'
  | 'Released'
  | 'NotAsked'
  | 'Drained'
  | 'Ended'
  | 'Rejected'
  | 'TimedOut'
  | 'Interrupted'
  | 'NotFound'
  | 'Failed';

export interface NodeResult {
  readonly node: string;
  readonly outcome: NodeOutcome;
  /** A sentence without a full stop. */
  readonly message: string;
  /** The duration; absent if the command did not wait. */
  readonly afterMs?: number;
  /** The Node's explanation at the end; absent if the Node was not read. */
  readonly object?: Explanation;
}

/** The gravest outcome of several Nodes counts: a failure (1) before a rejection (3) before a timeout (4). */
export function codeOf(results: readonly NodeResult[], isGood: (outcome: NodeOutcome) => boolean): 0 | 1 | 3 | 4 {
  const left = new Set(results.map(({ outcome }) => outcome).filter((outcome) => !isGood(outcome)));
  if (left.size === 0) return 0;
  const isFailure = [...left].some((outcome) => outcome !== 'Rejected' && outcome !== 'TimedOut');
  if (isFailure) return 1;
  return left.has('Rejected') ? 3 : 4;
}

/** The output for programs: one document, whatever happened. */
export function resultsDocument(results: readonly NodeResult[], code: number, format: 'json' | 'yaml'): string {
  const items = results.map(({ node, outcome, message, afterMs, object }) => ({
    node,
    outcome,
    message,
    ...(afterMs !== undefined && { afterSeconds: Math.round(afterMs / 100) / 10 }),
    ...(object !== undefined && { object }),
  }));
  return structured({ code, items }, format);
}

/** A line per Node, with further help if it does not proceed by itself. */
export function renderResults(results: readonly NodeResult[], format: Format, nowMs: number, canvas?: Canvas): string {
  return results
    .map((result) => {
      const { node, message, afterMs, object, outcome } = result;
      const took = afterMs === undefined ? '' : ` after ${formatDuration(Math.max(1000, afterMs))}`;
      const line = `node/${node}: ${message}${took}${outcome === 'Drained' ? '; the machine may be worked on' : ''}\n`;
      // The controller has yet to react on a request that was just withdrawn: its report is about to go.
      const isStuck = object?.outlook === 'Stuck' && outcome !== 'Released';
      const helps = outcome === 'Rejected' || outcome === 'TimedOut' || isStuck;
      return helps && object !== undefined ? line + indent(renderWhy(object, format, nowMs, canvas)) : line;
    })
    .join('');
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
