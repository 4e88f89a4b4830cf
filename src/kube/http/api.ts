/** The interface between the transport (`client.ts`) and everything in this folder that talks to an API server. */
import { apiVersionOf, type Resource } from '../../core/resources.ts';

export type PatchType = 'merge' | 'strategic-merge' | 'json' | 'apply';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path on the server, already escaped (see `pathOf`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Required with PATCH: chooses the content type. */
  readonly patchType?: PatchType;
  /** Requests `PartialObjectMetadata(List)` instead of whole objects. */
  readonly metadataOnly?: boolean;
  /** @default 30_000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Whether to retry after 429/503 with `Retry-After`, and, for idempotent methods, after a connection reset. `never` returns each answer
   * to the caller, which evictions need: a 429 because of a budget is an answer, not a fault.
   *
   * @default 'transient'
   */
  readonly retry?: 'transient' | 'never';
  /**
   * Receives the items of a list in turn, each as soon as it is parsed, so that the whole list is never held. The list that is returned
   * contains those that were not passed: none, or all of a client that does not do this. Its errors are thrown
   * on as they are. Not to be used with retries.
   */
  readonly onItem?: (item: unknown) => void;
}

export interface StreamRequest {
  readonly path: string;
  readonly query?: ApiRequest['query'];
  readonly metadataOnly?: boolean;
  /** Ends the stream; the iterator then throws a `KubeError` with reason `Aborted`. */
  readonly signal: AbortSignal;
  /** A stream without a byte for this long is dead: the iterator throws a `KubeError` with reason `TimedOut`. */
  readonly idleMs: number;
  /** Called when the server has accepted the request, which may be long before the first line. */
  readonly onOpen?: () => void;
}

export interface ApiClient {
  /**
   * Sends one request and returns the parsed JSON body (undefined for an empty one).
   *
   * @throws KubeError for every answer that is not 2xx and for every fault on the way; nothing else.
   */
  request<T>(request: ApiRequest): Promise<T>;
  /**
   * Opens a long GET and yields its lines as they come. Ends when the server closes the response regularly.
   *
   * @throws KubeError like `request`, also in the middle of the stream: broken connection, idle, a line above the limit.
   */
  lines(request: StreamRequest): AsyncIterable<string>;
}

/** The path of a collection, or of one object and its subresource. Parts are escaped. */
export function pathOf(
  resource: Resource<unknown>,
  at: { readonly namespace?: string | undefined; readonly name?: string; readonly subresource?: string } = {},
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
  const scope = at.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(at.namespace)}`;
  const name = at.name === undefined ? '' : `/${encodeURIComponent(at.name)}`;
  const subresource = at.subresource === undefined ? '' : `/${at.subresource}`;
  return `${root}${scope}/${resource.plural}${name}${subresource}`;
}
