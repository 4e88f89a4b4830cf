/** What a roll reports. */
import type { Explanation } from '../../core/explanation.ts';
import type { Phase } from '../../tmm/names.ts';
import type { RollState } from './record.ts';

/** What happened to one Node, or to the roll. The words are a contract of `-o json`. */
export type RollEventType =
  | 'Started'
  | 'Resumed'
  | Exclude<RollState, 'Pending'>
  /** What the controller says of a Node under way. */
  | Phase
  | 'Retrying'
  | 'Gone'
  | 'Lost'
  | 'Excluded'
  | 'Output'
  | 'Stopping'
  | 'Trouble'
  | 'Recovered'
  | 'Finished';

export interface RollEvent {
  readonly type: RollEventType;
  /** Absent where it concerns the roll. */
  readonly node?: string;
  readonly message?: string;
  /** The stream that an `Output` came from. */
  readonly stream?: 'stdout' | 'stderr';
  /** Everything that helps to mend the cause of a rejection. */
  readonly object?: Explanation;
}

/** How many Nodes are where. */
export interface RollCounts {
  readonly total: number;
  readonly done: number;
  readonly rejected: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly skipped: number;
  readonly gone: number;
  readonly underWay: number;
  readonly pending: number;
}

/** Shows how a roll comes along. Throws nothing. */
export interface RollPresenter {
  event(event: RollEvent, counts: RollCounts): void;
  /** @param underWay how the Nodes that are under way stand; `next` are the names that come after them. */
  update(counts: RollCounts, underWay: readonly Explanation[], next: readonly string[]): void;
  /** @param node whose work a person is to confirm; undefined where there is none. */
  ask(node: string | undefined): void;
  close(): void;
}
