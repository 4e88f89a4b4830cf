/** The reports of a roll. */
import type { Explanation } from '../../core/explanation.ts';
import type { RollState } from '../../core/roll-record.ts';
import type { Phase } from '../../tmm/names.ts';

/** The reported changes of one Node, or of the roll. The words are a contract of `-o json`. */
export type RollEventType =
  | 'Started'
  | 'Resumed'
  | Exclude<RollState, 'Pending'>
  /** The controller's phase of a Node under way. */
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
  /** Absent if it concerns the roll. */
  readonly node?: string;
  readonly message?: string;
  /** The stream that an `Output` came from. */
  readonly stream?: 'stdout' | 'stderr';
  /** The explanation, with everything that helps to remove the cause of a rejection. */
  readonly object?: Explanation;
}

/** How many Nodes are in which state. */
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

/** How the roll stands at one moment. */
export interface RollPicture {
  readonly counts: RollCounts;
  /** The explanations of the Nodes under way. */
  readonly underWay: readonly Explanation[];
  /** The names of the Nodes that come after them. */
  readonly next: readonly string[];
}

/** Presents the progress of a roll. Throws nothing. */
export interface RollPresenter {
  event(event: RollEvent, counts: RollCounts): void;
  /** Something has changed. @param look is called when it is drawn, which is less often. */
  update(look: () => RollPicture): void;
  /** @param node whose work a person has to confirm; undefined if there is none. */
  ask(node: string | undefined): void;
  close(): void;
}
