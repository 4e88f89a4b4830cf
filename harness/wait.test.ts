import { expect, it } from 'vitest';
import { eventually } from './wait.ts';

it('`eventually()` gives the first value that is not undefined, past errors', async () => {
  const answers = [
    () => undefined,
    () => {
      throw new Error('not yet');
    },
    () => 0,
  ];
  expect(await eventually(() => answers.shift()?.(), { what: 'a number', pollMs: 1 })).toBe(0);
});

it('`eventually()` fails with what it waited for and the last error', async () => {
  const probe = (): never => {
    throw new Error('still closed');
  };
  await expect(eventually(probe, { what: 'the door to open', deadlineMs: 5, pollMs: 1 })).rejects.toThrow(
    'Waited 0.005 s for the door to open; last error: still closed',
  );
});
