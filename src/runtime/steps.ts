/** Runs work in steps on the event loop that everything shares. */
import type { Steps } from '../core/scheduling/steps.ts';
import { nextTurn } from './sleep.ts';

/** How long steps are taken in a row. One step takes a few milliseconds at most, so that no slice takes 50. */
const SLICE_MS = 10;

/** Takes the steps in slices, each in a separate turn of the event loop: timers and answers are handled in between. */
export async function inSteps<T>(
  steps: Steps<T>,
  turn: () => Promise<void> = nextTurn,
  now: () => number = () => performance.now(),
): Promise<T> {
  for (;;) {
    const startedMs = now();
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (now() - startedMs < SLICE_MS);
    await turn();
  }
}
