/**
 * The transport: JSON over keep-alive connections, with deadlines, renewed credentials and, if requested, backoff.
 *
 * Rules:
 *
 * - A 401 renews the credentials and is retried once, whatever `retry` says: the server did nothing.
 * - A 429 or 503 with `Retry-After` was not carried out either: it is retried after that time.
 * - One deadline covers a whole attempt: credentials, connection, proxy, headers and body. The end of the reconcile pass that sends the
 *   request ends it as well, whether or not the caller passes a signal.
 * - A connection that was cut before an answer may have carried the request out. Only a reused one that turns out to be closed is retried,
 *   and only for methods that may be repeated.
 */
import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../core/error-message.ts';
import type { Clock } from '../../core/ports.ts';
import { passSignal } from '../../runtime/pass-signal.ts';
import type { Connection, Credentials } from '../auth/credentials.ts';
import type { ApiClient, ApiRequest, PatchType, StreamRequest } from './api.ts';
import type { ByteBudget } from './byte-budget.ts';
import { Deadline } from './deadline.ts';
import { KubeError } from './errors.ts';
import { ConnectionFault, type Exchange, open, readErrorBody, refuseEncoding } from './exchange.ts';
import { ItemReceiver } from './item-receiver.ts';
import { LineSplitter, LineTooLong } from './line-splitter.ts';
import { readJson, refuseValues, tooMuchInAll } from './read-answer.ts';
import { errorOf } from './status-error.ts';
import { type Verb, verbOf } from './verbs.ts';

export interface RequestReport {
  readonly verb: Verb;
  /** HTTP status, or the `KubeError` reason if no answer came. */
  readonly code: string;
  /** Until the body was read; for a watch, until the headers of the answer came. */
  readonly durationMs: number;
}

/** In bytes. An answer beyond its limit is refused before it is in memory; an error's body has a separate limit. */
export interface AnswerLimits {
  /** For one page of a list. */
  readonly list: number;
  /** For every other answer: single objects, discovery, the result of a write. */
  readonly object: number;
  /** For one line of a watch, which is one object. */
  readonly line: number;
  /** How many values each of them may hold, since a short text may be large in memory. @default no limit */
  readonly values?: number;
  /** Shared with the clients of other servers. @default no limit over all of them */
  readonly inAll?: ByteBudget;
}

/** For a trusted server: a larger page would not fit into a string, and no object comes near the limit (etcd takes 1.5 MiB). */
export const DEFAULT_LIMITS: AnswerLimits = {
  list: 512 * 1024 * 1024,
  object: 16 * 1024 * 1024,
  line: 16 * 1024 * 1024,
};

export interface ClientOptions {
  /** @default Date */
  readonly clock?: Clock;
  /** @default 'maintenance-bridge' */
  readonly userAgent?: string;
  /** @default DEFAULT_LIMITS */
  readonly limits?: AnswerLimits;
  /**
   * Called right before each attempt of every request that is not a GET: if it returns false, nothing is sent, and the request fails as
   * `Aborted`. A process that was suspended thereby notices in time that its term is over.
   *
   * @default always
   */
  readonly mayWrite?: () => boolean;
  /** Called after each attempt. Must not throw. */
  readonly onRequest?: (report: RequestReport) => void;
  /** Waits between attempts. @throws any error, once the signal aborts. */
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
  // Every JSON text is YAML.
  apply: 'application/apply-patch+yaml',
};

/** Makes a client. Many clients may share the credentials, and thereby their connections. */
export function makeClient(credentials: Credentials, options: ClientOptions = {}): ApiClient {
  return new HttpApiClient(credentials, options);
}

/** A request in the form in which it is sent, independent of the connection. */
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
  readonly #limits: AnswerLimits;
  readonly #mayWrite: () => boolean;
  readonly #onRequest: (report: RequestReport) => void;
  readonly #sleep: NonNullable<ClientOptions['sleep']>;

  constructor(credentials: Credentials, options: ClientOptions) {
    this.#credentials = credentials;
    this.#clock = options.clock ?? Date;
    this.#userAgent = options.userAgent ?? 'maintenance-bridge';
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#mayWrite = options.mayWrite ?? (() => true);
    this.#onRequest = options.onRequest ?? (() => {});
    this.#sleep = options.sleep ?? sleepFor;
  }

  async request<T>(request: ApiRequest): Promise<T> {
    const prepared = this.#prepare(request, verbOf(request.method, request.path));
    const { asked, verb } = prepared;
    const isList = verb === 'list';
    const { list, object, values, inAll } = this.#limits;
    const limits = { mayBeCompressed: isList, maxBytes: isList ? list : object, values, inAll };
    const startedAt = this.#clock.now();
    const items = request.onItem && new ItemReceiver(request.onItem);
    let hasRenewed = false;
    for (let attempt = 1; ; attempt += 1) {
      using deadline = new Deadline(asked, request.timeoutMs ?? DEFAULT_TIMEOUT_MS, request.signal, passSignal());
      const result = await this.#attempt(prepared, deadline, (response) =>
        readJson<T>(response, asked, limits, deadline.signal, items?.pass),
      );
      items?.rethrow();
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
      if (waitMs > 0) await deadline.over(this.#sleep(waitMs, deadline.signal));
    }
  }

  async *lines(request: StreamRequest): AsyncGenerator<string> {
    const { path, query = {}, metadataOnly = false, signal, idleMs } = request;
    const prepared = this.#prepare({ method: 'GET', path, query, metadataOnly }, 'watch');
    using deadline = new Deadline(prepared.asked, idleMs, signal);
    const response = await this.#openStream(prepared, deadline);
    request.onOpen?.();
    const splitter = new LineSplitter(this.#limits.line);
    using held = this.#limits.inAll?.enter(() => response.destroy(tooMuchInAll(prepared.asked, response)));
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        for (const line of splitter.push(chunk)) {
          // A slow consumer does not mean a dead server.
          deadline.pause();
          if (deadline.error !== undefined) throw deadline.error;
          refuseValues(prepared.asked, line, this.#limits.values, response);
          yield line;
        }
        held?.holds(splitter.restBytes);
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
      const result = await this.#attempt(prepared, deadline, async (response) => {
        refuseEncoding(response);
        return response;
      });
      if (result.is === 'done') return result.value;
      if (result.error.reason !== 'Unauthorized' || attempt > 1) throw result.error;
      this.#credentials.invalidate(result.connection);
      deadline.resume();
    }
  }

  /** One attempt. `read` gets the answer if it is 2xx; its time counts as well. */
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
        const body = await readErrorBody(response);
        throw errorOf(prepared.asked, code, response.headers, body, this.#clock.now());
      }
      const value = await read(response);
      report(String(code));
      return { is: 'done', value };
    } catch (thrown) {
      // The unread rest of the answer is dropped with its connection.
      response?.destroy();
      const error = faultOf(prepared.asked, thrown, deadline, response);
      report(error.code === 0 ? error.reason : String(error.code));
      return { is: 'failed', error, wasStale: thrown instanceof ConnectionFault && thrown.wasStale, connection };
    }
  }

  #prepare(request: ApiRequest, verb: Verb): Prepared {
    const { method, path, query = {}, body, patchType, metadataOnly } = request;
    const url = new URL(this.#credentials.server);
    // As in client-go, only the path of the server's URL counts.
    url.search = '';
    url.hash = '';
    url.pathname = url.pathname.replace(/\/+$/, '') + path;
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return {
      method,
      url,
      headers: {
        accept: metadataOnly === true ? partialAccept(verb) : 'application/json',
        'user-agent': this.#userAgent,
        // Only lists are worth the server's time, and a compressed stream would delay its events.
        'accept-encoding': verb === 'list' && this.#credentials.disablesCompression !== true ? 'gzip' : 'identity',
        ...(body !== undefined && { 'content-type': contentTypeOf(method, patchType) }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      isStream: verb === 'watch',
      verb,
      asked: `${method} ${path}`,
    };
  }
}

/** Does not accept plain JSON as a second choice: an error is better than whole objects when small ones are expected. */
function partialAccept(verb: Verb): string {
  return `application/json;as=PartialObjectMetadata${verb === 'list' ? 'List' : ''};g=meta.k8s.io;v=v1`;
}

function contentTypeOf(method: ApiRequest['method'], patchType: PatchType | undefined): string {
  return method === 'PATCH' && patchType !== undefined ? PATCH_CONTENT_TYPES[patchType] : 'application/json';
}

/** Turns every fault into a `KubeError`. Our own deadline takes precedence over all others, since it is what destroyed the connection. */
function faultOf(asked: string, error: unknown, deadline: Deadline, response: IncomingMessage | undefined): KubeError {
  if (deadline.error !== undefined) return deadline.error;
  if (error instanceof KubeError) return error;
  const message = `${asked}: ${messageOf(error)}`;
  if (error instanceof LineTooLong) {
    return new KubeError({ reason: 'TooLarge', code: response?.statusCode ?? 0, message, cause: error });
  }
  return new KubeError({ reason: 'Unreachable', code: 0, message, cause: error });
}

function notLeading(asked: string): KubeError {
  const message = `${asked} was not sent: this process does not lead any more`;
  return new KubeError({ reason: 'Aborted', code: 0, message });
}

/** How long to wait before the next attempt; undefined if there should be none. */
function waitBefore({ error, wasStale }: Failed, method: ApiRequest['method']): number | undefined {
  if (wasStale && method !== 'POST') return 0;
  const { code, retryAfterMs } = error;
  if ((code !== 429 && code !== 503) || retryAfterMs === undefined) return undefined;
  const waitMs = Math.min(Math.max(retryAfterMs, MIN_WAIT_MS), MAX_WAIT_MS);
  // Spread out, since the server gave many clients the same delay.
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
