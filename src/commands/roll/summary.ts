/** What a roll came to. Pure. */

import type { RollCode } from './flags.ts';
import { countsOf } from './members.ts';
import { describeCounts } from './presenters.ts';
import type { RollEnd } from './roller.ts';

/** A failure counts before a rejection, a rejection before a timeout. Nodes that are gone are no failure. */
export function codeOfRoll({ stop, members }: RollEnd): RollCode {
  if (stop === 'Abandoned') return 130;
  const { failed, skipped, rejected, timedOut, pending } = countsOf(members);
  if (failed + skipped > 0 || stop === 'Lost') return 1;
  if (rejected > 0) return 3;
  if (timedOut > 0 || stop === 'TimedOut') return 4;
  return pending > 0 ? 1 : 0;
}

export function summaryOf({ members }: RollEnd): string {
  return describeCounts(countsOf(members));
}
