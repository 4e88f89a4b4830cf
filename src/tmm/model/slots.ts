/** Slots: which Nodes may be away at once, and who asked first. */
import type { Phase } from '../names.ts';
import type { OtherSession } from './observed.ts';
import type { Report, Workload } from './report.ts';

/** A Node that was admitted a moment ago, which the cache may not show yet. */
export interface Reservation {
  readonly session: string;
  /** RFC 3339. */
  readonly started: string;
  /** RFC 3339. */
  readonly since: string;
  /** The workloads that it displaces. */
  readonly workloads?: readonly Workload[];
}

const TAKES_SLOT: readonly Phase[] = ['Draining', 'InMaintenance', 'Exiting'];

/** Whether the session holds a slot: its Node is away, is about to be, or is coming back within its deadline. */
export function holdsSlot({ phase, overdue }: Pick<Report, 'phase' | 'overdue'>): boolean {
  return TAKES_SLOT.includes(phase) && overdue !== true;
}

/** Whether the Node of `a` asked before that of `b`; requests of the same moment are ordered by name. */
export function isBefore(a: Asked, b: Asked): boolean {
  return a.started < b.started || (a.started === b.started && a.nodeName < b.nodeName);
}

type Asked = Pick<OtherSession, 'started' | 'nodeName'>;
