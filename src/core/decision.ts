import type { Action } from './action.ts';

/**
 * What should happen and why: the result of a feature's pure `decide()`.
 *
 * @typeParam Because the feature's closed union of reasons; the same word is the log's `reason`, a metric's label, the
 * Event's reason and a heading in the documentation.
 */
export interface Decision<Because extends string> {
  readonly because: Because;
  /** In the order in which they must be carried out; the text of the rule says what a crash between them leaves behind. */
  readonly actions: readonly Action[];
  /** Absent: no requeue needed, a watch event will come. */
  readonly requeueAfterMs?: number;
}

/** What one pass over a key came to. Throwing means: try again with backoff. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/** A request that can never succeed as it is: the runtime does not retry it until the object changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
