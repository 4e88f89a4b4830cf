/**
 * The transport: JSON over keep-alive connections, with deadlines, renewed credentials and patience where it is asked
 * for.
 *
 * Rules:
 * - A 401 renews the credentials and is tried once again, whatever `retry` says: nothing was done.
 * - A 429 or 503 with `Retry-After` was not carried out either: it is tried again after that time.
 * - A connection that was cut before an answer may have carried the request out. Only a used one that turns out to be
 *   closed is tried again, and only for methods that may be repeated.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/ports.ts';
import { errorOf, excerptOf } from './answers.ts';
import type { ApiClient, ApiRequest, PatchType, StreamRequest } from './api.ts';
import type { Connection, Credentials } from './credentials.ts';
import { Deadline } from './deadline.ts';
import { KubeError } from './errors.ts';
import { ConnectionFault, type Exchange, open, readBody } from './exchange.ts';
import { LineSplitter, LineTooLong } from './lines.ts';
import { type Verb, verbOf } from './verbs.ts';
import { wordsOf } from './words.ts';

export interface RequestReport {
  readonly verb: Verb;
  /** HTTP status, or the `KubeError` reason where no answer came. */
  readonly code: string;
  /** Until the body was read; for a watch, until the answer's headers came. */
  readonly durationMs: number;
}

export interface ClientOptions {
  /** @default Date */
  readonly clock?: Clock;
  /** @default 'maintenance-bridge' */
  readonly userAgent?: string;
  /** A larger answer is a fault, before it is in memory. @default 512 MiB */
  readonly maxBodyBytes?: number;
  /**
   * Asked right before each attempt of whatever is not a GET: where it says no, nothing is sent, and the request fails as
   * `Aborted`. A process that was suspended finds out here, and not a moment later, that its term is over.
   *
   * @default always
   */
  readonly mayWrite?: () => boolean;
  /** Called after each attempt. Must not throw. */
  readonly onRequest?: (report: RequestReport) => void;
  /** Waits between attempts. @throws whatever, once the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 5;
const MAX_TOTAL_MS = 60_000;
const MAX_WAIT_MS = 30_000;
const MIN_WAIT_MS = 100;

const PATCH_CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  'strategic-merge': 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
};

/** Makes a client. Many may share the credentials, and thereby their connections. */
export function makeClient(credentials: Credentials, options: ClientOptions = {}): ApiClient {
  return new HttpApiClient(credentials, options);
}

/** A request in the form in which it is sent, whichever connection it goes by. */
interface Prepared extends Omit<Exchange, 'connection' | 'signal'> {
  readonly verb: Verb;
  /** For messages: method and path, without the query. */
  readonly asked: string;
}

type Attempt<T> = { readonly is: 'done'; readonly value: T } | Failed;
interface Failed {
  readonly is: 'failed';
  readonly error: KubeError;
  readonly wasStale: boolean;
  readonly connection: Connection | undefined;
}

class HttpApiClient implements ApiClient {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #maxBodyBytes: number | undefined;
  readonly #mayWrite: () => boolean;
  readonly #onRequest: (report: RequestReport) => void;
  readonly #sleep: NonNullable<ClientOptions['sleep']>;

  constructor(credentials: Credentials, options: ClientOptions) {
    this.#credentials = credentials;
    this.#clock = options.clock ?? Date;
    this.#userAgent = options.userAgent ?? 'maintenance-bridge';
    this.#maxBodyBytes = options.maxBodyBytes;
    this.#mayWrite = options.mayWrite ?? (() => true);
    this.#onRequest = options.onRequest ?? (() => {});
    this.#sleep = options.sleep ?? sleepFor;
  }

  async request<T>(request: ApiRequest): Promise<T> {
    const prepared = this.#prepare(request, verbOf(request.method, request.path));
    const { asked } = prepared;
    const startedAt = this.#clock.now();
    let hasRenewed = false;
    for (let attempt = 1; ; attempt += 1) {
      using deadline = new Deadline(asked, request.timeoutMs ?? DEFAULT_TIMEOUT_MS, request.signal);
      const result = await this.#attempt(prepared, deadline, (response) =>
        readJson<T>(response, asked, this.#maxBodyBytes),
      );
      if (result.is === 'done') return result.value;
      deadline.pause();
      if (result.error.reason === 'Unauthorized' && result.connection !== undefined && !hasRenewed) {
        hasRenewed = true;
        this.#credentials.invalidate(result.connection);
        continue;
      }
      const waitMs = request.retry === 'never' ? undefined : waitBefore(result, request.method);
      const elapsedMs = this.#clock.now() - startedAt;
      if (waitMs === undefined || attempt >= MAX_ATTEMPTS || elapsedMs + waitMs > MAX_TOTAL_MS) throw result.error;
      if (waitMs > 0) await deadline.over(this.#sleep(waitMs, request.signal));
    }
  }

  async *lines(request: StreamRequest): AsyncGenerator<string> {
    const { path, query = {}, metadataOnly = false, signal, idleMs } = request;
    const prepared = this.#prepare({ method: 'GET', path, query, metadataOnly }, 'watch');
    using deadline = new Deadline(prepared.asked, idleMs, signal);
    const response = await this.#openStream(prepared, deadline);
    request.onOpen?.();
    const splitter = new LineSplitter();
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        for (const line of splitter.push(chunk)) {
          // A slow reader is no sign of a dead server.
          deadline.pause();
          if (deadline.error !== undefined) throw deadline.error;
          yield line;
        }
        deadline.resume();
      }
      if (splitter.hasRest) throw new Error('the stream ended in the middle of a line');
    } catch (error) {
      throw faultOf(prepared.asked, error, deadline, response);
    } finally {
      response.destroy();
    }
  }

  async #openStream(prepared: Prepared, deadline: Deadline): Promise<IncomingMessage> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#attempt(prepared, deadline, async (response) => response);
      if (result.is === 'done') return result.value;
      if (result.error.reason !== 'Unauthorized' || attempt > 1) throw result.error;
      this.#credentials.invalidate(result.connection);
      deadline.resume();
    }
  }

  /** One attempt. `read` gets the answer when it is 2xx; its time counts as well. */
  async #attempt<T>(
    prepared: Prepared,
    deadline: Deadline,
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<Attempt<T>> {
    const startedAt = this.#clock.now();
    const report = (code: string): void =>
      this.#onRequest({ verb: prepared.verb, code, durationMs: this.#clock.now() - startedAt });
    let connection: Connection | undefined;
    let response: IncomingMessage | undefined;
    try {
      connection = await deadline.over(this.#credentials.connection());
      if (prepared.method !== 'GET' && !this.#mayWrite()) throw notLeading(prepared.asked);
      response = await open({ ...prepared, connection, signal: deadline.signal });
      const code = response.statusCode ?? 0;
      if (code < 200 || code > 299) {
        const body = (await readBody(response)).toString('utf8');
        throw errorOf(prepared.asked, code, response.headers, body, this.#clock.now());
      }
      const value = await read(response);
      report(String(code));
      return { is: 'done', value };
    } catch (thrown) {
      const error = faultOf(prepared.asked, thrown, deadline, response);
      report(error.code === 0 ? error.reason : String(error.code));
      return { is: 'failed', error, wasStale: thrown instanceof ConnectionFault && thrown.wasStale, connection };
    }
  }

  #prepare(request: ApiRequest, verb: Verb): Prepared {
    const { method, path, query = {}, body, patchType, metadataOnly } = request;
    const url = new URL(this.#credentials.server);
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return {
      method,
      url,
      headers: {
        accept: metadataOnly === true ? partialAccept(verb) : 'application/json',
        'user-agent': this.#userAgent,
        // Only lists are worth the server's time, and a compressed stream would hold its events back.
        'accept-encoding': verb === 'list' ? 'gzip' : 'identity',
        ...(body !== undefined && { 'content-type': contentTypeOf(method, patchType) }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      isStream: verb === 'watch',
      verb,
      asked: `${method} ${path}`,
    };
  }
}

/** Without plain JSON as a second choice: an error is better than whole objects where we reckon with small ones. */
function partialAccept(verb: Verb): string {
  return `application/json;as=PartialObjectMetadata${verb === 'list' ? 'List' : ''};g=meta.k8s.io;v=v1`;
}

function contentTypeOf(method: ApiRequest['method'], patchType: PatchType | undefined): string {
  return method === 'PATCH' && patchType !== undefined ? PATCH_CONTENT_TYPES[patchType] : 'application/json';
}

async function readJson<T>(response: IncomingMessage, asked: string, maxBytes: number | undefined): Promise<T> {
  const bytes = await readBody(response, maxBytes);
  if (bytes.length === 0) return undefined as T;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // Without the parser's error as a cause: it quotes the body, and what a proxy shows there.
    const message = `${asked} answered with a body that is no JSON: ${excerptOf(bytes.toString('utf8', 0, 1000))}`;
    throw new KubeError({ reason: 'Malformed', code: response.statusCode ?? 0, message });
  }
}

/** Every fault as a `KubeError`: our own deadline explains all others, since it is what destroyed the connection. */
function faultOf(asked: string, error: unknown, deadline: Deadline, response: IncomingMessage | undefined): KubeError {
  if (deadline.error !== undefined) return deadline.error;
  if (error instanceof KubeError) return error;
  const message = `${asked}: ${wordsOf(error)}`;
  if (error instanceof LineTooLong) {
    return new KubeError({ reason: 'Malformed', code: response?.statusCode ?? 0, message, cause: error });
  }
  return new KubeError({ reason: 'Unreachable', code: 0, message, cause: error });
}

function notLeading(asked: string): KubeError {
  const message = `${asked} was not sent: this process does not lead any more`;
  return new KubeError({ reason: 'Aborted', code: 0, message });
}

/** How long to wait before the next attempt; undefined where there should be none. */
function waitBefore({ error, wasStale }: Failed, method: ApiRequest['method']): number | undefined {
  if (wasStale && method !== 'POST') return 0;
  const { code, retryAfterMs } = error;
  if ((code !== 429 && code !== 503) || retryAfterMs === undefined) return undefined;
  const waitMs = Math.min(Math.max(retryAfterMs, MIN_WAIT_MS), MAX_WAIT_MS);
  // Spread out, since the server told many clients the same.
  return Math.round(waitMs * (1 + Math.random() * 0.1));
}

function sleepFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
