/** Our own reasons to give up a request: its deadline, and the callers' signals. */
import { KubeError } from './errors.ts';

/** Aborts `signal` when its time has run out or one of the callers' signals aborts. Dispose of it to free the timer and the listener. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #asked: string;
  readonly #ms: number;
  readonly #callers: readonly AbortSignal[];
  readonly #onCallerAbort: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param asked for the error's message, such as `GET /api/v1/nodes`. */
  constructor(asked: string, ms: number, ...callers: readonly (AbortSignal | undefined)[]) {
    this.#asked = asked;
    this.#ms = ms;
    this.#callers = callers.filter((caller) => caller !== undefined);
    this.#onCallerAbort = () =>
      this.#controller.abort(new KubeError({ reason: 'Aborted', code: 0, message: `${asked} was aborted` }));
    for (const caller of this.#callers) {
      if (caller.aborted) this.#onCallerAbort();
      else caller.addEventListener('abort', this.#onCallerAbort, { once: true });
    }
    this.resume();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The `KubeError` to throw if `signal` is aborted. */
  get error(): KubeError | undefined {
    return this.signal.aborted ? this.signal.reason : undefined;
  }

  /** Stops the timer: the time that follows is not the server's. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Restarts the timer with the whole time. */
  resume(): void {
    clearTimeout(this.#timer);
    const message = `${this.#asked} did not answer within ${this.#ms} ms`;
    this.#timer = setTimeout(
      () => this.#controller.abort(new KubeError({ reason: 'TimedOut', code: 0, message })),
      this.#ms,
    );
  }

  /** Waits for `work` until the deadline. @throws KubeError if the deadline comes first. */
  async over<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    let onAbort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  [Symbol.dispose](): void {
    this.pause();
    for (const caller of this.#callers) caller.removeEventListener('abort', this.#onCallerAbort);
  }
}
