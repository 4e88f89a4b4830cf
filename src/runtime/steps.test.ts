import { describe, expect, it } from 'vitest';
import { inSteps } from './steps.ts';

function* counting(steps: number, each: () => void): Generator<void, number> {
  for (let step = 0; step < steps; step += 1) {
    each();
    yield;
  }
  return steps;
}

describe('inSteps()', () => {
  it('gives others a turn after ten milliseconds of steps', async () => {
    let nowMs = 0;
    const turns: number[] = [];
    const turn = async (): Promise<void> => {
      turns.push(nowMs);
    };
    const work = counting(10, () => {
      nowMs += 4;
    });
    expect(await inSteps(work, turn, () => nowMs)).toBe(10);
    expect(turns).toEqual([12, 24, 36]);
  });

  it('does short work at once, and fails as the work does', async () => {
    const never = () => Promise.reject(new Error('Nobody needs a turn'));
    expect(
      await inSteps(
        counting(3, () => undefined),
        never,
        () => 0,
      ),
    ).toBe(3);
    const broken = counting(1, () => {
      throw new Error('broken');
    });
    await expect(inSteps(broken, never, () => 0)).rejects.toThrow('broken');
  });
});
