/**
 * The interfaces that decisions and reconcilers rely on. Adapters (`kube`, `runtime`, `obs`) implement them; the wiring in `app/` passes
 * them in. A reconciler gets the ports of the cluster it works on, so one process can serve many clusters.
 */
import type { Action, EvictPod, PatchMeta } from './action.ts';
import type { LogFields } from './log-keys.ts';
import type { KubeObject } from './objects.ts';

/** A cache's answer about one object. `unknown` (not synced yet, cluster unreachable) is never `absent`. */
export type Seen<T> =
  | { readonly is: 'present'; readonly object: T }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown' };

/** A cache's answer about a set of objects. An empty set is knowledge, `unknown` is not. */
export type Known<T> = { readonly is: 'known'; readonly value: T } | { readonly is: 'unknown' };

/** A cache of one kind in one cluster. Objects are shared and must not be changed. */
export interface Lister<T extends KubeObject> {
  /** @param key `namespace/name`, or `name` for a cluster-scoped kind. */
  get(key: string): Seen<T>;
  /** Objects whose index function returned `value`, in no particular order. Throws for an index that was never declared. */
  byIndex(index: string, value: string): Known<readonly T[]>;
}

/** A named index function; an object may have several values or none. */
export interface Index<T> {
  readonly name: string;
  readonly of: (object: T) => readonly string[];
}

/** A cache that reports changes, for wiring: which kinds a controller watches and which keys a change concerns. */
export interface Source<T extends KubeObject> extends Lister<T> {
  /** Declare indexes before the cache is filled. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void;
  /** @returns a function that removes the handler. */
  addHandler(handler: {
    onAdd?(object: T): void;
    onUpdate?(old: T, now: T): void;
    onDelete?(last: T): void;
  }): () => void;
}

/** Milliseconds since the epoch by the local wall clock. */
export interface Clock {
  now(): number;
}

/** Structured log; the message is constant, values go into fields (see `log-keys.ts`). */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds `fields` to each line. */
  child(fields: LogFields): Log;
}

/**
 * Carries out actions in order and stops at the first that fails.
 *
 * @throws KubeError as the API server answered; a conflict means that something the decision read has changed since.
 */
export type Apply = (actions: readonly Action[], log: Log) => Promise<void>;

/** The result of the last attempt to evict one Pod. It is an observation, not state: a new process simply tries again. */
export interface EvictionAttempt {
  readonly outcome: EvictionOutcome;
  /** When the answer came. */
  readonly atMs: number;
  /**
   * The attempt is not repeated before this time (for `Gone`: until the cache has seen the deletion). undefined for `BudgetBlocked`: only
   * the budget's next change justifies another.
   */
  readonly retryAtMs?: number;
  /** `EvictPod.basis` of the attempt. */
  readonly basis: string;
  /** How many attempts in a row had the same outcome. */
  readonly count: number;
  /** The API server's message, if it refused. */
  readonly detail?: string;
  /** A webhook, a policy or the authorizer has refused, whatever the outcome. */
  readonly isByAdmission?: true;
}

/**
 * - `Accepted`: the deletion has begun.
 * - `Gone`: 404, or another object has that name now.
 * - `BudgetBlocked`: 429 whose causes name a DisruptionBudget, without `Retry-After`.
 * - `BudgetPending`: 429 with a DisruptionBudget cause and a `Retry-After`: the budget is still being processed.
 * - `Throttled`: any other 429 (API priority and fairness, or a webhook that sends Retry-After).
 * - `MultipleBudgets`: 500, since more than one budget selects the Pod.
 * - `Denied`: 400, 403, 422, or a webhook's refusal.
 * - `Failed`: everything else (5xx, timeouts, connection failures).
 */
export type EvictionOutcome =
  | 'Accepted'
  | 'Gone'
  | 'BudgetBlocked'
  | 'BudgetPending'
  | 'Throttled'
  | 'MultipleBudgets'
  | 'Denied'
  | 'Failed';

/** Sends evictions in the background, so that a slow webhook never keeps a reconciler from noticing that a taint has gone. */
export interface Evictor {
  /**
   * Replaces the evictions that are wanted on behalf of `owner` (a Node's name). Evictions of an earlier call that have not been sent yet
   * and are not in `wanted` are dropped; those in flight finish. Evictions of one lane run one after another. After an answer the evictor
   * notifies the owner's controller.
   */
  want(owner: string, wanted: readonly EvictPod[]): void;
  /** The last attempt per Pod UID made on behalf of `owner`. */
  attempts(owner: string): ReadonlyMap<string, EvictionAttempt>;
  /** Forgets the attempts of `owner` and everything that was not sent yet. */
  forget(owner: string): void;
}

/**
 * Admission's answer about an eviction, from a dry run.
 *
 * - `Allowed`: admission does not object; a budget may.
 * - `Denied`: a webhook, a policy or the authorizer refuses.
 * - `Unknown`: there was no answer about admission: none in time, an error, or a webhook that supports no dry runs.
 */
export type ProbeAnswer = 'Allowed' | 'Denied' | 'Unknown';

/** Asks in the background whether admission would permit evictions. */
export interface EvictionProbe {
  /**
   * Replaces the questions on behalf of `owner` (a Node's name). Each UID is asked about once; after an answer the owner's controller is
   * notified.
   */
  want(owner: string, pods: readonly EvictPod[]): void;
  /** By the Pod's UID. */
  answers(owner: string): ReadonlyMap<string, ProbeAnswer>;
  /** Forgets the answers of `owner` and every question that was not sent yet. */
  forget(owner: string): void;
}

/** Writes annotations on Pods in the background: a webhook that fails for one of them holds up neither the others nor a reconciler. */
export interface PodMarker {
  /**
   * Replaces the marks that are wanted on behalf of `owner` (a Node's name). Marks of an earlier call that have not been sent yet and are
   * not in `marks` are dropped; those in flight finish. A failure is retried with backoff for as long as the mark is wanted.
   */
  want(owner: string, marks: readonly PatchMeta[]): void;
}

/** The last unsuccessful attempt to store or to restore a Pod. Like `EvictionAttempt` it is an observation, not state. */
export interface KeepingAttempt {
  readonly outcome: KeepingOutcome;
  /** The session of the storing, or the Secret's resourceVersion. */
  readonly basis: string;
  /** The attempt is not repeated before this time; absent if only another basis justifies another attempt. */
  readonly retryAtMs?: number;
  /** How many attempts in a row had the same outcome. */
  readonly count: number;
  /** For people; never content of a Secret. */
  readonly detail: string;
}

/**
 * - `TooLarge`: the manifest does not fit into a Secret.
 * - `NotStored`: the API server refused it, or gave no answer.
 * - `NotRestored`: the Pod could not be created, or its Secret not be read or deleted.
 * - `Unreadable`: the Secret does not hold the manifest that its metadata names.
 */
export type KeepingOutcome = 'TooLarge' | 'NotStored' | 'NotRestored' | 'Unreadable';

/** Remembers the failures of storing and restoring, since the actions for these never throw. */
export interface PodStore {
  /** By the Pod's UID, on behalf of `owner` (a Node's name). */
  attempts(owner: string): ReadonlyMap<string, KeepingAttempt>;
  forget(owner: string): void;
}
