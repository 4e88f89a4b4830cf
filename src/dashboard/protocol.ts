/** What the server tells the page, one JSON text per message. Pure data: both sides read it. */
import type { Explanation } from '../core/explanation.ts';

/** An object as the page shows it. */
export type Row = Explanation;

/** The words of a Kubernetes watch, for rows. */
export interface RowChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Row;
}

export type Message =
  /** Everything, at the beginning and whenever a page was too slow for its changes. */
  | { readonly is: 'state'; readonly rows: readonly Row[]; readonly isComplete: boolean; readonly cluster: string }
  | { readonly is: 'changes'; readonly changes: readonly RowChange[]; readonly isComplete: boolean }
  /** What is wrong between this program and the API server; absent when it is over. */
  | { readonly is: 'trouble'; readonly text?: string };

/** An Event about one object. */
export interface TimelineEntry {
  /** RFC 3339; when it happened last. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  /** How often it happened; at least 1. */
  readonly count: number;
}

export type Timeline =
  | { readonly is: 'entries'; readonly entries: readonly TimelineEntry[] }
  /** Why the caller does not get to see the Events, in the API server's words. */
  | { readonly is: 'unseen'; readonly why: string };
