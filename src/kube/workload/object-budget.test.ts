import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/objects.ts';
import { ObjectBudget } from './object-budget.ts';

const LIMIT = 10_000;
const object = (name: string, bytes = 1000): KubeObject => ({
  metadata: { name, uid: '', resourceVersion: '1', labels: { x: 'y'.repeat(bytes) } },
});
const objects = (count: number): readonly KubeObject[] => Array.from({ length: count }, (_, i) => object(`o-${i}`));
const TOO_MUCH = /^what a drain has to know of its objects takes more than 0 MiB$/;

describe('`ObjectBudget`', () => {
  it('counts what is kept, and takes off what has gone', () => {
    const budget = new ObjectBudget(LIMIT);
    const kept = objects(12);
    for (const each of kept) budget.added(each);
    expect(budget.excess()).toMatch(TOO_MUCH);
    for (const each of kept.slice(0, 6)) budget.removed(each);
    expect(budget.excess()).toBeUndefined();
  });

  it('ends a list that grows too large before it is whole, page by page', () => {
    const judge = new ObjectBudget(LIMIT).judgeOf('Pod');
    const all = objects(20);
    expect(judge({ pages: 1, objects: all.slice(0, 5) })).toBeUndefined();
    expect(judge({ pages: 2, objects: all.slice(0, 20) })).toMatch(TOO_MUCH);
  });

  it('counts the lists of all kinds together, and one that begins anew once', () => {
    const budget = new ObjectBudget(LIMIT);
    const [pods, nodes] = [budget.judgeOf('Pod'), budget.judgeOf('Node')];
    expect(pods({ pages: 1, objects: objects(6) })).toBeUndefined();
    expect(pods({ pages: 1, objects: objects(6) })).toBeUndefined();
    expect(nodes({ pages: 1, objects: objects(6) })).toMatch(TOO_MUCH);
  });
});
