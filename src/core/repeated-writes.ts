/**
 * Growing pauses between equal writes to one object: another program may insist on the object as it was. Without a pause the two would
 * overwrite each other as fast as the API server permits, each triggered by the other's change.
 */
import { type Backoff, backoffMs } from './backoff.ts';

const PAUSE: Backoff = { baseMs: 1000, maxMs: 60_000 };
/** People and restarts undo a write a few times, and expect it to be restored immediately. */
const AT_ONCE = 5;
/** A write that has stood for this long was not undone at once. */
const KEPT_MS = 2 * PAUSE.maxMs;

interface Written {
  readonly content: string;
  readonly atMs: number;
  /** How often it was written in a row. */
  readonly count: number;
}

/** The message of the log when a pause begins. */
export const UNDONE = 'Somebody undoes a change again and again';

/** A status for comparison: its times differ with each write. */
export function contentWithoutTimes(status: unknown): string {
  return JSON.stringify(status, (key, value: unknown) => (key === 'lastTransitionTime' ? undefined : value));
}

export class RepeatedWrites {
  /** By key, the oldest first: the last write that the API server has accepted. */
  readonly #written = new Map<string, Written>();
  readonly #pause: Backoff;
  readonly #atOnce: number;

  /**
   * @param pause @default from a second to a minute
   * @param atOnce how many equal writes follow without a pause.
   */
  constructor(pause: Backoff = PAUSE, atOnce = AT_ONCE) {
    this.#pause = pause;
    this.#atOnce = atOnce;
  }

  /** How long to wait before this content is written again; 0 if it may be written now. */
  pauseMs(key: string, content: string, nowMs: number): number {
    const last = this.#written.get(key);
    // After the clock was set back, there is no pause.
    if (last?.content !== content || last.count < this.#atOnce || nowMs < last.atMs) return 0;
    return Math.max(0, last.atMs + backoffMs(this.#pause, last.count - this.#atOnce) - nowMs);
  }

  /** @returns how long to wait before this content may be written again. */
  wrote(key: string, content: string, nowMs: number): number {
    const before = this.#written.get(key);
    const isRepeated = before?.content === content && Math.abs(nowMs - before.atMs) < KEPT_MS;
    this.#written.delete(key);
    this.#written.set(key, { content, atMs: nowMs, count: isRepeated ? before.count + 1 : 1 });
    this.#forgetOld(nowMs);
    return this.pauseMs(key, content, nowMs);
  }

  #forgetOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#written) {
      if (Math.abs(nowMs - atMs) < KEPT_MS) return;
      this.#written.delete(key);
    }
  }
}
