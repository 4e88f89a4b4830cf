/**
 * Remembers for a while which keys were seen, so that the same thing is not reported twice. Bounded: when full, the key that was seen
 * longest ago is forgotten first.
 */
export class RecentKeys {
  readonly #ttlMs: number;
  readonly #maxSize: number;
  /** In the order in which they were last seen. */
  readonly #firstSeenMs = new Map<string, number>();

  constructor(options: { readonly ttlMs: number; readonly maxSize: number }) {
    this.#ttlMs = options.ttlMs;
    this.#maxSize = options.maxSize;
  }

  /** Whether `key` was not seen in the last `ttlMs`; counts it as seen from now on, if it was not already. */
  isNew(key: string, nowMs: number): boolean {
    const firstSeenMs = this.#firstSeenMs.get(key);
    const isNew = firstSeenMs === undefined || nowMs - firstSeenMs >= this.#ttlMs;
    this.#firstSeenMs.delete(key);
    this.#firstSeenMs.set(key, isNew ? nowMs : firstSeenMs);
    if (this.#firstSeenMs.size > this.#maxSize) this.#forgetOldest();
    return isNew;
  }

  forget(key: string): void {
    this.#firstSeenMs.delete(key);
  }

  #forgetOldest(): void {
    for (const key of this.#firstSeenMs.keys()) {
      this.#firstSeenMs.delete(key);
      return;
    }
  }
}
