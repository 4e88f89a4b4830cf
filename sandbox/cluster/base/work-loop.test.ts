import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../harness/simulated-cluster.ts';
import { ApiError } from '../../api.ts';
import { WorkLoop } from './work-loop.ts';

function make() {
  const clock = new ManualClock();
  const errors: string[] = [];
  const loop = new WorkLoop(clock, (controller, key, error) => errors.push(`${controller} ${key} ${error}`));
  return { clock, errors, loop };
}

describe('`WorkLoop`', () => {
  it('looks at a key once however often it was added, in the order in which keys came', async () => {
    const { clock, loop } = make();
    const seen: string[] = [];
    const work = loop.controller('Test', (key) => seen.push(key));
    for (const key of ['b', 'a', 'b', 'a']) work.add(key);
    await clock.advance(0);
    expect(seen).toEqual(['b', 'a']);
  });

  it('keeps the earliest of several times', async () => {
    const { clock, loop } = make();
    const seen: number[] = [];
    const begin = clock.now();
    const work = loop.controller('Test', () => seen.push(clock.now() - begin));
    for (const ms of [500, 200, 900]) work.addAfter('a', ms);
    await clock.advance(2000);
    expect(seen).toEqual([200]);
  });

  it('tells of a pass that throws, and tries it again, later each time, while others go on', async () => {
    const { clock, errors, loop } = make();
    const begin = clock.now();
    const tried: number[] = [];
    const work = loop.controller('Test', (key) => {
      if (key !== 'bad') return;
      tried.push(clock.now() - begin);
      if (tried.length < 4) throw new Error('no');
    });
    work.add('bad');
    work.add('good');
    await clock.advance(10_000);
    expect(tried).toEqual([0, 10, 30, 70]);
    expect(errors).toEqual(Array(3).fill('Test bad Error: no'));
  });

  it('tries again after a conflict without a word', async () => {
    const { clock, errors, loop } = make();
    let passes = 0;
    const work = loop.controller('Test', () => {
      passes += 1;
      if (passes === 1) throw new ApiError(409, 'Conflict', 'changed meanwhile');
    });
    work.add('a');
    await clock.advance(1000);
    expect([passes, errors]).toEqual([2, []]);
  });

  it('does nothing more once it is stopped', async () => {
    const { clock, loop } = make();
    const seen: string[] = [];
    const work = loop.controller('Test', (key) => seen.push(key));
    work.add('now');
    work.addAfter('later', 10);
    loop.stop();
    work.add('after');
    await clock.advance(1000);
    expect(seen).toEqual([]);
  });
});
