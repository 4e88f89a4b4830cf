/**
 * Writes annotations on Pods in the background and remembers which Pods refuse them.
 *
 * - A webhook that fails or hangs for one Pod delays no other, and nothing else on the Node.
 * - After a failure the Pod is left alone for a second, then longer each time, up to a minute; a changed Pod is retried at once. When the
 *   time has come the owner's controller decides again, so that no unwanted mark is written.
 * - A mark that somebody takes away is written again with the same pauses: another program may insist on the Pod as it was.
 * - A Pod is never written twice at once.
 */
import type { PatchMeta } from '../../core/action.ts';
import { type Backoff, backoffMs } from '../../core/backoff.ts';
import type { Clock, Log, PodMarker } from '../../core/ports.ts';
import { RepeatedWrites } from '../../core/repeated-writes.ts';
import { DelayedKeys } from '../../runtime/delayed-keys.ts';
import type { Runnable } from '../../runtime/manager.ts';
import { outsidePasses } from '../../runtime/pass-signal.ts';
import { aborted } from '../../runtime/sleep.ts';
import type { ApiClient } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { patchMeta } from './apply.ts';

export interface BackgroundPodMarkerOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Requests in flight over all owners. @default 10 */
  readonly maxParallel?: number;
  /** Sends nothing, and logs each Pod once. */
  readonly dryRun: boolean;
  /** Called when a failed write is due for a retry, so that the owner's controller reconciles again. */
  readonly onDue: (owner: string) => void;
}

/** Webhooks may take 30 s (`timeoutSeconds`). */
const TIMEOUT_MS = 35_000;
const PATIENCE: Backoff = { baseMs: 1000, maxMs: 60_000 };

interface Failure {
  readonly resourceVersion: string | undefined;
  readonly atMs: number;
  /** The number of failures in a row. */
  readonly count: number;
}

/** Marks Pods of one cluster. Nothing is sent before `start`, and what is in flight ends with its signal. */
export class BackgroundPodMarker implements PodMarker, Runnable {
  readonly name = 'pod-marker';
  readonly phase = 'controllers';
  readonly needsLeadership = true;
  readonly #options: BackgroundPodMarkerOptions;
  readonly #maxParallel: number;
  /** By owner, then by UID: the patches that wait to be sent. */
  readonly #waiting = new Map<string, Map<string, PatchMeta>>();
  /** By owner, then by UID. */
  readonly #failures = new Map<string, Map<string, Failure>>();
  readonly #written = new RepeatedWrites(PATIENCE, 1);
  /** By UID. */
  readonly #inFlight = new Map<string, Promise<void>>();
  /** By owner, the UIDs that a dry run has logged. */
  readonly #announced = new Map<string, Set<string>>();
  readonly #due: DelayedKeys;
  #stop: AbortSignal | undefined;

  constructor(options: BackgroundPodMarkerOptions) {
    this.#options = options;
    this.#maxParallel = options.maxParallel ?? 10;
    this.#due = new DelayedKeys((owner) => options.onDue(owner));
  }

  async start(stop: AbortSignal): Promise<void> {
    this.#stop = stop;
    this.#sendNext();
    await aborted(stop);
    this.#waiting.clear();
    this.#due.clear();
    await Promise.all(this.#inFlight.values());
  }

  want(owner: string, marks: readonly PatchMeta[]): void {
    this.#forgetOthers(owner, marks);
    const waiting = marks.filter((mark) => this.#isDue(owner, mark) && !this.#inFlight.has(mark.target.uid));
    if (this.#options.dryRun) {
      for (const mark of waiting) this.#announce(owner, mark);
      return;
    }
    // Queues the owner behind others that have not had their turn.
    this.#waiting.delete(owner);
    if (waiting.length > 0) this.#waiting.set(owner, new Map(waiting.map((mark) => [mark.target.uid, mark])));
    this.#sendNext();
  }

  #forgetOthers(owner: string, marks: readonly PatchMeta[]): void {
    const wanted = new Set(marks.map(({ target }) => target.uid));
    for (const owners of [this.#failures, this.#announced]) {
      const known = owners.get(owner);
      for (const uid of known?.keys() ?? []) if (!wanted.has(uid)) known?.delete(uid);
      if (known?.size === 0) owners.delete(owner);
    }
  }

  /** If not, the owner is notified when the pause is over. */
  #isDue(owner: string, mark: PatchMeta): boolean {
    const { target, resourceVersion } = mark;
    const nowMs = this.#options.clock.now();
    const failure = this.#failures.get(owner)?.get(target.uid);
    const afterMs =
      failure !== undefined && failure.resourceVersion === resourceVersion
        ? pauseAfter(failure, nowMs)
        : this.#written.pauseMs(target.uid, contentOf(mark), nowMs);
    if (afterMs <= 0) return true;
    this.#due.add(owner, afterMs);
    return false;
  }

  #announce(owner: string, { target }: PatchMeta): void {
    const announced = this.#announced.get(owner) ?? new Set();
    if (announced.has(target.uid)) return;
    this.#announced.set(owner, announced.add(target.uid));
    this.#options.log.info('Would annotate', { Pod: `${target.namespace}/${target.name}`, Node: owner });
  }

  #sendNext(): void {
    const stop = this.#stop;
    if (stop === undefined || stop.aborted) return;
    for (const [owner, marks] of this.#waiting) {
      for (const [uid, mark] of marks) {
        if (this.#inFlight.size >= this.#maxParallel) return;
        marks.delete(uid);
        if (!this.#inFlight.has(uid)) this.#send(owner, mark, stop);
      }
      this.#waiting.delete(owner);
    }
  }

  #send(owner: string, mark: PatchMeta, stop: AbortSignal): void {
    const { uid } = mark.target;
    const life = async (): Promise<void> => {
      let error: unknown;
      try {
        await patchMeta(this.#options.client, mark, { retry: 'never', timeoutMs: TIMEOUT_MS, signal: stop });
      } catch (thrown) {
        error = thrown;
      }
      this.#inFlight.delete(uid);
      if (stop.aborted) return;
      if (error === undefined) {
        this.#failures.get(owner)?.delete(uid);
        this.#written.wrote(uid, contentOf(mark), this.#options.clock.now());
      } else this.#failed(owner, mark, error);
      this.#sendNext();
    };
    this.#inFlight.set(uid, outsidePasses(life));
  }

  #failed(owner: string, { target, resourceVersion }: PatchMeta, error: unknown): void {
    const failures = this.#failures.get(owner) ?? new Map<string, Failure>();
    const count = (failures.get(target.uid)?.count ?? 0) + 1;
    this.#failures.set(owner, failures.set(target.uid, { resourceVersion, atMs: this.#options.clock.now(), count }));
    this.#due.add(owner, backoffMs(PATIENCE, count - 1));
    const { log } = this.#options;
    // A conflict only shows that the Pod has changed since the decision, which needs no warning.
    const level = count === 1 && !isKubeError(error, 'Conflict') ? 'warn' : 'debug';
    log[level]('Annotating a Pod failed', { Pod: `${target.namespace}/${target.name}`, Node: owner, err: error });
  }
}

/** After the clock was set back, there is no pause. */
function pauseAfter({ atMs, count }: Failure, nowMs: number): number {
  return nowMs < atMs ? 0 : atMs + backoffMs(PATIENCE, count - 1) - nowMs;
}

const contentOf = ({ annotations }: PatchMeta): string => JSON.stringify(annotations);
