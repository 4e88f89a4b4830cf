/** Defers decisions while the caches they depend on may be stale. */
import type { Log } from './ports.ts';

/** How often an object is checked again until its caches are followed again. */
export const LOOK_AGAIN_MS = 2000;

/** Logs once for each object that is left alone, until a decision on it is made again. */
export class StaleCaches {
  readonly #told = new Set<string>();

  /** @param kinds the resources whose caches are not followed at present. */
  leaveAlone(key: string, kinds: readonly string[], log: Log): { readonly requeueAfterMs: number } {
    if (!this.#told.has(key)) log.warn('Not decided: what was seen last may be old', { resource: kinds.join(', ') });
    this.#told.add(key);
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }

  isOver(key: string): void {
    this.#told.delete(key);
  }
}
