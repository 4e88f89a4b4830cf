/** Whether a Node has reached the awaited goal. Pure. */
import type { NodeFacts } from '../nodes/node-facts.ts';

/**
 * `drained`: the machine may be worked on. `ended`: there is no request, and nothing is under way. `rejected`: the controller has refused.
 */
export const GOALS = ['drained', 'ended', 'rejected'] as const;
export type Goal = (typeof GOALS)[number];

/**
 * - `Pending`: not reached yet, but still possible.
 * - `Reached`: the goal is reached.
 * - `Rejected`: it cannot be reached, since the controller has refused.
 * - `Failed`: it cannot be reached, for another reason.
 */
export type Standing =
  | { readonly is: 'Pending' | 'Reached' | 'Rejected' }
  | { readonly is: 'Failed'; readonly why: string };

export interface GoalContext {
  /** Whether the request was seen on the Node since the wait began: if the taint goes after that, somebody has removed it. */
  readonly wasAsked: boolean;
  /** The session whose end is awaited; absent if any is. Another session was begun by somebody else, after ours had ended. */
  readonly session?: string;
}

/** @param node `unknown` is not `absent`: it leads to no verdict. */
export function standingOf(
  goal: Goal,
  node: NodeFacts | 'unknown' | 'absent',
  { wasAsked, session }: GoalContext,
): Standing {
  if (node === 'unknown') return { is: 'Pending' };
  if (node === 'absent') return goal === 'ended' ? { is: 'Reached' } : { is: 'Failed', why: 'the Node is gone' };
  const { asking, report, isDrained, isRejected, isAtRest } = node;
  if (goal === 'ended') {
    const isAnother = session !== undefined && report !== undefined && report.session !== session;
    if (isAtRest || isAnother) return { is: 'Reached' };
    // The missing members may come back in a minute or never; the slot is free, and a person has to look.
    return report?.overdue === true ? { is: 'Failed', why: `the exit is late: ${report.message}` } : { is: 'Pending' };
  }
  if (isRejected) return { is: goal === 'rejected' ? 'Reached' : 'Rejected' };
  if (asking === undefined) {
    return wasAsked ? { is: 'Failed', why: 'somebody has taken the taint away' } : { is: 'Pending' };
  }
  return { is: goal === 'drained' && isDrained ? 'Reached' : 'Pending' };
}
