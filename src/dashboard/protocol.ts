/** The messages from the server to the page, one JSON text each. Pure data: both sides use it. */
import type { Explanation } from '../core/explanation.ts';

/** An object as the page shows it. */
export type Row = Explanation;

/** The terms of a Kubernetes watch, for rows. */
export interface RowChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Row;
}

export type Message =
  /** Everything, at the beginning and whenever a page was too slow for its changes. */
  | { readonly is: 'state'; readonly rows: readonly Row[]; readonly isComplete: boolean; readonly cluster: string }
  | { readonly is: 'changes'; readonly changes: readonly RowChange[]; readonly isComplete: boolean }
  /** The fault between this program and the API server; absent when it is over. */
  | { readonly is: 'trouble'; readonly text?: string };

/** An Event about one object. */
export interface TimelineEntry {
  /** RFC 3339; the last time it happened. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  /** How many times it happened; at least 1. */
  readonly count: number;
}

export type Timeline =
  | { readonly is: 'entries'; readonly entries: readonly TimelineEntry[] }
  /** Why the caller may not read the Events, from the API server's response. */
  | { readonly is: 'unseen'; readonly why: string };
