/** The result of a roll. Pure. */

import type { RollCode } from './flags.ts';
import { describeCounts } from './presenters.ts';
import type { RollEnd } from './roller.ts';

/** A failure takes precedence over a rejection, a rejection over a timeout. Nodes that are gone do not count as failures. */
export function codeOfRoll({ stop, members }: RollEnd): RollCode {
  if (stop === 'Abandoned') return 130;
  const { failed, skipped, rejected, timedOut, pending } = members.counts();
  if (failed + skipped > 0 || stop === 'Lost') return 1;
  if (rejected > 0) return 3;
  if (timedOut > 0 || stop === 'TimedOut') return 4;
  return pending > 0 ? 1 : 0;
}

export function summaryOf({ members }: RollEnd): string {
  return describeCounts(members.counts());
}
