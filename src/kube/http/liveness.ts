/** Whether a server answers, judged by the requests that are under way. */

/**
 * Tells a server that has stopped answering from one that is idle, sooner than any request's own deadline. Whoever asks
 * before sending fails at once instead of waiting with the others, so that a hanging server keeps few of the workers busy
 * that all servers share.
 */
export class Liveness {
  readonly #stallMs: number;
  #underWay = 0;
  /** Since when something has been under way without any answer. */
  #waitingSinceMs = 0;
  #isLost = false;

  /** @param stallMs how long requests may be under way without a single answer. */
  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  /** Counts a request as under way until its `settled`. */
  sent(nowMs: number): void {
    if (this.#underWay === 0) this.#waitingSinceMs = nowMs;
    this.#underWay += 1;
  }

  settled(): void {
    this.#underWay -= 1;
  }

  /** Any answer will do, a refusal as well. */
  answered(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
    this.#isLost = false;
  }

  /**
   * A connection broke, or a deadline passed: only an answer makes this good.
   *
   * @returns whether it is news.
   */
  lost(): boolean {
    const isNews = !this.#isLost;
    this.#isLost = true;
    return isNews;
  }

  isUnresponsive(nowMs: number): boolean {
    return this.#isLost || (this.#underWay > 0 && nowMs - this.#waitingSinceMs > this.#stallMs);
  }
}
