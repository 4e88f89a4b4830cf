import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelSelector, NodeSelectorTerm } from './objects.ts';
import { matchesLabelSelector, matchesNodeSelector } from './selectors.ts';

const LABELS = { app: 'db', tier: 'back', empty: '' };

describe('matchesLabelSelector()', () => {
  it.each<[string, LabelSelector | undefined, boolean]>([
    ['matches nothing without a selector', undefined, false],
    ['matches everything with the empty selector', {}, true],
    ['matches everything with empty lists', { matchLabels: {}, matchExpressions: [] }, true],
    ['matches equal labels', { matchLabels: { app: 'db' } }, true],
    ['wants every label', { matchLabels: { app: 'db', tier: 'front' } }, false],
    ['tells an empty value from a missing key', { matchLabels: { empty: '' } }, true],
    ['tells a missing key from an empty value', { matchLabels: { other: '' } }, false],
    ['`In` finds a listed value', expression('app', 'In', ['web', 'db']), true],
    ['`In` fails on another value', expression('app', 'In', ['web']), false],
    ['`In` fails on a missing key', expression('other', 'In', ['web']), false],
    ['`In` without values matches nothing', expression('app', 'In'), false],
    ['`NotIn` fails on a listed value', expression('app', 'NotIn', ['db']), false],
    ['`NotIn` holds for another value', expression('app', 'NotIn', ['web']), true],
    ['`NotIn` holds for a missing key', expression('other', 'NotIn', ['web']), true],
    ['`NotIn` without values is malformed and matches nothing', expression('app', 'NotIn', []), false],
    ['`Exists` holds for an empty value', expression('empty', 'Exists'), true],
    ['`Exists` fails on a missing key', expression('other', 'Exists'), false],
    ['`Exists` with values is malformed and matches nothing', expression('app', 'Exists', ['db']), false],
    ['`DoesNotExist` holds for a missing key', expression('other', 'DoesNotExist'), true],
    ['`DoesNotExist` fails on a present key', expression('app', 'DoesNotExist'), false],
    ['an unknown operator matches nothing', expression('app', 'Like', ['db']), false],
    ['does not know `Gt`', expression('app', 'Gt', ['1']), false],
    ['joins labels and expressions by and', { matchLabels: { app: 'db' }, ...expression('tier', 'In', ['x']) }, false],
    ['does not take an inherited property for a label', expression('constructor', 'Exists'), false],
  ])('%s', (_, selector, expected) => {
    expect(matchesLabelSelector(selector, LABELS)).toBe(expected);
  });

  it('takes absent labels for none', () => {
    expect(matchesLabelSelector({}, undefined)).toBe(true);
    expect(matchesLabelSelector({ matchLabels: { app: 'db' } }, undefined)).toBe(false);
  });

  const key = fc.constantFrom('a', 'b', 'c');
  const value = fc.constantFrom('', '1', '2');
  const labels = fc.dictionary(key, value);
  const values = fc.array(value, { minLength: 1 });

  it('says the opposite for `NotIn` and `In`, and for `DoesNotExist` and `Exists`', () => {
    fc.assert(
      fc.property(key, values, labels, (name, wanted, found) => {
        const says = (operator: string, list?: readonly string[]) =>
          matchesLabelSelector(expression(name, operator, list), found);
        expect(says('NotIn', wanted)).toBe(!says('In', wanted));
        expect(says('DoesNotExist')).toBe(!says('Exists'));
      }),
    );
  });

  it('matches every object by its own labels', () => {
    fc.assert(fc.property(labels, (found) => matchesLabelSelector({ matchLabels: found }, found)));
  });

  it('matches no more objects when a requirement is added', () => {
    const requirement = fc.record({ key, operator: fc.constantFrom('In', 'NotIn', 'Exists', 'Odd'), values });
    fc.assert(
      fc.property(fc.array(requirement), requirement, labels, (before, added, found) => {
        const narrow = matchesLabelSelector({ matchExpressions: [...before, added] }, found);
        expect(narrow && !matchesLabelSelector({ matchExpressions: before }, found)).toBe(false);
      }),
    );
  });
});

describe('matchesNodeSelector()', () => {
  const node = { name: 'worker-1', labels: { zone: 'a', disks: '4', big: '9223372036854775807', bad: '4.5' } };

  it.each<[string, readonly NodeSelectorTerm[], boolean]>([
    ['matches nothing without terms', [], false],
    ['matches nothing with an empty term', [{}], false],
    ['matches nothing with a term of empty lists', [{ matchExpressions: [], matchFields: [] }], false],
    ['finds a label', [expression('zone', 'In', ['a', 'b'])], true],
    ['joins terms by or', [expression('zone', 'In', ['b']), expression('zone', 'Exists')], true],
    ['passes over an empty term', [{}, expression('zone', 'Exists')], true],
    [
      'joins expressions by and',
      [{ matchExpressions: [one('zone', 'In', ['a']), one('disks', 'DoesNotExist')] }],
      false,
    ],
    ['`NotIn` holds for a missing label', [expression('other', 'NotIn', ['a'])], true],
    ['`Gt` compares as integers', [expression('disks', 'Gt', ['3'])], true],
    ['`Gt` is strict', [expression('disks', 'Gt', ['4'])], false],
    ['`Lt` compares as integers, not as text', [expression('disks', 'Lt', ['10'])], true],
    ['`Lt` is strict', [expression('disks', 'Lt', ['4'])], false],
    ['`Gt` takes signs', [expression('disks', 'Gt', ['-1'])], true],
    ['`Gt` is exact at the end of the range', [expression('big', 'Gt', ['9223372036854775806'])], true],
    ['`Lt` knows no number beyond 64 bits', [expression('disks', 'Lt', ['9223372036854775808'])], false],
    ['`Gt` fails on a missing label', [expression('other', 'Gt', ['0'])], false],
    ['`Gt` fails on a label that is no integer', [expression('bad', 'Gt', ['0'])], false],
    ['`Gt` fails on a bound that is no integer', [expression('disks', 'Gt', ['x'])], false],
    ['`Gt` takes one value only', [expression('disks', 'Gt', ['1', '2'])], false],
    ['finds the name as a field', [{ matchFields: [one('metadata.name', 'In', ['worker-1'])] }], true],
    ['fails on another name', [{ matchFields: [one('metadata.name', 'In', ['worker-2'])] }], false],
    ['`NotIn` works on the name', [{ matchFields: [one('metadata.name', 'NotIn', ['worker-2'])] }], true],
    ['takes one name only', [{ matchFields: [one('metadata.name', 'In', ['worker-1', 'x'])] }], false],
    ['knows no other field', [{ matchFields: [one('metadata.uid', 'NotIn', ['x'])] }], false],
    ['knows no other operator on fields', [{ matchFields: [one('metadata.name', 'Exists')] }], false],
    [
      'joins expressions and fields by and',
      [{ matchExpressions: [one('zone', 'In', ['b'])], matchFields: [one('metadata.name', 'In', ['worker-1'])] }],
      false,
    ],
  ])('%s', (_, nodeSelectorTerms, expected) => {
    expect(matchesNodeSelector({ nodeSelectorTerms }, node)).toBe(expected);
  });

  it('`Gt` and `Lt` order all integers', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (found, bound) => {
        const says = (operator: string) =>
          matchesNodeSelector(
            { nodeSelectorTerms: [expression('n', operator, [String(bound)])] },
            { name: 'n', labels: { n: String(found) } },
          );
        expect([says('Gt'), says('Lt')]).toEqual([found > bound, found < bound]);
      }),
    );
  });
});

function one(key: string, operator: string, values?: readonly string[]) {
  return values === undefined ? { key, operator } : { key, operator, values };
}

function expression(key: string, operator: string, values?: readonly string[]) {
  return { matchExpressions: [one(key, operator, values)] };
}
