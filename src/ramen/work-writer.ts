/** The writes of a pass to a ManifestWork on the hub: our finalizer and the status, only over the version that was read. */
import type { Result } from '../core/decision.ts';
import {
  type Answer,
  type AnyObject,
  type ObjectAccess,
  type ObjectAddress,
  unlessChanged,
} from '../core/object-access.ts';
import type { Clock, Log } from '../core/ports.ts';
import { contentWithoutTimes, type RepeatedWrites, UNDONE } from '../core/repeated-writes.ts';
import { canonicalJson } from './canonical.ts';
import { WORK_FINALIZER } from './names.ts';
import { MANIFEST_WORK, type ManifestWork, type WorkStatus } from './objects.ts';
import { type ManifestResult, workStatus } from './work-status.ts';

/** Short, since a conflict usually means that Ramen changed the spec while we wrote, and its failover waits for the next attempt. */
export const CONFLICT_MS = 25;

export interface WriterPorts {
  readonly hub: ObjectAccess;
  readonly clock: Clock;
  /** Returns the delay after a failure. */
  readonly failed: () => number;
  /** Called when one version of the work has become another. */
  readonly wrote: (before: string, now: string) => void;
  /** Of all works. */
  readonly writes: RepeatedWrites;
  readonly log: Log;
}

/** Writes for one pass. */
export class WorkWriter {
  readonly #ports: WriterPorts;
  readonly #work: ManifestWork;
  #resourceVersion: string;
  #written: WorkStatus | undefined;
  /** How long to wait before a write that somebody undoes again and again. */
  #pauseMs: number | undefined;
  /** The application that the work has outlived. */
  gone: string | undefined;

  constructor(ports: WriterPorts, work: ManifestWork) {
    this.#ports = ports;
    this.#work = work;
    this.#resourceVersion = work.metadata.resourceVersion;
  }

  addFinalizer(): Promise<Answer<AnyObject>> {
    return this.#setFinalizers([...(this.#work.metadata.finalizers ?? []), WORK_FINALIZER]);
  }

  removeFinalizer(): Promise<Answer<AnyObject>> {
    return this.#setFinalizers((this.#work.metadata.finalizers ?? []).filter((each) => each !== WORK_FINALIZER));
  }

  /** Writes the status if it differs from the current one. */
  async writeStatus(results: readonly ManifestResult[]): Promise<Answer<AnyObject> | { readonly is: 'unchanged' }> {
    const { metadata, status } = this.#work;
    const { clock } = this.#ports;
    const wanted = workStatus(results, status, {
      generation: metadata.generation ?? 0,
      nowMs: clock.now(),
      gone: this.gone,
    });
    if (this.#written === undefined && canonicalJson(wanted) === canonicalJson(status)) return { is: 'unchanged' };
    this.#written = wanted;
    const { conditions, manifests } = wanted;
    const value = { conditions, resourceStatus: { manifests } };
    // A pass may write both, in turn.
    const part = results.some(({ outcome }) => outcome.is === 'pending') ? 'announcement' : 'status';
    return this.#patch(part, '/status', value, { subresource: 'status' });
  }

  /** The result of a pass after the hub refused a write. */
  after({ reason, message }: Extract<Answer<unknown>, { is: 'refused' }>): Result {
    const { log, failed } = this.#ports;
    if (reason === 'DryRun' || reason === 'NotFound') return {};
    if (reason === 'Conflict' || reason === 'Invalid') log.debug('Work has changed meanwhile', { detail: message });
    else log.warn('Writing to the hub failed', { reason, detail: message });
    return { requeueAfterMs: reason === 'Conflict' ? (this.#pauseMs ?? CONFLICT_MS) : failed() };
  }

  #setFinalizers(value: readonly string[]): Promise<Answer<AnyObject>> {
    return this.#patch('finalizers', '/metadata/finalizers', value);
  }

  /** @param part of the work, for the comparison with the last write of the same part. */
  async #patch(
    part: string,
    path: string,
    value: unknown,
    options?: { readonly subresource: 'status' },
  ): Promise<Answer<AnyObject>> {
    const { hub, writes, clock, log, wrote } = this.#ports;
    const [key, content] = [`${this.#work.metadata.uid}/${part}`, contentWithoutTimes(value)];
    const pauseMs = writes.pauseMs(key, content, clock.now());
    if (pauseMs > 0) {
      this.#pauseMs = pauseMs;
      return { is: 'refused', reason: 'Conflict', message: UNDONE, causes: [] };
    }
    const operations = [unlessChanged(this.#resourceVersion), { op: 'add', path, value }] as const;
    const answer = await hub.patch(this.#at(), operations, options);
    if (answer.is === 'done') {
      const { resourceVersion } = answer.value.metadata;
      wrote(this.#resourceVersion, resourceVersion);
      this.#resourceVersion = resourceVersion;
      if (writes.wrote(key, content, clock.now()) > 0) log.warn(UNDONE, { detail: part });
    }
    return answer;
  }

  #at(): ObjectAddress {
    const { namespace, name } = this.#work.metadata;
    return { resource: MANIFEST_WORK, namespace, name };
  }
}
