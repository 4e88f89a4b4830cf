/** A client of a server that may stop answering: further requests fail at once, and its owner is notified. */
import type { Clock } from '../../core/ports.ts';
import type { ApiClient, ApiRequest, StreamRequest } from './api.ts';
import { isKubeError, KubeError } from './errors.ts';
import { Liveness } from './liveness.ts';

export interface GuardOptions {
  readonly clock: Clock;
  readonly timings: {
    /** For each request that a caller waits for. */
    readonly requestTimeoutMs: number;
    /** Without any answer for this long, further requests fail at once. */
    readonly stallMs: number;
  };
  /** Called when the server refuses the credentials, or did not answer; once until it answers again. */
  readonly onTrouble: () => void;
}

export class GuardedClient implements ApiClient {
  readonly #client: ApiClient;
  readonly #options: GuardOptions;
  readonly #pulse: Liveness;
  #isRefused = false;

  constructor(client: ApiClient, options: GuardOptions) {
    this.#client = client;
    this.#options = options;
    this.#pulse = new Liveness(options.timings.stallMs);
  }

  /** Whether the server has refused the credentials. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  isUnresponsive(nowMs: number): boolean {
    return this.#pulse.isUnresponsive(nowMs);
  }

  /** Sends a request, unless earlier ones already wait in vain. */
  request<T>(request: ApiRequest): Promise<T> {
    if (this.#pulse.isUnresponsive(this.#options.clock.now())) {
      const message = 'The API server of the workload cluster does not answer at present';
      return Promise.reject(new KubeError({ reason: 'Unreachable', code: 0, message }));
    }
    // Without retries: they would hold a worker for up to a minute, and the caller tries again by itself.
    return this.send({ timeoutMs: this.#options.timings.requestTimeoutMs, retry: 'never', ...request });
  }

  lines(request: StreamRequest): AsyncIterable<string> {
    return this.#client.lines(request);
  }

  /** Sends a request even if the server does not answer: to find out whether it does. */
  async send<T>(request: ApiRequest): Promise<T> {
    const { clock } = this.#options;
    this.#pulse.sent(clock.now());
    try {
      const body = await this.#client.request<T>(request);
      this.#pulse.answered(clock.now());
      return body;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === 0) this.lost();
      else this.#pulse.answered(clock.now());
      if (error.reason === 'Unauthorized') this.refused();
      throw error;
    } finally {
      this.#pulse.settled();
    }
  }

  /** Reports a failure once, not with every request: otherwise the probes would follow one another without a pause. */
  lost(): void {
    if (this.#pulse.lost()) this.#options.onTrouble();
  }

  refused(): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#options.onTrouble();
  }
}
