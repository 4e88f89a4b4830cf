/** Requests to an API server with which tests set up and check state: independent of `src/kube`, which they test. */
import { Agent, request } from 'node:https';

const CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  'strategic-merge': 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const TIMEOUT_MS = 30_000;

export type PatchKind = keyof typeof CONTENT_TYPES;
export type Query = Readonly<Record<string, string | number | boolean>>;

/** An answer that is not 2xx. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly code: number;
  /** The parsed body, mostly a `Status`; the raw text if it is not JSON. */
  readonly body: unknown;

  constructor(what: string, code: number, body: unknown) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    super(`${what} answered ${code}: ${text.slice(0, 2000)}`);
    this.code = code;
    this.body = body;
  }
}

/**
 * Paths are absolute and already escaped (`/api/v1/nodes/worker-1`). Bodies are JSON in both directions, and not validated: `T` is the type
 * that the test expects.
 *
 * Every method throws `RestError` for an answer that is not 2xx, and node's own error if no answer came.
 */
export interface Rest {
  get<T = unknown>(path: string, query?: Query): Promise<T>;
  /** The items of a collection. */
  list<T = unknown>(path: string, query?: Query): Promise<readonly T[]>;
  /** POST to a collection or to a subresource such as `eviction`. */
  create<T = unknown>(path: string, body: unknown, query?: Query): Promise<T>;
  /** @param kind chooses the content type; `apply` needs `fieldManager` in the query. */
  patch<T = unknown>(path: string, body: unknown, kind: PatchKind, query?: Query): Promise<T>;
  replace<T = unknown>(path: string, body: unknown, query?: Query): Promise<T>;
  delete<T = unknown>(path: string, body?: unknown): Promise<T>;
  /** GET of a resource that is not JSON: `/metrics`, `/readyz`. */
  text(path: string): Promise<string>;
  /** Closes the kept connections. */
  close(): void;
}

export interface RestOptions {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export function makeRest({ server, ca, token }: RestOptions): Rest {
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 64 });

  const send = (method: string, path: string, query: Query = {}, body?: unknown, contentType = 'application/json') =>
    new Promise<string>((resolve, reject) => {
      const url = new URL(path, server);
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
      const headers: Record<string, string> = { authorization: `Bearer ${token}` };
      if (body !== undefined) headers['content-type'] = contentType;
      const text = body === undefined ? undefined : JSON.stringify(body);
      // Without it a DELETE's body would be taken for the next request on the connection.
      if (text !== undefined) headers['content-length'] = String(Buffer.byteLength(text));
      const sent = request(url, { method, agent, headers, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const code = response.statusCode ?? 0;
          if (code >= 200 && code < 300) resolve(text);
          else reject(new RestError(`${method} ${path}`, code, parseOrText(text)));
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} got no answer within ${TIMEOUT_MS} ms`)));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server has closed an idle connection at this very moment, and has not seen the request:
        // https://nodejs.org/api/http.html#requestreusedsocket
        if (sent.reusedSocket && error.code === 'ECONNRESET') {
          send(method, path, query, body, contentType).then(resolve, reject);
        } else {
          reject(error);
        }
      });
      sent.end(text);
    });

  const json = async <T>(...request: Parameters<typeof send>): Promise<T> => JSON.parse(await send(...request)) as T;

  return {
    get: (path, query) => json('GET', path, query),
    list: async <T>(path: string, query?: Query) => (await json<{ items: T[] }>('GET', path, query)).items,
    create: (path, body, query) => json('POST', path, query, body),
    patch: (path, body, kind, query) => json('PATCH', path, query, body, CONTENT_TYPES[kind]),
    replace: (path, body, query) => json('PUT', path, query, body),
    delete: (path, body) => json('DELETE', path, {}, body),
    text: (path) => send('GET', path),
    close: () => agent.destroy(),
  };
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The object, or undefined if the server answers 404. */
export async function find<T>(api: Rest, path: string): Promise<T | undefined> {
  try {
    return await api.get<T>(path);
  } catch (error) {
    if (error instanceof RestError && error.code === 404) return undefined;
    throw error;
  }
}
