/**
 * Work in steps, so that its caller can run other work in between. A step takes a few milliseconds at most; the work itself does not know
 * the time.
 */
export type Steps<T> = Generator<void, T>;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
