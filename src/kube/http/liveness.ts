/** Whether a server answers, judged by the requests in flight. */

/**
 * Distinguishes a server that has stopped answering from an idle one, sooner than any request's own deadline. A caller that checks before
 * sending fails at once instead of waiting with the others, so that a hanging server occupies few of the workers that all servers share.
 */
export class Liveness {
  readonly #stallMs: number;
  #underWay = 0;
  /** Since when requests have been in flight without any answer. */
  #waitingSinceMs = 0;
  #isLost = false;

  /** @param stallMs how long requests may be in flight without a single answer. */
  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  /** Counts a request as in flight until its `settled`. */
  sent(nowMs: number): void {
    if (this.#underWay === 0) this.#waitingSinceMs = nowMs;
    this.#underWay += 1;
  }

  settled(): void {
    this.#underWay -= 1;
  }

  /** Any answer counts, a refusal as well. */
  answered(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
    this.#isLost = false;
  }

  /**
   * A connection broke, or a deadline passed: only an answer restores the server's state.
   *
   * @returns whether this was not known already.
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
