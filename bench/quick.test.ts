/** Work done and memory kept, held to what was measured: a figure that grows shows here, however fast or busy the machine is. */
import { expect, it } from 'vitest';
import { quickFigures } from './quick.ts';

it('a verdict, a hundred requests at once, and the caches take no more work and memory than they did', async () => {
  const more = (await quickFigures()).filter(({ is, atMost }) => is > atMost);
  expect(more).toEqual([]);
});
