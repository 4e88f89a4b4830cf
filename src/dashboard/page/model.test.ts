import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, NOTHING_SHOWN } from '../../commands/changes.ts';
import type { Row } from '../protocol.ts';
import { advance, besides, chosen, EMPTY, findingsOf, groupsOf, keyOf, type PageState, span } from './model.ts';

const row = (name: string, more: Partial<Row> = {}): Row => ({
  ...{ kind: 'Node', name, state: 'Idle', outlook: 'Idle', isUnderWay: false, summary: '', details: [] },
  ...more,
});
const stateOf = (...rows: readonly Row[]): PageState =>
  advance(EMPTY, { is: 'state', rows, isComplete: true, cluster: 'c' });

describe('the state of the page', () => {
  it('is that of the program, whether it was told at once or change by change', () => {
    const states = fc.constantFrom('Idle', 'Draining', 'Rejected');
    const looks = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), states), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(looks, (sequence) => {
        let page = EMPTY;
        let shown = NOTHING_SHOWN;
        for (const look of sequence) {
          const rows = Object.entries(look).map(([name, state]) => row(name, { state }));
          const found = compare(shown, rows, () => true);
          shown = found.shown;
          page = advance(page, { is: 'changes', changes: found.changes, isComplete: true });
          expect([...page.rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
            rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
          );
        }
      }),
    );
  });

  it('forgets a trouble that is over', () => {
    const troubled = advance(EMPTY, { is: 'trouble', text: 'no answer' });
    expect(troubled.trouble).toBe('no answer');
    expect(advance(troubled, { is: 'trouble' })).toEqual(EMPTY);
  });
});

describe('`chosen()`', () => {
  const { rows } = stateOf(
    row('a', { state: 'Draining', outlook: 'Moving', isUnderWay: true }),
    row('b', { state: 'Rejected', outlook: 'Stuck', isUnderWay: true, reason: 'NotEnoughResources' }),
    row('c'),
  );
  const names = (filter: Parameters<typeof chosen>[1]): readonly string[] =>
    chosen(rows.values(), filter).map(({ name }) => name);

  it.each([
    ['what is under way, what needs a person first', { text: '', all: false }, ['b', 'a']],
    ['everything', { text: '', all: true }, ['b', 'a', 'c']],
    ['a group, also of what is not under way', { text: '', all: false, group: 'Node Idle' }, ['c']],
    ['a part of a reason, in any case', { text: ' notenough ', all: true }, ['b']],
    ['a part of a name', { text: 'node/c', all: true }, ['c']],
  ])('shows %s', (_, filter, wanted) => {
    expect(names(filter)).toEqual(wanted);
  });

  it('counts what it groups', () => {
    expect(groupsOf(rows.values()).map(({ key, count }) => [key, count])).toEqual([
      ['Node Rejected', 1],
      ['Node Draining', 1],
      ['Node Idle', 1],
    ]);
  });
});

it('`besides()` finds the objects of one machine from each of them', () => {
  const machine = row('prod/m1', { kind: 'Machine', besides: ['node/a', 'baremetalhost/prod/h1'] });
  const { rows } = stateOf(row('a'), machine);
  expect(besides(rows, row('a'))).toEqual(['machine/prod/m1']);
  expect(besides(rows, machine)).toEqual(['baremetalhost/prod/h1', 'node/a']);
  expect(keyOf(machine)).toBe('machine/prod/m1');
});

it('`findingsOf()` leaves out what is said beside the Pods in the way', () => {
  const blockedBy = [{ pod: 'shop/db-0', cause: 'BudgetExhausted', detail: 'allows none', remedy: 'Wait' }];
  const details = ['shop/db-0, shop/db-1: allows none (BudgetExhausted). Wait', 'Session since noon'];
  expect(findingsOf(row('a', { blockedBy, details }))).toEqual(['Session since noon']);
  expect(findingsOf(row('a', { details }))).toEqual(details);
});

it.each([
  [undefined, ''],
  ['no time', ''],
  ['2026-01-01T00:00:51Z', '9s'],
  ['2026-01-01T00:03:12Z', '2m12s'],
  ['2025-12-31T22:01:00Z', '2h0m'],
  ['2025-12-29T20:01:00Z', '2d4h'],
])('`span()` of %s is %j', (time, text) => {
  expect(span(time, Date.parse('2026-01-01T00:01:00Z'))).toBe(text);
});
