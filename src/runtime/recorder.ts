/** Events for people: recorded without waiting, sent in the background, and dropped rather than holding up other work. */
import { randomUUID } from 'node:crypto';
import type { RecordEvent } from '../core/action.ts';
import { type Backoff, backoffMs } from '../core/backoff.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Runnable } from './manager.ts';
import { outsidePasses } from './pass-signal.ts';
import { RecentKeys } from './recent-keys.ts';
import { aborted, sleep } from './sleep.ts';

/** An event as it was recorded; the same for each attempt to send it. */
export interface RecordedEvent {
  readonly event: RecordEvent;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Unique; lower case letters, digits and dashes. */
  readonly id: string;
}

export interface EventSink {
  send(recorded: RecordedEvent): Promise<unknown>;
  /** Whether to resend after `error`. */
  isTransient(error: unknown): boolean;
}

/** Why an event was lost. A closed set, for metrics. */
export const DROP_REASONS = ['Overflow', 'Failed'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface EventRecorderOptions {
  /** The controller that recorded it. */
  readonly controller: string;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDropped?: (reason: DropReason) => void;
}

const MAX_QUEUED = 1000;
const REMEMBERED = 4096;
const REPEAT_AFTER_MS = 3_600_000;
const MAX_ATTEMPTS = 3;
const RETRY: Backoff = { baseMs: 500, maxMs: 5000 };
/** The part of a stop's grace period that is spent on Events. */
const FLUSH_MS = 2000;

/**
 * Records events, with at most 1 000 waiting to be sent; the oldest is dropped when there are more. An Event on the same object with the
 * same text and scope is not recorded again within an hour.
 */
export class EventRecorder implements Runnable {
  readonly name: string;
  readonly phase = 'services';
  readonly needsLeadership = false;
  readonly #sink: EventSink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onDropped: (reason: DropReason) => void;
  readonly #queue: RecordedEvent[] = [];
  readonly #said = new RecentKeys({ ttlMs: REPEAT_AFTER_MS, maxSize: REMEMBERED });
  #sending: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.name = `event-recorder/${options.controller}`;
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onDropped = options.onDropped ?? (() => undefined);
  }

  /** Never waits and never throws. */
  record(event: RecordEvent): void {
    const atMs = this.#clock.now();
    if (!this.#said.isNew(topicOf(event), atMs)) return;
    this.#queue.push({ event, atMs, id: event.onceAs ?? randomUUID() });
    if (this.#queue.length > MAX_QUEUED) this.#drop(this.#queue.shift(), 'Overflow');
    // An Event outlives the pass that records it.
    this.#sending ??= outsidePasses(() => this.#sendAll());
  }

  /** Resolves when everything recorded so far is sent or given up, within `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.#sending, sleep(timeoutMs, done.signal)]);
    done.abort();
  }

  async start(stop: AbortSignal): Promise<void> {
    await aborted(stop);
    await this.flush(FLUSH_MS);
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await this.#send(next);
    this.#sending = undefined;
  }

  async #send(recorded: RecordedEvent): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#sink.send(recorded);
        return;
      } catch (error) {
        if (attempt + 1 >= MAX_ATTEMPTS || !this.#sink.isTransient(error)) {
          this.#log.warn('Recording an Event failed', { reason: recorded.event.reason, err: error });
          this.#drop(recorded, 'Failed');
          return;
        }
      }
      await sleep(backoffMs(RETRY, attempt));
    }
  }

  /** A dropped Event counts as never recorded, so the same Event may be recorded the next time. */
  #drop(recorded: RecordedEvent | undefined, reason: DropReason): void {
    if (recorded !== undefined) this.#said.forget(topicOf(recorded.event));
    this.#onDropped(reason);
  }
}

function topicOf({ regarding, reason, note, scope }: RecordEvent): string {
  const { resource, namespace, name, uid } = regarding;
  return JSON.stringify([resource.group, resource.plural, namespace, name, uid, reason, note, scope]);
}
