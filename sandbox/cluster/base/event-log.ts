/** Events as the controllers of a cluster record them: equal ones are counted, and each is removed after an hour. */

import { rfc3339 } from '../../../src/core/timestamps.ts';
import type { SandboxApi, SandboxClock, Stored } from '../../api.ts';
import { ApiError } from '../../api.ts';

export interface EventNote {
  readonly about: Stored;
  readonly type: 'Normal' | 'Warning';
  /** The component that records: `default-scheduler`. */
  readonly source: string;
  readonly reason: string;
  readonly message: string;
}

/** The API server's `--event-ttl`. */
const LIFETIME_MS = 3_600_000;
/** Up to this many notes are remembered, to recognise equal ones. */
const MAX_KNOWN = 20_000;

interface Known {
  readonly name: string;
  readonly namespace: string;
  readonly lastMs: number;
  readonly count: number;
}

export class EventLog {
  readonly #api: SandboxApi;
  readonly #clock: SandboxClock;
  /** By the fields that make notes equal, oldest first. */
  readonly #known = new Map<string, Known>();
  #counter = 0;

  constructor(api: SandboxApi, clock: SandboxClock) {
    this.#api = api;
    this.#clock = clock;
  }

  record(note: EventNote): void {
    const nowMs = this.#clock.now();
    this.#forgetOld(nowMs);
    const { metadata } = note.about;
    const identity = JSON.stringify([metadata.uid, note.type, note.source, note.reason, note.message]);
    const known = this.#known.get(identity);
    const namespace = metadata.namespace ?? 'default';
    const name = known?.name ?? `${metadata.name}.${this.#suffix(nowMs)}`;
    const count = (known?.count ?? 0) + 1;
    try {
      if (known === undefined) this.#api.create('events', draftOf(note, name, namespace, nowMs), namespace);
      else {
        const patch = { count, lastTimestamp: rfc3339(nowMs) };
        this.#api.patch({ resource: 'events', namespace, name }, patch);
      }
    } catch (error) {
      // A failed Event is not retried: its namespace may be terminating, or somebody has removed it.
      if (!(error instanceof ApiError)) throw error;
      this.#known.delete(identity);
      return;
    }
    this.#known.delete(identity);
    this.#known.set(identity, { name, namespace, lastMs: nowMs, count });
  }

  #forgetOld(nowMs: number): void {
    for (const [identity, { name, namespace, lastMs }] of this.#known) {
      if (lastMs + LIFETIME_MS > nowMs && this.#known.size < MAX_KNOWN) return;
      this.#known.delete(identity);
      try {
        this.#api.delete({ resource: 'events', namespace, name });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
  }

  #suffix(nowMs: number): string {
    this.#counter += 1;
    return `${nowMs.toString(16)}${this.#counter.toString(16).padStart(5, '0')}`;
  }
}

function draftOf(note: EventNote, name: string, namespace: string, nowMs: number) {
  const { apiVersion, kind, metadata } = note.about;
  const now = rfc3339(nowMs);
  return {
    metadata: { name, namespace },
    involvedObject: {
      apiVersion,
      kind,
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      // The components of a real cluster put the name of a Node in place of its UID, and kubectl describe asks for both.
      uid: kind === 'Node' ? metadata.name : metadata.uid,
      resourceVersion: metadata.resourceVersion,
    },
    type: note.type,
    reason: note.reason,
    message: note.message,
    source: { component: note.source },
    reportingComponent: note.source,
    reportingInstance: '',
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}
