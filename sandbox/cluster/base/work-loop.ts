/**
 * The keys that have to be reconciled, by controller. One loop serves all controllers: each key is in the queue once, in order of arrival,
 * and every pass runs to its end before the next begins.
 */
import { type Backoff, backoffMs } from '../../../src/core/backoff.ts';
import { ApiError, type SandboxClock } from '../../api.ts';

/** Reconciles one object, named by its key. */
export type Reconcile = (key: string) => void;

/** The interface by which one controller requests its own passes. */
export interface Work {
  add(key: string): void;
  /** The earliest of several times counts. */
  addAfter(key: string, ms: number): void;
}

export type OnError = (controller: string, key: string, error: unknown) => void;

interface Item {
  readonly controller: string;
  readonly key: string;
  readonly reconcile: Reconcile;
}

interface Timer {
  readonly dueMs: number;
  cancel(): void;
}

/** After this time other work of the process, such as requests over HTTP, has its turn. */
const SLICE_MS = 8;
const RETRY: Backoff = { baseMs: 10, maxMs: 30_000 };

export class WorkLoop {
  readonly #clock: SandboxClock;
  readonly #onError: OnError;
  readonly #queue = new Map<string, Item>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #next: NodeJS.Immediate | undefined;
  #isStopped = false;

  /** @param onError called for each pass that threw, except for conflicts, which are normal among concurrent controllers. */
  constructor(clock: SandboxClock, onError: OnError) {
    this.#clock = clock;
    this.#onError = onError;
  }

  controller(name: string, reconcile: Reconcile): Work {
    const itemOf = (key: string): Item => ({ controller: name, key, reconcile });
    return {
      add: (key) => this.#add(itemOf(key)),
      addAfter: (key, ms) => this.#addAfter(itemOf(key), ms),
    };
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#next !== undefined) clearImmediate(this.#next);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#queue.clear();
  }

  #add(item: Item): void {
    if (this.#isStopped) return;
    const id = idOf(item);
    if (!this.#queue.has(id)) this.#queue.set(id, item);
    this.#next ??= setImmediate(() => this.#run());
  }

  #addAfter(item: Item, ms: number): void {
    if (this.#isStopped) return;
    if (ms <= 0) {
      this.#add(item);
      return;
    }
    const id = idOf(item);
    const dueMs = this.#clock.now() + ms;
    const present = this.#timers.get(id);
    if (present !== undefined && present.dueMs <= dueMs) return;
    present?.cancel();
    const cancel = this.#clock.setTimeout(() => {
      this.#timers.delete(id);
      this.#add(item);
    }, ms);
    this.#timers.set(id, { dueMs, cancel });
  }

  #run(): void {
    this.#next = undefined;
    const end = performance.now() + SLICE_MS;
    for (const [id, item] of this.#queue) {
      this.#queue.delete(id);
      this.#pass(id, item);
      if (performance.now() >= end) break;
    }
    if (this.#queue.size > 0 && !this.#isStopped) this.#next ??= setImmediate(() => this.#run());
  }

  #pass(id: string, item: Item): void {
    try {
      item.reconcile(item.key);
      this.#failures.delete(id);
    } catch (error) {
      const attempt = this.#failures.get(id) ?? 0;
      this.#failures.set(id, attempt + 1);
      const isConflict = error instanceof ApiError && error.reason === 'Conflict';
      if (!isConflict) this.#onError(item.controller, item.key, error);
      this.#addAfter(item, backoffMs(RETRY, attempt));
    }
  }
}

function idOf({ controller, key }: Item): string {
  return `${controller} ${key}`;
}
