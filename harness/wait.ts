import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

export interface EventuallyOptions {
  /** @default 30_000 */
  readonly deadlineMs?: number;
  /** A phrase that follows "Waited 30 s for": "the Pod to be Ready". */
  readonly what: string;
  /** @default 25 */
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
  { deadlineMs = 30_000, what, pollMs = POLL_MS }: EventuallyOptions,
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
    if (performance.now() - started >= deadlineMs) {
      const last = lastError instanceof Error ? `; last error: ${lastError.message}` : '';
      throw new Error(`Waited ${deadlineMs / 1000} s for ${what}${last}`, { cause: lastError });
    }
    await sleep(pollMs);
  }
}
