/** Exponential backoff as data: a pure function from attempts to delays, without a clock or randomness. */
export interface Backoff {
  /** The full delay of attempt 0, in milliseconds. */
  readonly baseMs: number;
  /** The upper bound of all delays. */
  readonly maxMs: number;
  /**
   * The share of the full delay, 0 to 1, that may be taken off at random, so that many clients do not come back at once.
   *
   * @default 0
   */
  readonly jitter?: number;
}

/** Beyond this the power of two only grows towards infinity; every sensible `maxMs` is reached long before. */
const MAX_DOUBLINGS = 52;

/**
 * @param attempt 0 for the first failure, then 1, 2, …; each doubles the delay up to `maxMs`.
 * @param random in [0, 1); matters only with jitter.
 * @returns milliseconds in (full · (1 − jitter), full].
 */
export function backoffMs({ baseMs, maxMs, jitter = 0 }: Backoff, attempt: number, random = 0): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, MAX_DOUBLINGS));
  return full * (1 - jitter * random);
}
