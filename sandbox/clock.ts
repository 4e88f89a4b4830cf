/** The time of a sandbox. */
import type { SandboxClock } from './api.ts';

/** The machine's time, which tests may step: timers keep their real length. */
export class SteppedClock implements SandboxClock {
  #offsetMs = 0;

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  setTimeout(callback: () => void, ms: number): () => void {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  }

  /** Steps the clock, as an administrator may do, forwards or backwards. */
  step(ms: number): void {
    this.#offsetMs += ms;
  }
}
