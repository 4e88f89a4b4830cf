import { vi } from 'vitest';

/** For a machine that is busy with other tests: no test depends on how long something takes. */
const DEADLINE_MS = 60_000;

/** Calls `look` until it no longer throws. @throws its last error, after a minute */
export function soon<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: DEADLINE_MS });
}
