/** One set of credentials of one workload cluster in use: the cache of its Nodes, its probe, and its requests. */
import type { Action } from '../core/action.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Apply, Clock, Log, Seen } from '../core/ports.ts';
import { sleep } from '../runtime/sleep.ts';
import { type ApiClient, type ApiRequest, pathOf } from './api.ts';
import { makeApply } from './apply.ts';
import { type ClientOptions, makeClient } from './client.ts';
import type { Fault } from './cluster-state.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import { isKubeError, KubeError } from './errors.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { Mirror } from './mirror.ts';
import { isSameNode, NODE_METADATA, trimNodeMetadata } from './node-metadata.ts';
import { Pulse } from './pulse.ts';
import { detailOf, REFUSES_CREDENTIALS, shortened, watchFault } from './session-faults.ts';
import type { RestartReason } from './watch.ts';
import { readPage } from './wire.ts';
import { wordsOf } from './words.ts';

/** A page of 500 Nodes' metadata is a few MiB; whoever owns a workload cluster must not be able to fill our memory with more. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** In milliseconds. */
export interface SessionTimings {
  /** From one probe to the next. */
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** For each request that a caller waits for. */
  readonly requestTimeoutMs: number;
  /** Without any answer for so long, further requests fail at once. */
  readonly stallMs: number;
  /** For the first list of the Nodes. */
  readonly syncTimeoutMs: number;
}

export interface SessionOptions {
  /** Its proxy variables hold for workload clusters as well. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dryRun: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: SessionTimings;
  /** A Node came, went, or changed in its labels or its UID. */
  readonly onNodeChange: (session: ClusterSession, name: string) => void;
  /** The server refuses the credentials, or did not answer: worth a look before the next probe is due. */
  readonly onTrouble: (session: ClusterSession) => void;
  readonly onRequest?: ClientOptions['onRequest'];
  /** As of the management cluster's client. */
  readonly mayWrite?: ClientOptions['mayWrite'];
  readonly onWatchRestart?: (reason: RestartReason) => void;
}

export type Opened =
  | { readonly is: 'opened'; readonly session: ClusterSession }
  | { readonly is: 'failed'; readonly fault: Fault };

export type Probed =
  | { readonly is: 'answered' }
  | { readonly is: 'missed'; readonly detail: string }
  | { readonly is: 'unauthorized'; readonly detail: string };

/** Enough for one server, and few enough that a server which hangs holds little. */
const MAX_SOCKETS = 16;
/** Lists that go on by themselves: what ended was a page, not the way to the server. */
const HARMLESS: ReadonlySet<RestartReason> = new Set(['Closed', 'Expired', 'Throttled']);
/** Which restarts of the watch say something about the server. */
const LOST: ReadonlySet<RestartReason> = new Set(['Unreachable', 'TimedOut', 'ServerError']);

/**
 * Connects, and resolves when the server answers and its Nodes are known; at the first failure otherwise.
 *
 * @param stop gives up. What was opened by then is closed again.
 */
export async function openSession(access: ClusterAccess, options: SessionOptions, stop: AbortSignal): Promise<Opened> {
  let credentials: Credentials;
  try {
    credentials = credentialsOf(access, { env: options.env, clock: options.clock, maxSockets: MAX_SOCKETS });
    // Certificate and key are parsed here, and found to belong together.
    await credentials.connection();
  } catch (error) {
    return { is: 'failed', fault: { state: 'Refused', detail: shortened(wordsOf(error)) } };
  }
  const session = new ClusterSession(credentials, options);
  const fault = await session.open(stop);
  if (fault === undefined) return { is: 'opened', session };
  session.close();
  return { is: 'failed', fault };
}

/** Made by `openSession`. Serves until `close`, in whatever shape the server is: to judge that is its owner's part. */
export class ClusterSession {
  readonly #credentials: Credentials;
  readonly #options: SessionOptions;
  readonly #client: ApiClient;
  readonly #mirror: Mirror<KubeObject>;
  readonly #pulse: Pulse;
  readonly #apply: Apply;
  readonly #closing = new AbortController();
  readonly #watching = Promise.withResolvers<undefined>();
  readonly #firstFault = Promise.withResolvers<Fault>();
  #isRefused = false;
  /** For single requests; while the server does not answer they fail at once. */
  readonly client: ApiClient;

  constructor(credentials: Credentials, options: SessionOptions) {
    const { clock, log, dryRun, timings, onNodeChange, onRequest, mayWrite } = options;
    this.#credentials = credentials;
    this.#options = options;
    this.#client = makeClient(credentials, {
      clock,
      maxBodyBytes: MAX_BODY_BYTES,
      ...(onRequest !== undefined && { onRequest }),
      ...(mayWrite !== undefined && { mayWrite }),
    });
    this.#pulse = new Pulse(timings.stallMs);
    this.#mirror = new Mirror({
      client: this.#client,
      resource: NODE_METADATA,
      metadataOnly: true,
      transform: trimNodeMetadata,
      clock,
      log: inDetail(log),
      onWatching: () => this.#watching.resolve(undefined),
      onRestart: (reason) => this.#onRestart(reason),
    });
    this.#mirror.informer.addHandler({
      onAdd: (node) => onNodeChange(this, node.metadata.name),
      onUpdate: (old, now) => {
        if (!isSameNode(old, now)) onNodeChange(this, now.metadata.name);
      },
      onDelete: (last) => onNodeChange(this, last.metadata.name),
    });
    const recorder = {
      record: () => {
        throw new Error('Events are recorded in the management cluster only');
      },
    };
    this.client = {
      request: (request) => this.#ask(request),
      lines: (request) => this.#client.lines(request),
    };
    this.#apply = makeApply({ client: this.client, recorder, clock, dryRun });
  }

  /** @returns why it did not come about; undefined when it serves. */
  async open(stop: AbortSignal): Promise<Fault | undefined> {
    const probed = await this.#ping(stop);
    if (probed.is === 'unauthorized') return { state: 'Unauthorized', detail: probed.detail };
    if (probed.is === 'missed') return { state: 'Unreachable', detail: probed.detail };
    // It fails by a bug alone, which then ends the process like any other.
    void this.#mirror.start(this.#closing.signal);
    const { syncTimeoutMs } = this.#options.timings;
    const late: Fault = {
      state: 'Unreachable',
      detail: `the Nodes were not listed and watched within ${syncTimeoutMs} ms`,
    };
    const settled = new AbortController();
    const settle = (): void => settled.abort();
    if (stop.aborted) settle();
    else stop.addEventListener('abort', settle, { once: true });
    const timeout = sleep(syncTimeoutMs, settled.signal).then(() => late);
    // Not when they are listed: who may list and not watch would never hear of an approval.
    const fault = await Promise.race([this.#watching.promise, this.#firstFault.promise, timeout]);
    stop.removeEventListener('abort', settle);
    settle();
    return fault;
  }

  /** Ends the watch; requests in flight finish, and connections close. */
  close(): void {
    this.#closing.abort();
    this.#credentials.retire();
  }

  /** Asks the server whether it is there, unless it has said something anyway since the last probe was due. */
  async probe(stop: AbortSignal): Promise<Probed> {
    if (this.#isRefused) return { is: 'unauthorized', detail: REFUSES_CREDENTIALS };
    const { clock, timings } = this.#options;
    const nowMs = clock.now();
    // The server may answer and yet keep the Nodes from us: what is served then grows old.
    if (this.#mirror.isStale(nowMs)) return { is: 'missed', detail: 'nothing comes from the watch of the Nodes' };
    const hasSpoken = this.#mirror.silentMs(nowMs) < timings.probeIntervalMs && !this.#pulse.isFaint(nowMs);
    return hasSpoken ? { is: 'answered' } : this.#ping(stop);
  }

  node(name: string): Seen<KubeObject> {
    return this.#mirror.informer.get(name);
  }

  nodes(): readonly KubeObject[] {
    const nodes = this.#mirror.informer.list();
    return nodes.is === 'known' ? nodes.value : [];
  }

  /**
   * Asks for a list of the Nodes with that name, since an empty list can only come from an API server, while a 404 may be
   * any proxy's.
   */
  async confirmNode(name: string): Promise<Seen<KubeObject>> {
    const query = { fieldSelector: `metadata.name=${name}` };
    let body: unknown;
    try {
      body = await this.#ask({ method: 'GET', path: pathOf(NODE_METADATA), query, metadataOnly: true });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return { is: 'unknown' };
    }
    const page = readPage(body);
    if ('reason' in page || page.items.length > 1) return { is: 'unknown' };
    if (page.items.length === 0) return { is: 'absent' };
    const object = trimNodeMetadata(page.items[0]);
    return object?.metadata.name === name ? { is: 'present', object } : { is: 'unknown' };
  }

  /** @throws KubeError; `Unreachable` at once while the server does not answer. */
  apply(actions: readonly Action[], log: Log): Promise<void> {
    return this.#apply(actions, log);
  }

  /** `/version` is open to whoever may log in (the role system:public-info-viewer), and costs the server nothing. */
  async #ping(stop: AbortSignal): Promise<Probed> {
    try {
      const { probeTimeoutMs: timeoutMs } = this.#options.timings;
      await this.#send({ method: 'GET', path: '/version', timeoutMs, signal: stop, retry: 'never' });
      return { is: 'answered' };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.reason === 'Unauthorized') return { is: 'unauthorized', detail: REFUSES_CREDENTIALS };
      // These come from an API server that knows us; a 404 may be all that a load balancer has left to say.
      const isAnswer = error.reason === 'Forbidden' || error.reason === 'TooManyRequests';
      return isAnswer ? { is: 'answered' } : { is: 'missed', detail: detailOf(error) };
    }
  }

  /** A request that does not join others that already wait in vain. */
  #ask<T>(request: ApiRequest): Promise<T> {
    if (this.#pulse.isFaint(this.#options.clock.now())) {
      const message = 'The API server of the workload cluster does not answer at present';
      return Promise.reject(new KubeError({ reason: 'Unreachable', code: 0, message }));
    }
    // Without repetitions: they would hold a worker for up to a minute, and the caller comes back by itself.
    return this.#send({ timeoutMs: this.#options.timings.requestTimeoutMs, retry: 'never', ...request });
  }

  async #send<T>(request: ApiRequest): Promise<T> {
    const { clock } = this.#options;
    this.#pulse.sent(clock.now());
    try {
      const body = await this.#client.request<T>(request);
      this.#pulse.answered(clock.now());
      return body;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === 0) this.#lost();
      else this.#pulse.answered(clock.now());
      if (error.reason === 'Unauthorized') this.#refused();
      throw error;
    } finally {
      this.#pulse.settled();
    }
  }

  #onRestart(reason: RestartReason): void {
    this.#options.onWatchRestart?.(reason);
    if (!HARMLESS.has(reason)) this.#firstFault.resolve(watchFault(reason));
    if (LOST.has(reason)) this.#lost();
    if (reason === 'Unauthorized') this.#refused();
  }

  /** Trouble is told once, not with every request: else the probes would follow one another without a pause. */
  #lost(): void {
    if (this.#pulse.lost()) this.#options.onTrouble(this);
  }

  #refused(): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#options.onTrouble(this);
  }
}

/** The watch's own ups and downs are details here: what they come to shows as the state of the connection. */
function inDetail(log: Log): Log {
  const debug: Log['debug'] = (message, fields) => log.debug(message, fields);
  return {
    debug,
    info: debug,
    warn: debug,
    error: (message, fields) => log.error(message, fields),
    child: (fields) => inDetail(log.child(fields)),
  };
}
