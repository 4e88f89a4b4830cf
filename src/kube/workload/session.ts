/** One set of credentials of one workload cluster in use: the cache of its Nodes, its probe, and its requests. */
import type { Action } from '../../core/action.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Apply, Log, Seen } from '../../core/ports.ts';
import { sleep } from '../../runtime/sleep.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import { CachedKind } from '../cache/cached-kind.ts';
import { inDetail } from '../cache/in-detail.ts';
import type { RestartReason } from '../cache/list-watch.ts';
import { readPage } from '../cache/watch-event.ts';
import { pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { GuardedClient } from '../http/guarded-client.ts';
import type { Trim } from '../objects/trim.ts';
import { makeApply } from '../write/apply.ts';
import type { SessionFault } from './connection-state.ts';
import { listJudge, NodeBudget } from './node-budget.ts';
import { isSameNode, NODE_METADATA, nodeMetadataTrim } from './node-metadata.ts';
import { openClient, type SessionClient, type SessionClientOptions } from './session-client.ts';
import { detailOf, REFUSES_CREDENTIALS, shortened, watchFault } from './session-faults.ts';

/** Small, so that a page is parsed within some milliseconds. */
const PAGE_SIZE = 250;

/** In milliseconds. */
export interface SessionTimings {
  /** From one probe to the next. */
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** For each request that a caller waits for. */
  readonly requestTimeoutMs: number;
  /** Without any answer for this long, further requests fail at once. */
  readonly stallMs: number;
  /** For the first list of the Nodes. */
  readonly syncTimeoutMs: number;
}

export interface SessionOptions extends SessionClientOptions {
  readonly dryRun: boolean;
  readonly log: Log;
  readonly timings: SessionTimings;
  /** The labels of Nodes that are read; no others are kept. */
  readonly readLabels: ReadonlySet<string>;
  /** Called when a Node came, went, or changed in those labels or its UID. */
  readonly onNodeChange: (session: ClusterSession, name: string) => void;
  /** Called when the server refuses the credentials, or did not answer: a probe should run before the next one is due. */
  readonly onTrouble: (session: ClusterSession) => void;
  readonly onWatchRestart?: (reason: RestartReason) => void;
}

export type Opened<S> =
  | { readonly is: 'opened'; readonly session: S }
  | { readonly is: 'failed'; readonly fault: SessionFault };

export type Probed =
  | { readonly is: 'answered' }
  | { readonly is: 'missed'; readonly detail: string }
  | { readonly is: 'unauthorized'; readonly detail: string }
  /** The server answers, but exceeds a limit. */
  | { readonly is: 'refused'; readonly detail: string };

/** Enough for one server, and few enough that a hanging server holds little. */
const MAX_SOCKETS = 16;
/** Restarts that need no attention: only a page or a watch ended, and the server is reachable. */
const HARMLESS: ReadonlySet<RestartReason> = new Set(['Closed', 'Expired', 'Throttled']);
/** Restarts of the watch that show trouble with the server. */
const LOST: ReadonlySet<RestartReason> = new Set(['Unreachable', 'TimedOut', 'ServerError']);

/**
 * Connects, and resolves when the server answers and its Nodes are known, or else at the first failure.
 *
 * @param stop gives up; everything opened by then is closed again.
 */
export async function openSession(
  access: ClusterAccess,
  options: SessionOptions,
  stop: AbortSignal,
): Promise<Opened<ClusterSession>> {
  const opened = await openClient(access, options, MAX_SOCKETS);
  if (opened.is === 'failed') return opened;
  const session = new ClusterSession(opened, options);
  const fault = await session.open(stop);
  if (fault === undefined) return { is: 'opened', session };
  session.close();
  return { is: 'failed', fault };
}

/** Made by `openSession`. Serves until `close`, whatever the server's condition, which its owner has to judge. */
export class ClusterSession {
  readonly #credentials: Credentials;
  readonly #options: SessionOptions;
  readonly #mirror: CachedKind<KubeObject>;
  readonly #trim: Trim<KubeObject>;
  readonly #budget = new NodeBudget();
  /** Why a list or an event was too large, until a watch is open again. */
  #excess: string | undefined;
  readonly #apply: Apply;
  readonly #closing = new AbortController();
  readonly #watching = Promise.withResolvers<undefined>();
  readonly #firstFault = Promise.withResolvers<SessionFault>();
  /** For single requests; while the server does not answer they fail at once. */
  readonly client: GuardedClient;

  constructor({ credentials, client }: SessionClient, options: SessionOptions) {
    const { clock, log, dryRun, timings, onNodeChange } = options;
    this.#credentials = credentials;
    this.#options = options;
    this.client = new GuardedClient(client, { clock, timings, onTrouble: () => options.onTrouble(this) });
    this.#trim = nodeMetadataTrim(options.readLabels);
    this.#mirror = new CachedKind({
      client,
      resource: NODE_METADATA,
      metadataOnly: true,
      pageSize: PAGE_SIZE,
      excessOf: listJudge(PAGE_SIZE),
      transform: this.#trim,
      clock,
      log: inDetail(log),
      onWatching: () => {
        this.#excess = undefined;
        this.#watching.resolve(undefined);
      },
      onRestart: (reason, message) => this.#onRestart(reason, message),
    });
    this.#mirror.informer.addHandler({
      onAdd: (node) => {
        this.#budget.added(node);
        onNodeChange(this, node.metadata.name);
      },
      onUpdate: (old, now) => {
        this.#budget.removed(old);
        this.#budget.added(now);
        if (!isSameNode(old, now)) onNodeChange(this, now.metadata.name);
      },
      onDelete: (last) => {
        this.#budget.removed(last);
        onNodeChange(this, last.metadata.name);
      },
    });
    const recorder = {
      record: () => {
        throw new Error('Events are recorded in the management cluster only');
      },
    };
    this.#apply = makeApply({ client: this.client, recorder, clock, dryRun, pausesRepeats: true });
  }

  /** @returns why it could not be opened; undefined when it serves. */
  async open(stop: AbortSignal): Promise<SessionFault | undefined> {
    const probed = await this.#ping(stop);
    if (probed.is === 'unauthorized') return { state: 'Unauthorized', detail: probed.detail };
    if (probed.is !== 'answered') return { state: 'Unreachable', detail: probed.detail };
    // Rejects only because of a bug, which then ends the process like any other.
    void this.#mirror.start(this.#closing.signal);
    const { syncTimeoutMs } = this.#options.timings;
    const late: SessionFault = {
      state: 'Unreachable',
      detail: `the Nodes were not listed and watched within ${syncTimeoutMs} ms`,
    };
    const settled = new AbortController();
    const settle = (): void => settled.abort();
    if (stop.aborted) settle();
    else stop.addEventListener('abort', settle, { once: true });
    const timeout = sleep(syncTimeoutMs, settled.signal).then(() => late);
    // A list is not enough: with the right to list but not to watch, approvals would never be noticed.
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

  /** Asks the server for an answer, unless it has answered anything since the last probe was due. */
  async probe(stop: AbortSignal): Promise<Probed> {
    if (this.client.isRefused) return { is: 'unauthorized', detail: REFUSES_CREDENTIALS };
    const excess = this.#excess ?? this.#budget.excess();
    if (excess !== undefined) return { is: 'refused', detail: excess };
    const { clock, timings } = this.#options;
    const nowMs = clock.now();
    // The server may answer and yet withhold the Nodes: the served data then grows old.
    if (this.#mirror.isStale(nowMs)) return { is: 'missed', detail: 'nothing comes from the watch of the Nodes' };
    const hasSpoken = this.#mirror.silentMs(nowMs) < timings.probeIntervalMs && !this.client.isUnresponsive(nowMs);
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
   * Requests a list of the Nodes with that name, since an empty list can only come from an API server, while a 404 may come from any proxy.
   */
  async confirmNode(name: string): Promise<Seen<KubeObject>> {
    const query = { fieldSelector: `metadata.name=${name}` };
    let body: unknown;
    try {
      body = await this.client.request({ method: 'GET', path: pathOf(NODE_METADATA), query, metadataOnly: true });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return { is: 'unknown' };
    }
    const page = readPage(body);
    if ('reason' in page || page.items.length > 1) return { is: 'unknown' };
    if (page.items.length === 0) return { is: 'absent' };
    const object = this.#trim(page.items[0]);
    return object?.metadata.name === name ? { is: 'present', object } : { is: 'unknown' };
  }

  /** @throws KubeError; `Unreachable` at once while the server does not answer. */
  apply(actions: readonly Action[], log: Log): Promise<void> {
    return this.#apply(actions, log);
  }

  /** `/version` is open to every authenticated user (the role system:public-info-viewer), and costs the server almost nothing. */
  async #ping(stop: AbortSignal): Promise<Probed> {
    try {
      const { probeTimeoutMs: timeoutMs } = this.#options.timings;
      await this.client.send({ method: 'GET', path: '/version', timeoutMs, signal: stop, retry: 'never' });
      return { is: 'answered' };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.reason === 'Unauthorized') return { is: 'unauthorized', detail: REFUSES_CREDENTIALS };
      // These answers come from an API server that knows us; a 404 may come from a load balancer without a backend.
      const isAnswer = error.reason === 'Forbidden' || error.reason === 'TooManyRequests';
      return isAnswer ? { is: 'answered' } : { is: 'missed', detail: detailOf(error) };
    }
  }

  #onRestart(reason: RestartReason, message: string): void {
    this.#options.onWatchRestart?.(reason);
    if (reason === 'TooLarge') {
      // This message is ours, and contains no text from the server.
      this.#excess = shortened(message);
      this.#options.onTrouble(this);
    }
    if (!HARMLESS.has(reason)) this.#firstFault.resolve(watchFault(reason, message));
    if (LOST.has(reason)) this.client.lost();
    if (reason === 'Unauthorized') this.client.refused();
  }
}
