import type { ApiClient, ApiRequest } from '../../src/kube/http/api.ts';

/** An `ApiClient` that records its requests and answers each by the given function; it has no streams. */
export class RecordingApi implements ApiClient {
  readonly requests: ApiRequest[] = [];
  readonly #answer: (request: ApiRequest) => unknown;

  /** @param answer returns the body, or a promise of it, or throws. */
  constructor(answer: (request: ApiRequest) => unknown = () => undefined) {
    this.#answer = answer;
  }

  async request<T>(request: ApiRequest): Promise<T> {
    this.requests.push(request);
    return (await this.#answer(request)) as T;
  }

  lines(): AsyncIterable<string> {
    throw new Error('This client has no streams');
  }
}
