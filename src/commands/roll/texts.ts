/** The messages of a roll about its steps, the Nodes that it leaves, and its own end. */

import type { RollState } from '../../core/roll-record.ts';
import type { RollStop } from './decide.ts';

export const DROPPED = {
  Gone: 'the Node is gone',
  Lost: 'another process goes on with this roll, or another roll has begun here',
  Excluded: 'somebody has taken it out of the roll',
} as const;

export const STEPS: Readonly<Record<RollState, string>> = {
  Pending: '',
  Entering: 'asked to enter maintenance',
  Working: 'drained; the work begins',
  Returning: 'the work is done; it has to be Ready',
  Done: 'released',
  Rejected: 'rejected, and released',
  TimedOut: 'out of time',
  Failed: 'failed',
  Skipped: 'skipped',
};

export const STOPS: Readonly<Record<RollStop, string>> = {
  Interrupted: 'Asked to stop',
  TimedOut: 'Out of time',
  Rejected: 'A Node was rejected',
  Failed: 'A Node has failed',
  Lost: 'Somebody else goes on with this roll',
};
