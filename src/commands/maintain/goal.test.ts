import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../nodes/node-facts.ts';
import { type Goal, type Standing, standingOf } from './goal.ts';

const REST: NodeFacts = {
  asking: undefined,
  report: undefined,
  isDrained: false,
  isRejected: false,
  isReady: true,
  isAtRest: true,
  isExitUnnoticed: false,
};
const report = (phase: string, session = 's1') => ({ phase, session }) as unknown as NonNullable<NodeFacts['report']>;
const asking = { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' };
const ASKED: NodeFacts = { ...REST, asking, isAtRest: false };
const DRAINED: NodeFacts = { ...ASKED, report: report('InMaintenance'), isDrained: true };
const REJECTED: NodeFacts = { ...ASKED, report: report('Rejected'), isRejected: true };
const EXITING: NodeFacts = { ...REST, report: report('Exiting'), isAtRest: false };
const LATE: NodeFacts = { ...EXITING, report: { ...report('Exiting'), overdue: true, message: 'Waiting for 1 of …' } };

describe('`standingOf()`', () => {
  it.each<[Goal, string, NodeFacts | 'unknown' | 'absent', { wasAsked?: boolean; session?: string }, Standing['is']]>([
    ['drained', 'a drained Node', DRAINED, {}, 'Reached'],
    ['drained', 'a Node without a report', ASKED, {}, 'Pending'],
    ['drained', 'a Node that nobody has asked yet', REST, {}, 'Pending'],
    ['drained', 'a Node whose taint has gone', EXITING, { wasAsked: true }, 'Failed'],
    ['drained', 'a drained Node on which a Pod has appeared', { ...DRAINED, isDrained: false }, {}, 'Pending'],
    ['drained', 'a rejected Node', REJECTED, {}, 'Rejected'],
    ['drained', 'a Node that is gone', 'absent', {}, 'Failed'],
    ['drained', 'a Node that is not known', 'unknown', { wasAsked: true }, 'Pending'],
    ['rejected', 'a rejected Node', REJECTED, {}, 'Reached'],
    ['rejected', 'a drained Node', DRAINED, {}, 'Pending'],
    ['rejected', 'a Node whose taint has gone', REST, { wasAsked: true }, 'Failed'],
    ['ended', 'a Node at rest', REST, {}, 'Reached'],
    ['ended', 'a Node that brings Pods back', EXITING, { session: 's1' }, 'Pending'],
    [
      'ended',
      'a Node in the next session of somebody else',
      { ...DRAINED, report: report('Checking', 's2') },
      { session: 's1' },
      'Reached',
    ],
    ['ended', 'a Node whose exit is late', LATE, { session: 's1' }, 'Failed'],
    ['ended', 'a Node whose exit is late, behind the end of ours', LATE, { session: 's0' }, 'Reached'],
    ['ended', 'a rejected Node', REJECTED, {}, 'Pending'],
    ['ended', 'a Node that is gone', 'absent', {}, 'Reached'],
    ['ended', 'a Node that is not known', 'unknown', {}, 'Pending'],
  ])('waits for %s: %s', (goal, _, node, { wasAsked = false, session }, is) => {
    expect(standingOf(goal, node, { wasAsked, ...(session !== undefined && { session }) }).is).toBe(is);
  });

  it('says of a late exit what is missing', () => {
    expect(standingOf('ended', LATE, { wasAsked: false })).toEqual({
      is: 'Failed',
      why: 'the exit is late: Waiting for 1 of …',
    });
  });
});
