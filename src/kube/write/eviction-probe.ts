/**
 * Asks by dry runs whether admission permits the eviction of Pods: the API server calls its webhooks and policies before it checks budgets.
 *
 * - Each Pod is asked about once, by its UID, until its owner is forgotten.
 * - A result that does not come from admission (no answer in time, an error, a webhook that supports no dry runs) is `Unknown`, never a
 *   denial.
 */
import type { EvictPod } from '../../core/action.ts';
import type { EvictionProbe, Log, ProbeAnswer } from '../../core/ports.ts';
import { drainSignal } from '../../runtime/drain-signal.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { outsidePasses } from '../../runtime/pass-signal.ts';
import { aborted } from '../../runtime/sleep.ts';
import type { ApiClient } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { evictionRequest } from './eviction-request.ts';
import { isByAdmission } from './evictor.ts';

export interface EvictionProberOptions {
  readonly client: ApiClient;
  readonly log: Log;
  /** Requests in flight over all owners. @default 20 */
  readonly maxParallel?: number;
  /** Sends nothing; admission's answers then stay unknown. */
  readonly dryRun: boolean;
  /** Called right before each request. If it returns false, the question is dropped. @default always */
  readonly isStillWanted?: (owner: string) => boolean;
  /** Called after each answer, so that the owner's controller reconciles again. */
  readonly onAnswer: (owner: string) => void;
}

/** A webhook may take longer (`timeoutSeconds` up to 30 s), but the whole Node waits for its answer. */
const TIMEOUT_MS = 10_000;
/** How long requests in flight may go on after the stop: nothing depends on them. */
const DRAIN_MS = 0;

interface Owner {
  readonly answers: Map<string, ProbeAnswer>;
  waiting: readonly EvictPod[];
}

const NO_ANSWERS: ReadonlyMap<string, ProbeAnswer> = new Map();

/** Asks about Pods of one cluster. Nothing is sent before `start` or after its signal has aborted. */
export class EvictionProber implements EvictionProbe, Runnable {
  readonly name = 'eviction-probe';
  readonly phase = 'controllers';
  readonly needsLeadership = true;
  readonly #options: EvictionProberOptions;
  readonly #maxParallel: number;
  readonly #owners = new Map<string, Owner>();
  /** By UID. */
  readonly #inFlight = new Map<string, Promise<void>>();
  #work: { readonly stop: AbortSignal; readonly signal: AbortSignal } | undefined;

  constructor(options: EvictionProberOptions) {
    this.#options = options;
    this.#maxParallel = options.maxParallel ?? 20;
  }

  async start(stop: AbortSignal): Promise<void> {
    this.#work = { stop, signal: drainSignal(stop, DRAIN_MS) };
    this.#sendNext();
    await aborted(stop);
    await Promise.all(this.#inFlight.values());
  }

  want(owner: string, pods: readonly EvictPod[]): void {
    const known = this.#owners.get(owner);
    if (known === undefined && pods.length === 0) return;
    const { answers } = known ?? { answers: new Map<string, ProbeAnswer>() };
    const isOpen = ({ uid }: EvictPod): boolean => !answers.has(uid) && !this.#inFlight.has(uid);
    const open = pods.filter(isOpen);
    this.#owners.set(owner, { answers, waiting: this.#options.dryRun ? [] : open });
    if (this.#options.dryRun && open.length > 0) {
      for (const { uid } of open) answers.set(uid, 'Unknown');
      this.#options.onAnswer(owner);
    }
    this.#sendNext();
  }

  answers(owner: string): ReadonlyMap<string, ProbeAnswer> {
    return this.#owners.get(owner)?.answers ?? NO_ANSWERS;
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }

  #sendNext(): void {
    const work = this.#work;
    if (work === undefined || work.stop.aborted) return;
    for (const [name, owner] of this.#owners) {
      while (owner.waiting.length > 0 && this.#inFlight.size < this.#maxParallel) {
        const [next, ...rest] = owner.waiting;
        owner.waiting = rest;
        if (next === undefined) break;
        if (this.#options.isStillWanted?.(name) === false) owner.waiting = [];
        else this.#send(name, next, work.signal);
      }
    }
  }

  #send(name: string, pod: EvictPod, signal: AbortSignal): void {
    this.#inFlight.set(
      pod.uid,
      outsidePasses(() => this.#ask(name, pod, signal)),
    );
  }

  async #ask(name: string, pod: EvictPod, signal: AbortSignal): Promise<void> {
    let error: unknown;
    try {
      const request = evictionRequest(pod, { dryRun: true });
      await this.#options.client.request({ ...request, timeoutMs: TIMEOUT_MS, retry: 'never', signal });
    } catch (thrown) {
      error = thrown;
    }
    this.#inFlight.delete(pod.uid);
    if (!signal.aborted) this.#record(name, pod, error);
    this.#sendNext();
  }

  #record(name: string, { namespace, name: podName, uid }: EvictPod, error: unknown): void {
    const owner = this.#owners.get(name);
    if (owner === undefined) return;
    const answer = answerOf(error);
    owner.answers.set(uid, answer);
    if (answer === 'Denied') {
      const detail = error instanceof Error ? error.message : String(error);
      this.#options.log.info('Admission denies an eviction', { Pod: `${namespace}/${podName}`, Node: name, detail });
    }
    this.#options.onAnswer(name);
  }
}

/** @param error as thrown by the client; undefined if the API server would accept. */
export function answerOf(error: unknown): ProbeAnswer {
  if (error === undefined) return 'Allowed';
  if (!(error instanceof KubeError)) return 'Unknown';
  if (isByAdmission(error)) return 'Denied';
  // Budgets are checked after admission: a refusal because of a budget shows that admission has passed.
  const isBudget = error.causes.some(({ reason }) => reason === 'DisruptionBudget');
  return isBudget ? 'Allowed' : 'Unknown';
}
