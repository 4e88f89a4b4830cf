/** How fresh the view of a collection is: when data came last, and whether a watch is open. All times are those of the caller's clock. */
export class Freshness {
  readonly #idleMs: number;
  #lastContactMs: number | undefined;
  /** When the open watch was opened. */
  #openedMs: number | undefined;
  /** When the last watch ended, or the first request was sent; undefined while a watch is open. */
  #blindSinceMs: number | undefined;

  /** @param idleMs a healthy watch delivers at least one bookmark within this time. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  opened(nowMs: number): void {
    this.#openedMs = nowMs;
    this.#blindSinceMs = undefined;
  }

  /** Records that no watch is open, or not any more. */
  lost(nowMs: number): void {
    this.#openedMs = undefined;
    this.#blindSinceMs ??= nowMs;
  }

  /** Records that a page, an event or a bookmark came. */
  heard(nowMs: number): void {
    this.#lastContactMs = nowMs;
  }

  lastContactMs(): number | undefined {
    return this.#lastContactMs;
  }

  /** Since when the watch is open; undefined while none is. */
  openedMs(): number | undefined {
    return this.#openedMs;
  }

  /** Whether nothing came for two idle periods; also true before the first contact. */
  isStale(nowMs: number): boolean {
    return this.#lastContactMs === undefined || nowMs - this.#lastContactMs > 2 * this.#idleMs;
  }

  /** How long no watch has been open; 0 while one is. Infinity if the clock was set back meanwhile, since the true time may be long. */
  disconnectedMs(nowMs: number): number {
    if (this.#blindSinceMs === undefined) return 0;
    return nowMs < this.#blindSinceMs ? Number.POSITIVE_INFINITY : nowMs - this.#blindSinceMs;
  }
}
