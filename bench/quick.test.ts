/** Work and memory compared with measured limits: a growing figure shows here, on machines of any speed and load. */
import { expect, it } from 'vitest';
import { quickFigures } from './quick.ts';

it('a verdict, a hundred requests at once, and the caches take no more work and memory than they did', async () => {
  const more = (await quickFigures()).filter(({ is, atMost }) => is > atMost);
  expect(more).toEqual([]);
});
