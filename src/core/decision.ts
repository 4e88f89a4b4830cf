import type { Action } from './action.ts';

/**
 * The actions that should follow and the reason: the result of a feature's pure `decide()`.
 *
 * @typeParam Because the feature's closed union of reasons; the same word is the log's `reason`, a metric's label, the Event's reason and a
 * heading in the documentation.
 */
export interface Decision<Because extends string> {
  readonly because: Because;
  /** In the order in which they must be carried out; the comments of each rule describe the state after a crash in between. */
  readonly actions: readonly Action[];
  /** Absent if no requeue is needed, because a watch event will come. */
  readonly requeueAfterMs?: number;
}

/** The result of one pass over a key. An error means: try again with backoff. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/** A request that can never succeed as it is: the runtime does not retry it until the object changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
