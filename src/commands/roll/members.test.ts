import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUnderWay, ROLL_STATES, type RollState } from '../../core/roll-record.ts';
import { type Member, RollMembers } from './members.ts';

const recordOf = (place: number, state: RollState) => ({
  ...{ id: 'r', runner: 'p', place, of: 9, state, since: '2026-11-28T00:00:00Z' },
});

const foundOf = (states: readonly RollState[]) =>
  states.map((state, place) => ({ name: `node-${place}`, uid: `uid-${place}`, record: recordOf(place, state) }));

const namesOf = (members: Iterable<Member>): readonly string[] => Array.from(members, ({ name }) => name);

const change = fc.oneof(
  fc.constantFrom(...ROLL_STATES).map((state) => ({ state })),
  fc.constantFrom('Gone', 'Lost', 'Excluded').map((dropped) => ({ dropped })),
  fc.boolean().map((isBusy) => ({ isBusy })),
);

describe('`RollMembers`', () => {
  it('counts and sorts after any changes as it would if it began with their result', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...ROLL_STATES), { minLength: 1, maxLength: 9 }),
        fc.array(fc.tuple(fc.nat(), change), { maxLength: 30 }),
        (states, changes) => {
          const members = new RollMembers(foundOf(states), 0);
          for (const [at, each] of changes) {
            const member = members.get(`node-${at % states.length}`);
            if (member === undefined) throw new Error('There is such a Node');
            // A Node that was left alone stays so.
            if (member.dropped !== undefined) continue;
            const { record } = member;
            members.change(member, 'state' in each ? { record: { ...record, state: each.state } } : each);
          }
          const live = members.all().filter(({ dropped }) => dropped === undefined);
          const isPending = ({ record, isBusy }: Member): boolean => record.state === 'Pending' && !isBusy;
          expect(namesOf(members.pending())).toEqual(namesOf(live.filter(isPending)));
          expect(members.hasPending).toBe(live.some(isPending));
          const active = live.filter(({ record, isBusy }) => isBusy || isUnderWay(record.state));
          expect(new Set(namesOf(members.active()))).toEqual(new Set(namesOf(active)));
          const { total, done, gone, underWay, pending, ...others } = members.counts();
          expect(total).toBe(states.length);
          expect(done + gone + underWay + pending + Object.values(others).reduce((a, b) => a + b)).toBe(total);
          expect(done).toBe(live.filter(({ record }) => record.state === 'Done').length);
          expect(underWay).toBe(live.filter(({ record }) => isUnderWay(record.state)).length);
          expect(members.results().has('Lost')).toBe(members.all().some(({ dropped }) => dropped === 'Lost'));
          expect(members.results().has('Rejected')).toBe(live.some(({ record }) => record.state === 'Rejected'));
        },
      ),
    );
  });

  it('has a Node that is asked again in its place, and when that is', () => {
    const members = new RollMembers(foundOf(['Pending', 'Pending', 'Pending']), 0);
    const [first, second] = members.all();
    if (first === undefined || second === undefined) throw new Error('There are three');
    members.change(second, { isBusy: true });
    expect(namesOf(members.pending())).toEqual(['node-0', 'node-2']);
    members.change(second, { isBusy: false, retryAtMs: 5000 });
    members.change(first, { isBusy: true });
    expect(namesOf(members.pending())).toEqual(['node-1', 'node-2']);
    expect(members.nextRetryMs(1000)).toBe(5000);
    expect(members.nextRetryMs(5000)).toBeUndefined();
  });
});
