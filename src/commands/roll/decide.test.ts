import { describe, expect, it } from 'vitest';
import { isUnderWay, ROLL_STATES, type RollState } from '../../core/roll-record.ts';
import {
  decideRoll,
  type NodeView,
  type RollNode,
  type RollObserved,
  type RollResult,
  resumedState,
} from './decide.ts';

type Present = Extract<NodeView, { is: 'present' }>;

const NOW = 1000;

const view = (more: Partial<Present> = {}): Present => ({
  is: 'present',
  owner: 'us',
  isTainted: false,
  isTaken: false,
  leftover: 'none',
  isRejected: false,
  isDrained: false,
  isReady: true,
  detail: 'GenericFailure: a Pod',
  ...more,
});
const TAINTED = view({ isTainted: true });
const DRAINED = view({ isTainted: true, isDrained: true });
const REJECTED = view({ isTainted: true, isRejected: true });

function node(state: RollState, seen: NodeView = view(), more: Partial<RollNode> = {}): RollNode {
  const record = { id: 'r', runner: 'p', place: 0, of: 1, state, since: '2026-11-28T00:00:00Z' };
  return { name: 'a', record, view: seen, command: { is: 'none' }, isBusy: false, countsSinceMs: 0, ...more };
}
const named = (name: string, each: RollNode): RollNode => ({ ...each, name });

type Case = RollNode & { readonly isLost?: true };

const decide = (nodes: readonly Case[], more: Partial<RollObserved> = {}) => {
  const live = nodes.filter(({ isLost }) => isLost !== true);
  const pending = live.filter(({ record, isBusy }) => record.state === 'Pending' && !isBusy);
  const retries = pending.flatMap(({ retryAtMs }) => (retryAtMs !== undefined && retryAtMs > NOW ? [retryAtMs] : []));
  const results = nodes.map(({ record, isLost }) => (isLost === true ? 'Lost' : record.state)) as RollResult[];
  return decideRoll({
    active: live.filter(({ record, isBusy }) => isBusy || isUnderWay(record.state)),
    pending,
    hasPending: pending.length > 0,
    ...(retries.length > 0 && { nextRetryMs: Math.min(...retries) }),
    results: new Set(results),
    nowMs: NOW,
    maxUnavailable: 1,
    onRejection: 'stop',
    isLate: false,
    isInterrupted: false,
    ...more,
  });
};

const ended = (code: number | null) => ({ command: { is: 'ended' as const, code, how: `ended with code ${code}` } });
const LATE = { nodeTimeoutMs: 1000 };

describe('`decideRoll()`', () => {
  it.each<[string, RollNode, Partial<RollObserved>, readonly object[]]>([
    ['asks a Node whose turn it is', node('Pending'), {}, [{ do: 'enter' }]],
    ['waits for a Node that is not known', node('Pending', { is: 'unknown' }), {}, []],
    ['asks nobody while it stops', node('Pending'), { isInterrupted: true }, []],
    ['asks nobody when its time is over', node('Pending'), { isLate: true }, []],
    [
      'leaves a Node alone that somebody else has asked',
      node('Pending', TAINTED),
      {},
      [{ do: 'mark', state: 'Skipped' }],
    ],
    [
      'leaves a Node alone that another taint asks',
      node('Pending', view({ isTaken: true })),
      {},
      [{ do: 'mark', state: 'Skipped' }],
    ],
    ['waits until the end of the last request is noticed', node('Pending', view({ leftover: 'unnoticed' })), {}, []],
    ['asks a Node that brings Pods back', node('Pending', view({ leftover: 'exiting' })), {}, [{ do: 'enter' }]],
    [
      'asks again only when the rejected session is over',
      node('Pending', view({ leftover: 'exiting' }), { retryAtMs: 0 }),
      {},
      [],
    ],
    ['asks again when it is time', node('Pending', view(), { retryAtMs: 1000 }), {}, [{ do: 'enter' }]],
    ['does not ask again before it is time', node('Pending', view(), { retryAtMs: 1001 }), {}, []],
    ['passes over a Node that is gone', node('Pending', { is: 'absent' }), {}, [{ do: 'drop', why: 'Gone' }]],
    [
      'passes over a Node that is another one now',
      node('Pending', { is: 'replaced', isReady: true }),
      {},
      [{ do: 'drop', why: 'Gone' }],
    ],
    [
      'passes over a Node that was taken out by hand',
      node('Pending', view({ owner: 'nobody' })),
      {},
      [{ do: 'drop', why: 'Excluded' }],
    ],
    [
      'stops where another process goes on',
      node('Pending', view({ owner: 'other' })),
      {},
      [{ do: 'drop', why: 'Lost' }],
    ],
    ['waits for the drain', node('Entering', TAINTED), {}, []],
    ['begins the work when the Node is drained', node('Entering', DRAINED), {}, [{ do: 'mark', state: 'Working' }]],
    [
      'releases a Node that is rejected',
      node('Entering', REJECTED),
      {},
      [{ do: 'release', state: 'Rejected', message: 'GenericFailure: a Pod' }],
    ],
    [
      'asks it again later where that is wanted',
      node('Entering', REJECTED),
      { onRejection: 'retry' },
      [{ do: 'release', state: 'Pending', isRetry: true }],
    ],
    [
      'does not where it stops anyway',
      node('Entering', REJECTED),
      { onRejection: 'retry', isInterrupted: true },
      [{ do: 'release', state: 'Rejected' }],
    ],
    [
      'finishes a Node under way when it was asked to stop',
      node('Entering', DRAINED),
      { isInterrupted: true },
      [{ do: 'mark', state: 'Working' }],
    ],
    [
      'releases a Node that is not drained in time',
      node('Entering', TAINTED),
      LATE,
      [{ do: 'release', state: 'TimedOut' }],
    ],
    [
      'releases it when the time of the roll is over',
      node('Entering', TAINTED),
      { isLate: true },
      [{ do: 'release', state: 'TimedOut' }],
    ],
    [
      'does no work where somebody has taken the taint away',
      node('Entering', view()),
      {},
      [{ do: 'mark', state: 'Failed' }],
    ],
    ['runs the command', node('Working', DRAINED), {}, [{ do: 'run' }]],
    ['runs it again only when the Node is drained still', node('Working', TAINTED), {}, []],
    ['does not run it without the taint', node('Working', view()), {}, [{ do: 'mark', state: 'Failed' }]],
    [
      'lets a running command run',
      node('Working', DRAINED, { command: { is: 'running' } }),
      { isInterrupted: true, isLate: true },
      [],
    ],
    [
      'ends a command that takes too long',
      node('Working', DRAINED, { command: { is: 'running' } }),
      LATE,
      [{ do: 'kill' }],
    ],
    ['ends it once', node('Working', DRAINED, { command: { is: 'stopping' } }), LATE, []],
    [
      'keeps the taint of a Node whose command was ended',
      node('Working', DRAINED, ended(null)),
      LATE,
      [{ do: 'mark', state: 'TimedOut' }],
    ],
    [
      'keeps the taint of a Node whose command failed',
      node('Working', DRAINED, ended(3)),
      {},
      [{ do: 'mark', state: 'Failed', message: 'its command ended with code 3' }],
    ],
    [
      'waits for the Node after the command',
      node('Working', DRAINED, ended(0)),
      {},
      [{ do: 'mark', state: 'Returning' }],
    ],
    ['releases a Node that is Ready', node('Returning', DRAINED), {}, [{ do: 'release', state: 'Done' }]],
    ['waits for a Node that is not Ready', node('Returning', view({ isReady: false })), {}, []],
    [
      'keeps a Node that does not come back',
      node('Returning', view({ isReady: false })),
      LATE,
      [{ do: 'mark', state: 'TimedOut' }],
    ],
    [
      'lets a command finish whose Node is gone',
      node('Working', { is: 'absent' }, { command: { is: 'running' } }),
      {},
      [],
    ],
    [
      'does not lose a failure with the Node',
      node('Working', { is: 'absent' }, ended(1)),
      {},
      [{ do: 'mark', state: 'Failed' }],
    ],
    ['waits for the Node that replaces it', node('Working', { is: 'replaced', isReady: false }, ended(0)), {}, []],
    [
      'goes on when that is Ready',
      node('Working', { is: 'replaced', isReady: true }, ended(0)),
      {},
      [{ do: 'drop', why: 'Gone' }],
    ],
    [
      'ends its command where another process goes on',
      node('Working', view({ owner: 'other' }), { command: { is: 'running' } }),
      {},
      [{ do: 'kill' }, { do: 'drop', why: 'Lost' }],
    ],
    ['decides nothing while a write is on its way', node('Entering', DRAINED, { isBusy: true }), {}, []],
    ['decides nothing on a view from before its own write', node('Entering', { is: 'unknown' }), {}, []],
  ])('%s', (_, each, more, steps) => {
    expect(decide([each], more).steps).toEqual(steps.map((step) => expect.objectContaining({ node: 'a', ...step })));
  });

  it('has at most so many Nodes under way, in their order', () => {
    const nodes = [
      named('a', node('Working', DRAINED, { command: { is: 'running' } })),
      named('b', node('Done')),
      named('c', node('Pending', view(), { retryAtMs: 5000 })),
      named('d', node('Pending')),
      named('e', node('Pending')),
    ];
    const entered = (maxUnavailable: number) => decide(nodes, { maxUnavailable }).steps.map((step) => step.node);
    expect(entered(1)).toEqual([]);
    expect(entered(2)).toEqual(['d']);
    expect(entered(5)).toEqual(['d', 'e']);
  });

  it('does not overtake a Node of which its own write has not come back yet', () => {
    const nodes = [named('a', node('Pending', { is: 'unknown' })), named('b', node('Pending'))];
    expect(decide(nodes)).toMatchObject({ steps: [], isOver: false });
  });

  it.each<[string, readonly Case[], Partial<RollObserved>, string | undefined]>([
    ['nothing is left', [node('Done'), named('b', node('Skipped'))], {}, undefined],
    ['a command has failed', [node('Failed'), named('b', node('Pending'))], {}, 'Failed'],
    ['a Node was rejected', [node('Rejected'), named('b', node('Pending'))], {}, 'Rejected'],
    ['a Node took too long', [node('TimedOut'), named('b', node('Pending'))], {}, 'TimedOut'],
    ['somebody wants it to', [node('Pending')], { isInterrupted: true }, 'Interrupted'],
    ['another goes on', [{ ...node('Pending'), isLost: true }, named('b', node('Pending'))], {}, 'Lost'],
  ])('is over when %s', (_, nodes, more, stop) => {
    expect(decide(nodes, more)).toMatchObject({ isOver: true, stop, steps: [] });
  });

  it('goes on after a rejection where it is to be skipped, and is not over while it waits to ask again', () => {
    const nodes = [node('Rejected'), named('b', node('Pending'))];
    expect(decide(nodes, { onRejection: 'skip' }).steps).toEqual([{ do: 'enter', node: 'b' }]);
    const waiting = decide([node('Pending', view(), { retryAtMs: 5000 })], { onRejection: 'retry' });
    expect(waiting).toMatchObject({ isOver: false, steps: [], wakeAtMs: 5000 });
  });
});

describe('`resumedState()`', () => {
  it('begins where the taint says that the work was, and never does twice what is done', () => {
    const found = Object.fromEntries(
      ROLL_STATES.map((state) => [state, [resumedState(state, true), resumedState(state, false)]]),
    );
    expect(found).toEqual({
      Pending: ['Pending', 'Pending'],
      Entering: ['Entering', 'Entering'],
      Working: ['Working', 'Working'],
      Returning: ['Returning', 'Returning'],
      Done: [undefined, undefined],
      Rejected: ['Pending', 'Pending'],
      TimedOut: ['Entering', 'Pending'],
      Failed: ['Entering', 'Pending'],
      Skipped: ['Pending', 'Pending'],
    });
  });
});
