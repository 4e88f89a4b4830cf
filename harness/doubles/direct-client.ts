/** An `ApiClient` of a sandbox in the same process, without a network: only requests, thousands per second. */
import { answerDirectly, type DirectRequest, type ServerCore } from '../../sandbox/start.ts';
import type { ApiClient, ApiRequest, PatchType } from '../../src/kube/http/api.ts';
import { errorOf } from '../../src/kube/http/status-error.ts';

const CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  'strategic-merge': 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

export interface DirectHooks {
  /** Called before a request; if it throws, the client throws the same error. */
  readonly before?: (request: DirectRequest) => void;
  /** Called after the server has carried the request out; if it throws, the client throws the same error in place of the answer. */
  readonly after?: (request: DirectRequest, code: number) => void;
}

export function directClient(server: ServerCore, { before, after }: DirectHooks = {}): ApiClient {
  return {
    request: async <T>({ method, path, query = {}, body, patchType }: ApiRequest): Promise<T> => {
      const given = Object.entries(query).flatMap(([key, value]): [string, string][] =>
        value === undefined ? [] : [[key, `${value}`]],
      );
      const sent: DirectRequest = {
        method,
        path: given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`,
        ...(patchType !== undefined && { contentType: CONTENT_TYPES[patchType] }),
        body: body === undefined ? '' : JSON.stringify(body),
      };
      before?.(sent);
      const { code, body: answer } = answerDirectly(server, sent);
      after?.(sent, code);
      const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
      if (code < 200 || code > 299) throw errorOf(`${method} ${path}`, code, {}, text, Date.now());
      // A copy, since the server keeps its own object.
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    lines: () => {
      throw new Error('Requests without a network know no watches');
    },
  };
}
