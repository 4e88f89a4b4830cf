import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import { type Input, type SessionFault, START, type State, serves, step } from './connection-state.ts';

const kubeconfig = { access: {} as ClusterAccess, fingerprint: 'f' };
const unreachable: SessionFault = { state: 'Unreachable', detail: 'connect ECONNREFUSED' };
const unauthorized: SessionFault = { state: 'Unauthorized', detail: '401' };

const reading = { at: 'reading', failures: 2, fault: unreachable } as const;
const opening = { at: 'opening', failures: 2, fault: unreachable, kubeconfig } as const;
const serving = { at: 'serving', failures: 0, misses: 0 } as const;
const checking = { at: 'checking', failures: 0, misses: 3 } as const;
const replacing = { at: 'replacing', failures: 0, misses: 3, kubeconfig } as const;
const waiting = { at: 'waiting', failures: 2, fault: unreachable } as const;

const TABLE: readonly { readonly name: string; readonly from: State; readonly input: Input; readonly to: State }[] = [
  {
    name: 'opens a connection with what the Secret holds, and goes on showing the last failure',
    from: reading,
    input: { is: 'read', kubeconfig },
    to: opening,
  },
  {
    name: 'waits where the kubeconfig may not be used',
    from: START,
    input: { is: 'refused', detail: 'exec' },
    to: { at: 'waiting', failures: 1, fault: { state: 'Refused', detail: 'exec' } },
  },
  {
    name: 'awaits a Secret that does not exist yet without a word',
    from: { ...START, failures: 7, fault: { state: 'Connecting', detail: 'none yet' } },
    input: { is: 'missing', detail: 'none' },
    to: { at: 'waiting', failures: 8, fault: { state: 'Connecting', detail: 'none' }, isMissing: true },
  },
  {
    name: 'refuses a cluster whose Secret has not come for minutes',
    from: { ...START, failures: 8, fault: { state: 'Connecting', detail: 'none yet' } },
    input: { is: 'missing', detail: 'none' },
    to: { at: 'waiting', failures: 9, fault: { state: 'Refused', detail: 'none' }, isMissing: true },
  },
  {
    name: 'refuses at once a cluster whose Secret was there',
    from: reading,
    input: { is: 'missing', detail: 'none' },
    to: { at: 'waiting', failures: 3, fault: { state: 'Refused', detail: 'none' }, isMissing: true },
  },
  {
    name: 'drops the connection where its Secret has gone',
    from: checking,
    input: { is: 'missing', detail: 'none' },
    to: { at: 'waiting', failures: 1, fault: { state: 'Refused', detail: 'none' } },
  },
  {
    name: 'drops the connection to a cluster beyond a limit',
    from: serving,
    input: { is: 'refused', detail: 'too many' },
    to: { at: 'waiting', failures: 1, fault: { state: 'Refused', detail: 'too many' } },
  },
  {
    name: 'drops the old connection where the new kubeconfig leads elsewhere',
    from: replacing,
    input: { is: 'failed', fault: { state: 'Refused', detail: 'another cluster' } },
    to: { at: 'waiting', failures: 1, fault: { state: 'Refused', detail: 'another cluster' } },
  },
  {
    name: 'waits where the Secret cannot be read',
    from: reading,
    input: { is: 'unread', detail: 'Forbidden' },
    to: { at: 'waiting', failures: 3, fault: { state: 'Unreachable', detail: 'Forbidden' } },
  },
  {
    name: 'serves once opened, and remembers the failures until it has proved itself',
    from: opening,
    input: { is: 'opened' },
    to: { at: 'serving', failures: 2, misses: 0 },
  },
  {
    name: 'waits longer after another failed attempt',
    from: opening,
    input: { is: 'failed', fault: unauthorized },
    to: { at: 'waiting', failures: 3, fault: unauthorized },
  },
  {
    name: 'forgets failures and misses with an answer',
    from: { at: 'serving', failures: 2, misses: 4 },
    input: { is: 'answered' },
    to: serving,
  },
  {
    name: 'goes on serving after four misses',
    from: { ...serving, misses: 3 },
    input: { is: 'missed', detail: 'x' },
    to: { ...serving, misses: 4 },
  },
  {
    name: 'drops the connection at the fifth miss',
    from: { ...serving, misses: 4 },
    input: { is: 'missed', detail: unreachable.detail },
    to: { at: 'waiting', failures: 1, fault: unreachable },
  },
  {
    name: 'reads the Secret at once after a 401',
    from: serving,
    input: { is: 'unauthorized', detail: '401' },
    to: { at: 'reading', failures: 1, fault: unauthorized },
  },
  {
    name: 'waits after a 401 that follows a failure, so that it does not spin',
    from: { ...serving, failures: 1 },
    input: { is: 'unauthorized', detail: '401' },
    to: { at: 'waiting', failures: 2, fault: unauthorized },
  },
  {
    name: 'looks at the Secret when that is due',
    from: { ...serving, misses: 3 },
    input: { is: 'checkDue' },
    to: checking,
  },
  {
    name: 'goes on where the Secret is the same',
    from: checking,
    input: { is: 'unchanged' },
    to: { ...serving, misses: 3 },
  },
  {
    name: 'goes on where only the management cluster is in trouble',
    from: checking,
    input: { is: 'unread', detail: 'x' },
    to: { ...serving, misses: 3 },
  },
  {
    name: 'opens another connection beside the one that serves when the Secret has changed',
    from: checking,
    input: { is: 'read', kubeconfig },
    to: replacing,
  },
  {
    name: 'drops the connection where the new kubeconfig may not be used',
    from: checking,
    input: { is: 'refused', detail: 'exec' },
    to: { at: 'waiting', failures: 1, fault: { state: 'Refused', detail: 'exec' } },
  },
  { name: 'takes the new connection', from: replacing, input: { is: 'opened' }, to: serving },
  {
    name: 'keeps the old connection where the new one does not come about',
    from: replacing,
    input: { is: 'failed', fault: unauthorized },
    to: { ...serving, misses: 3 },
  },
  { name: 'tries again after the wait', from: waiting, input: { is: 'rested' }, to: reading },
];

const inputs: readonly Input[] = [
  { is: 'read', kubeconfig },
  { is: 'unchanged' },
  { is: 'missing', detail: 'x' },
  { is: 'refused', detail: 'x' },
  { is: 'unread', detail: 'x' },
  { is: 'opened' },
  { is: 'failed', fault: unreachable },
  { is: 'answered' },
  { is: 'missed', detail: 'x' },
  { is: 'unauthorized', detail: 'x' },
  { is: 'checkDue' },
  { is: 'rested' },
];
const POSSIBLE: Readonly<Record<State['at'], readonly Input['is'][]>> = {
  reading: ['read', 'missing', 'refused', 'unread'],
  opening: ['opened', 'failed'],
  serving: ['answered', 'missed', 'unauthorized', 'refused', 'checkDue'],
  checking: ['read', 'unchanged', 'missing', 'refused', 'unread'],
  replacing: ['opened', 'failed'],
  waiting: ['rested'],
};

describe('step', () => {
  it.each(TABLE)('`step` $name', ({ from, input, to }) => expect(step(from, input)).toEqual(to));

  it.each([reading, opening, serving, checking, replacing, waiting])(
    '`step` takes in $at only what can happen',
    (from) => {
      for (const input of inputs) {
        if (POSSIBLE[from.at].includes(input.is)) expect(() => step(from, input)).not.toThrow();
        else expect(() => step(from, input)).toThrow(`Cannot take '${input.is}' while ${from.at}`);
      }
    },
  );

  it('`step` never tries a second time without a wait, unless a proven connection was lost to a 401', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), (choices) => {
        let state: State = START;
        let attemptsSinceWaitOrAnswer = 0;
        for (const choice of choices) {
          const possible = inputs.filter(({ is }) => POSSIBLE[state.at].includes(is));
          const input = possible[choice % possible.length];
          if (input === undefined) throw new Error(`Nothing can happen while ${state.at}`);
          state = step(state, input);
          if (state.at === 'waiting' || input.is === 'answered') attemptsSinceWaitOrAnswer = 0;
          if (state.at === 'reading') attemptsSinceWaitOrAnswer += 1;
          expect(attemptsSinceWaitOrAnswer).toBeLessThanOrEqual(2);
          if (serves(state)) expect(state.misses).toBeLessThan(5);
        }
      }),
    );
  });
});
