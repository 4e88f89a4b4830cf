/**
 * Sends evictions in the background and remembers the answers.
 *
 * - Per lane (a budget, or a single Pod) one request is in flight, whichever Nodes its Pods are on: a second one would only compete with
 *   the first for the same allowance.
 * - A lane that got `BudgetBlocked` drops the evictions that were decided on the same state of the budget: its next change triggers new
 *   ones.
 * - A UID is never in flight twice.
 */
import type { EvictPod } from '../../core/action.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock, EvictionAttempt, EvictionOutcome, Evictor, Log } from '../../core/ports.ts';
import { clip } from '../../core/text.ts';
import { drainSignal } from '../../runtime/drain-signal.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { outsidePasses } from '../../runtime/pass-signal.ts';
import { aborted } from '../../runtime/sleep.ts';
import type { ApiClient } from '../http/api.ts';
import { isKubeError, isWebhookDenial, isWebhookFailure, KubeError } from '../http/errors.ts';
import { evictionRequest } from './eviction-request.ts';

export interface PodEvictorOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Requests in flight over all lanes and owners. @default 20 */
  readonly maxParallel?: number;
  /** Sends nothing, and logs each Pod once. */
  readonly dryRun: boolean;
  /**
   * Called right before each request, since an eviction may have waited behind others. If it returns false, the eviction is dropped, and
   * the owner's controller reconciles again.
   *
   * @default always
   */
  readonly isStillWanted?: (owner: string) => boolean;
  /** Called for each eviction that was dropped in this way. */
  readonly onWithheld?: (owner: string) => void;
  /** Called after each answer was recorded, for owners that were not forgotten, so that their controller reconciles again. */
  readonly onResult: (owner: string, uid: string, attempt: EvictionAttempt) => void;
  readonly onOutcome?: (outcome: EvictionOutcome) => void;
}

/** Webhooks may take 30 s (`timeoutSeconds`), and the API server waits up to 10 s for a budget's update. */
const TIMEOUT_MS = 35_000;
/** How long requests in flight may go on after the stop. */
const DRAIN_MS = 5000;
/** Answers older than this, about Pods whose eviction is no longer wanted, are forgotten. */
const FORGET_AFTER_MS = 3_600_000;

const ACCEPTED_AGAIN_MS = 60_000;
const PATIENCE = { baseMs: 5000, maxMs: 30_000 };
const REFUSAL = { baseMs: 1000, maxMs: 60_000 };

interface Owner {
  readonly attempts: Map<string, EvictionAttempt>;
  /** UIDs that a dry run has logged. */
  readonly announced: Set<string>;
}

interface WaitingPod {
  readonly owner: string;
  readonly pod: EvictPod;
}

const NO_ATTEMPTS: ReadonlyMap<string, EvictionAttempt> = new Map();

/** Evicts Pods of one cluster. Nothing is sent before `start` or after its signal has aborted. */
export class PodEvictor implements Evictor, Runnable {
  readonly name = 'evictor';
  readonly phase = 'controllers';
  readonly needsLeadership = true;
  readonly #options: PodEvictorOptions;
  readonly #maxParallel: number;
  readonly #owners = new Map<string, Owner>();
  /** The waiting Pods per lane, in order; a lane without waiting Pods has no entry. Lanes take turns in the order of entry. */
  readonly #lanes = new Map<string, WaitingPod[]>();
  readonly #busyLanes = new Set<string>();
  /** UIDs. */
  readonly #inFlight = new Map<string, Promise<void>>();
  #work: { readonly stop: AbortSignal; readonly signal: AbortSignal } | undefined;

  constructor(options: PodEvictorOptions) {
    this.#options = options;
    this.#maxParallel = options.maxParallel ?? 20;
  }

  async start(stop: AbortSignal): Promise<void> {
    this.#work = { stop, signal: drainSignal(stop, DRAIN_MS) };
    this.#sendNext();
    await aborted(stop);
    this.#lanes.clear();
    await Promise.all(this.#inFlight.values());
  }

  want(owner: string, wanted: readonly EvictPod[]): void {
    const known = this.#owners.get(owner) ?? { attempts: new Map(), announced: new Set() };
    this.#owners.set(owner, known);
    this.#prune(known, wanted);
    if (this.#options.dryRun) {
      this.#announce(owner, known, wanted);
      return;
    }
    this.#dropWaiting((waiting) => waiting.owner === owner);
    const added = new Set<string>();
    for (const pod of wanted) {
      if (this.#inFlight.has(pod.uid) || added.has(pod.uid)) continue;
      added.add(pod.uid);
      const lane = this.#lanes.get(pod.lane);
      if (lane === undefined) this.#lanes.set(pod.lane, [{ owner, pod }]);
      else lane.push({ owner, pod });
    }
    this.#sendNext();
  }

  attempts(owner: string): ReadonlyMap<string, EvictionAttempt> {
    return this.#owners.get(owner)?.attempts ?? NO_ATTEMPTS;
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
    this.#dropWaiting((waiting) => waiting.owner === owner);
  }

  #prune({ attempts, announced }: Owner, wanted: readonly EvictPod[]): void {
    const uids = new Set(wanted.map(({ uid }) => uid));
    const longAgoMs = this.#options.clock.now() - FORGET_AFTER_MS;
    for (const [uid, { atMs }] of attempts) {
      if (atMs < longAgoMs && !uids.has(uid) && !this.#inFlight.has(uid)) attempts.delete(uid);
    }
    for (const uid of announced) if (!uids.has(uid)) announced.delete(uid);
  }

  #announce(owner: string, { announced }: Owner, wanted: readonly EvictPod[]): void {
    for (const { namespace, name, uid } of wanted) {
      if (announced.has(uid)) continue;
      announced.add(uid);
      this.#options.log.info('Would evict', { Pod: `${namespace}/${name}`, Node: owner });
    }
  }

  #dropWaiting(isDropped: (waiting: WaitingPod) => boolean): void {
    for (const [lane, waiting] of this.#lanes) {
      const left = waiting.filter((one) => !isDropped(one));
      if (left.length === 0) this.#lanes.delete(lane);
      else if (left.length < waiting.length) this.#lanes.set(lane, left);
    }
  }

  #sendNext(): void {
    if (this.#work === undefined || this.#work.stop.aborted) return;
    for (const [lane, waiting] of this.#lanes) {
      if (this.#inFlight.size >= this.#maxParallel) return;
      if (this.#busyLanes.has(lane)) continue;
      const next = waiting.shift();
      // The lane is removed and added again at the end: the other lanes have their turn first.
      this.#lanes.delete(lane);
      if (waiting.length > 0) this.#lanes.set(lane, waiting);
      if (next === undefined) continue;
      if (this.#options.isStillWanted?.(next.owner) === false) this.#options.onWithheld?.(next.owner);
      else this.#send(next, this.#work.signal);
    }
  }

  #send({ owner, pod }: WaitingPod, signal: AbortSignal): void {
    this.#busyLanes.add(pod.lane);
    const life = async (): Promise<void> => {
      let error: unknown;
      try {
        await this.#request(owner, pod, signal);
      } catch (thrown) {
        error = thrown;
      }
      this.#busyLanes.delete(pod.lane);
      this.#inFlight.delete(pod.uid);
      // If the stop cut the request off, the next process will see whether it was accepted.
      if (!signal.aborted) this.#record(owner, pod, error);
      this.#sendNext();
    };
    this.#inFlight.set(pod.uid, outsidePasses(life));
  }

  async #request(owner: string, pod: EvictPod, signal: AbortSignal): Promise<void> {
    this.#options.log.debug('Evicting', { Pod: `${pod.namespace}/${pod.name}`, Node: owner });
    await this.#options.client.request({
      ...evictionRequest(pod),
      timeoutMs: TIMEOUT_MS,
      retry: 'never',
      signal,
    });
  }

  #record(owner: string, pod: EvictPod, error: unknown): void {
    const outcome = classifyEviction(error);
    this.#options.onOutcome?.(outcome);
    if (outcome === 'BudgetBlocked') {
      this.#dropWaiting((waiting) => waiting.pod.lane === pod.lane && waiting.pod.basis === pod.basis);
    }
    const known = this.#owners.get(owner);
    if (known === undefined) return;
    const before = known.attempts.get(pod.uid);
    const count = before?.outcome === outcome ? before.count + 1 : 1;
    const atMs = this.#options.clock.now();
    const retryAfterMs = retryDelayMs(outcome, count, error);
    const attempt: EvictionAttempt = {
      outcome,
      atMs,
      basis: pod.basis,
      count,
      ...(retryAfterMs !== undefined && { retryAtMs: atMs + retryAfterMs }),
      ...(error !== undefined && { detail: detailOf(error) }),
      ...(error instanceof KubeError && isByAdmission(error) && { isByAdmission: true }),
    };
    known.attempts.set(pod.uid, attempt);
    if (count === 1) {
      const { detail } = attempt;
      const { log } = this.#options;
      const level = outcome === 'Denied' || outcome === 'Failed' ? 'warn' : 'info';
      const fields = { Pod: `${pod.namespace}/${pod.name}`, Node: owner, reason: outcome };
      log[level]('Eviction was answered', { ...fields, ...(detail !== undefined && { detail }) });
    }
    this.#options.onResult(owner, pod.uid, attempt);
  }
}

/**
 * Interprets an answer of the Eviction API (kubernetes `pkg/registry/core/pod/storage/eviction.go`).
 *
 * @param error as thrown by the client; undefined if the API server accepted.
 */
export function classifyEviction(error: unknown): EvictionOutcome {
  if (error === undefined) return 'Accepted';
  if (!(error instanceof KubeError)) return 'Failed';
  switch (error.reason) {
    case 'TooManyRequests':
      return classifyPatience(error);
    case 'NotFound':
    case 'Conflict':
      // A webhook may refuse with any code, and its 404 or 409 proves nothing about the Pod.
      return isWebhookDenial(error) ? 'Denied' : 'Gone';
    case 'Forbidden':
      return error.causes.some(({ reason }) => reason === 'NamespaceTerminating') ? 'Throttled' : 'Denied';
    case 'BadRequest':
    case 'Invalid':
      return 'Denied';
    case 'ServerError':
      if (error.message.includes('more than one PodDisruptionBudget')) return 'MultipleBudgets';
      return isWebhookDenial(error) ? 'Denied' : 'Failed';
    default:
      return isWebhookDenial(error) ? 'Denied' : 'Failed';
  }
}

function classifyPatience({ causes, retryAfterMs = 0 }: KubeError): EvictionOutcome {
  if (!causes.some(({ reason }) => reason === 'DisruptionBudget')) return 'Throttled';
  return retryAfterMs > 0 ? 'BudgetPending' : 'BudgetBlocked';
}

/**
 * Whether a webhook, a policy or the authorizer denies the eviction, by whatever code; also if a webhook that has to agree cannot be
 * called. False if a webhook supports no dry runs, and if a namespace is being deleted.
 */
export function isByAdmission(error: KubeError): boolean {
  if (isWebhookDenial(error) || isWebhookFailure(error)) return true;
  if (error.message.includes('does not support dry run')) return false;
  return classifyEviction(error) === 'Denied';
}

/** How long the same request would be in vain; undefined if only the next change of the budget helps. */
function retryDelayMs(outcome: EvictionOutcome, count: number, error: unknown): number | undefined {
  switch (outcome) {
    case 'Accepted':
      return ACCEPTED_AGAIN_MS;
    case 'BudgetBlocked':
      return undefined;
    case 'BudgetPending':
    case 'Throttled':
      return (isKubeError(error) ? error.retryAfterMs : undefined) ?? backoffMs(PATIENCE, count - 1);
    // `Gone` too: a cache that has not seen the deletion yet must not cause one request after another.
    case 'Gone':
    case 'MultipleBudgets':
    case 'Denied':
    case 'Failed':
      return backoffMs(REFUSAL, count - 1);
  }
}

/** The causes name the budget and its numbers, which the message leaves out; those of a policy only repeat the message. */
function detailOf(error: unknown): string {
  if (!(error instanceof KubeError)) return clip(String(error));
  const more = error.causes.flatMap(({ message = '' }) => (error.message.includes(message) ? [] : message));
  return clip([error.message, ...more].join(' '));
}
