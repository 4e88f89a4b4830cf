/** The last requests, like in an audit log. */

export interface LoggedRequest {
  /** Milliseconds since 1970, by the sandbox's clock, when the request was complete. */
  readonly atMs: number;
  readonly verb: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** HTTP status; 0 if the connection broke or hangs. */
  readonly code: number;
  readonly userAgent: string;
  /** `admin`, `system:serviceaccount:NAMESPACE:NAME`; empty if the sender was not recognised. */
  readonly user: string;
  /** The body of a write, as received; absent if it had none. */
  readonly body?: string;
}

/** Bounded: the oldest go first. */
export class RequestLog {
  readonly #size: number;
  #entries: LoggedRequest[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Oldest first. */
  entries(): readonly LoggedRequest[] {
    return this.#entries.slice(-this.#size);
  }

  add(entry: LoggedRequest): void {
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * this.#size) this.#entries = this.#entries.slice(-this.#size);
  }

  clear(): void {
    this.#entries = [];
  }
}
