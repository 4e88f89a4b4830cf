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

/** Equal writes in a row. */
export interface Repeats {
  /** Of the last one. */
  readonly atMs: number;
  readonly count: number;
}

/** @returns the repeats after one more write. */
export function repeatedAt(nowMs: number, before: Repeats | undefined): Repeats {
  const isInARow = before !== undefined && Math.abs(nowMs - before.atMs) < KEPT_MS;
  return { atMs: nowMs, count: isInARow ? before.count + 1 : 1 };
}

/**
 * @param atOnce how many equal writes follow without a pause.
 * @returns how long to wait before the next write; 0 if it may be sent now, and after the clock was set back.
 */
export function pauseAfter({ atMs, count }: Repeats, nowMs: number, pause = PAUSE, atOnce = AT_ONCE): number {
  if (count < atOnce || nowMs < atMs) return 0;
  return Math.max(0, atMs + backoffMs(pause, count - atOnce) - nowMs);
}

interface Written extends Repeats {
  readonly content: string;
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
    return last?.content === content ? pauseAfter(last, nowMs, this.#pause, this.#atOnce) : 0;
  }

  /** @returns how long to wait before this content may be written again. */
  wrote(key: string, content: string, nowMs: number): number {
    const before = this.#written.get(key);
    this.#written.delete(key);
    this.#written.set(key, { content, ...repeatedAt(nowMs, before?.content === content ? before : undefined) });
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
