/** An `ApiClient` that answers from a script, one entry per request, on a clock that only the script moves. */
import type { ApiClient, ApiRequest, StreamRequest } from '../../src/kube/http/api.ts';
import { KubeError } from '../../src/kube/http/errors.ts';

/** One answer. A stream sends its lines (objects are written as JSON), lets `livesMs` pass, and ends as `ends` says. */
export type ScriptedAnswer =
  | { readonly page: unknown }
  | { readonly fails: KubeError }
  | { readonly stream: readonly unknown[]; readonly livesMs?: number; readonly ends: 'closed' | 'held' | KubeError };

export class ScriptedApi implements ApiClient {
  /** The requests, in order: `list` or `watch` with the query. */
  readonly requests: { readonly verb: 'list' | 'watch'; readonly path: string; readonly query: ApiRequest['query'] }[] =
    [];
  /** Resolves when a request comes without an answer in the script, or a stream is held. */
  readonly finished: Promise<void>;
  readonly clock = { now: () => this.#nowMs };
  /** The requested waits; each passes at once, and moves the clock. */
  readonly sleeps: number[] = [];
  readonly #script: ScriptedAnswer[];
  readonly #finish: () => void;
  #nowMs = 1_000_000;

  constructor(script: readonly ScriptedAnswer[]) {
    this.#script = [...script];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
  }

  readonly sleep = async (ms: number): Promise<void> => {
    this.sleeps.push(ms);
    this.#nowMs += ms;
  };

  async request<T>(request: ApiRequest): Promise<T> {
    this.requests.push({ verb: 'list', path: request.path, query: request.query });
    const answer = this.#script.shift();
    if (answer === undefined) return this.#hold(request.signal);
    if ('fails' in answer) throw answer.fails;
    if ('page' in answer) return answer.page as T;
    throw new Error('The script wants a watch here');
  }

  async *lines(request: StreamRequest): AsyncIterable<string> {
    this.requests.push({ verb: 'watch', path: request.path, query: request.query });
    const answer = this.#script.shift();
    if (answer === undefined) return await this.#hold(request.signal);
    if ('fails' in answer) throw answer.fails;
    if ('page' in answer) throw new Error('The script wants a list here');
    request.onOpen?.();
    for (const line of answer.stream) yield typeof line === 'string' ? line : JSON.stringify(line);
    this.#nowMs += answer.livesMs ?? 0;
    if (answer.ends === 'held') await this.#hold(request.signal);
    if (answer.ends !== 'closed') throw answer.ends;
  }

  #hold(signal: AbortSignal | undefined): Promise<never> {
    this.#finish();
    return new Promise((_, reject) => {
      const aborted = () => reject(new KubeError({ reason: 'Aborted', code: 0, message: 'aborted' }));
      if (signal?.aborted === true) aborted();
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
