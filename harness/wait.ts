import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A look at a real API server costs it and the test some milliseconds of CPU time, which the tests beside it need; most of all looks are those of
 * long waits. What somebody waits for briefly is still noticed at once.
 */
const FIRST_POLL_MS = 25;
const LAST_POLL_MS = 100;
const PART_OF_THE_WAIT = 0.05;

export interface EventuallyOptions {
  /** @default 30_000 */
  readonly deadlineMs?: number;
  /** A phrase that follows "Waited 30 s for": "the Pod to be Ready". */
  readonly what: string;
  /** @default a twentieth of the time that has passed, from 25 to 100 */
  readonly pollMs?: number;
}

/**
 * Calls `probe` until it returns something other than undefined without throwing.
 *
 * @throws Error that names `what`, with the probe's last error as its cause, once the deadline has passed. A probe that never settles is
 * not interrupted: it must have its own deadline.
 */
export async function eventually<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  { deadlineMs = 30_000, what, pollMs }: EventuallyOptions,
): Promise<T> {
  const started = performance.now();
  for (;;) {
    let lastError: unknown;
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      lastError = error;
    }
    const waitedMs = performance.now() - started;
    if (waitedMs >= deadlineMs) {
      const last = lastError instanceof Error ? `; last error: ${lastError.message}` : '';
      throw new Error(`Waited ${deadlineMs / 1000} s for ${what}${last}`, { cause: lastError });
    }
    await sleep(pollMs ?? Math.min(LAST_POLL_MS, Math.max(FIRST_POLL_MS, waitedMs * PART_OF_THE_WAIT)));
  }
}
