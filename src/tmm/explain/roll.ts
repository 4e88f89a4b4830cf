/** Explains the part that a roll plays on a Node. Pure. */
import type { Explanation } from '../../core/explanation.ts';
import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { isOpen, parseRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import { formatBlockers } from './blockers.ts';

/**
 * Adds what a roll has left on the Node. A rejected Node is released at once, so that its report goes: the roll's record is all that shows why
 * it was rejected, until the roll is resumed.
 */
export function withRoll(node: Node, found: Explanation): Explanation {
  const seen = parseRecord(annotationOf(node, ROLL_ANNOTATION));
  if (seen.is !== 'valid') return found;
  const { record } = seen;
  const { id, state, place, of, message } = record;
  if (found.state === 'Idle') {
    if (state === 'Rejected' || (state === 'Pending' && message !== undefined)) return rejected(found, record);
    return state === 'Pending' ? withDetail(found, `Roll ${id} will take it as Node ${place + 1} of ${of}`) : found;
  }
  if (!isOpen(state) && state !== 'Failed' && state !== 'TimedOut') return found;
  return withDetail(found, `Part of roll ${id}: ${state}${message === undefined ? '' : `: ${message}`}`);
}

function rejected(found: Explanation, { id, state, since, message = '', blockedBy = [] }: RollRecord): Explanation {
  const isAskedAgain = state === 'Pending';
  return {
    ...found,
    state: 'Rejected',
    outlook: isAskedAgain ? 'Waiting' : 'Stuck',
    isUnderWay: true,
    since,
    summary: `Rejected in roll ${id}, and released: ${message}`,
    waitsFor: isAskedAgain
      ? 'the roll, which requests it again'
      : 'the user, who removes the cause and resumes the roll',
    release: `kubectl annotate node ${found.name} ${ROLL_ANNOTATION}-`,
    ...(blockedBy.length > 0 && { blockedBy }),
    details: [
      ...formatBlockers(blockedBy),
      ...(isAskedAgain
        ? []
        : [`To go on: \`maintenance-bridge roll --resume ${id}\` with the other flags that the roll has printed`]),
      ...found.details,
    ],
  };
}

const withDetail = (found: Explanation, detail: string): Explanation => ({
  ...found,
  details: [...found.details, detail],
});
