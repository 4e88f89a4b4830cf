/** The Nodes of a roll, as the process that carries it out knows them. */
import type { Phase } from '../../tmm/names.ts';
import type { CommandView } from './decide.ts';
import type { RollCounts } from './events.ts';
import { isUnderWay, type RollRecord, type RollState } from './record.ts';
import type { Work } from './work.ts';

/** One Node of the roll, as this process knows it. */
export interface RollMember {
  readonly name: string;
  readonly uid: string;
  record: RollRecord;
  dropped?: 'Gone' | 'Lost' | 'Excluded';
  /** Whether our last write left the taint on it; absent before the first. */
  isTainted?: boolean;
}

/** A Node of the roll with what the process remembers of it. */
export interface Member extends RollMember {
  command: CommandView;
  work?: Work;
  isBusy: boolean;
  countsSinceMs: number;
  retries: number;
  retryAtMs?: number;
  phase?: Phase;
}

export function countsOf(members: readonly RollMember[]): RollCounts {
  const live = members.filter(({ dropped }) => dropped === undefined);
  const of = (state: RollState): number => live.filter(({ record }) => record.state === state).length;
  return {
    total: members.length,
    done: of('Done'),
    rejected: of('Rejected'),
    failed: of('Failed') + members.filter(({ dropped }) => dropped === 'Lost').length,
    timedOut: of('TimedOut'),
    skipped: of('Skipped') + members.filter(({ dropped }) => dropped === 'Excluded').length,
    gone: members.filter(({ dropped }) => dropped === 'Gone').length,
    underWay: live.filter(({ record }) => isUnderWay(record.state)).length,
    pending: of('Pending'),
  };
}
