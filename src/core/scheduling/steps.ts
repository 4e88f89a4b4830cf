/**
 * Work that is done in steps, so that whoever drives it may do something else in between. A step takes a few milliseconds at
 * most; the work itself knows no time.
 */
export type Steps<T> = Generator<void, T>;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
