import { describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

describe('`ByteBudget`', () => {
  const setUp = () => {
    const ended: string[] = [];
    const budget = new ByteBudget(100);
    return { ended, enter: (name: string) => budget.enter(() => ended.push(name)) };
  };

  it('ends whoever holds most, and no more than it takes', () => {
    const { ended, enter } = setUp();
    const [small, large, larger] = [enter('small'), enter('large'), enter('larger')];
    large.holds(40);
    larger.holds(55);
    small.holds(5);
    expect(ended).toEqual([]);
    small.holds(6);
    expect(ended).toEqual(['larger']);
    // A reader that has ended no longer counts, whatever it reports.
    larger.holds(1000);
    small.holds(50);
    expect(ended).toEqual(['larger']);
  });

  it('forgets who is done, or holds less', () => {
    const { ended, enter } = setUp();
    for (let i = 0; i < 10; i += 1) {
      using done = enter('done');
      done.holds(90);
    }
    const [line, other] = [enter('line'), enter('other')];
    line.holds(90);
    line.holds(0);
    other.holds(90);
    expect(ended).toEqual([]);
  });
});
