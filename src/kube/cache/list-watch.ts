/**
 * List and watch as a state machine: which state a page, an event or a fault leads to. `reflector.ts` is the loop around it.
 *
 * - A list runs page by page to its end before a watch begins. After an expired page the whole list starts again.
 * - A watch continues from the resource version of the last event or bookmark. Versions are opaque and never ordered.
 * - After `Expired` and `Malformed` changes may have been missed, so the list runs again: the first time at once, later with backoff.
 *   `TooLarge` also lists again, but always with backoff, since the collection is probably still too large. After every other fault of a
 *   watch nothing is missing: the watch is reopened where it stopped.
 * - Failures count until a watch was healthy. If a server keeps refusing one version, a list is requested in the end.
 *
 * The model is kube-rs `watcher.rs`; counting a short watch as a failure, and resetting the backoff only by time, are client-go's
 * (`tools/cache/reflector.go`).
 */
/** Why a list or a watch had to begin again: a closed set, for metrics. */
export const RESTART_REASONS = [
  'Closed',
  'ClosedEarly',
  'Expired',
  'Malformed',
  'TooLarge',
  'TimedOut',
  'Unreachable',
  'Throttled',
  'ServerError',
  'Unauthorized',
  'Forbidden',
  'NotServed',
  'Refused',
] as const;

export type RestartReason = (typeof RESTART_REASONS)[number];

export interface WatchFault {
  readonly reason: RestartReason;
  /** For people. Never contains content of objects. */
  readonly message: string;
  /** The delay that the server asked for. */
  readonly retryAfterMs?: number;
}

/** The next request is a page: the first one, or the one that the token names. */
export interface Listing {
  readonly at: 'listing';
  readonly failures: number;
  readonly continueToken?: string;
}

/** The next request is a watch from this version, or the watch is open and has come this far. */
export interface Watching {
  readonly at: 'watching';
  readonly failures: number;
  readonly resourceVersion: string;
  /** Whether the version changed since the watch was opened. */
  readonly progressed: boolean;
}

/** Nothing is sent for a while: jittered backoff by `failures`, on top of `atLeastMs`. */
export interface Pause {
  readonly at: 'waiting';
  readonly failures: number;
  readonly atLeastMs: number;
  readonly next: Listing | Watching;
}

export type State = Listing | Watching | Pause;

/** An event for the state machine. `livedMs` is the time since the watch was opened. */
export type Input =
  | { readonly is: 'page'; readonly continueToken?: string; readonly resourceVersion: string }
  | { readonly is: 'event'; readonly resourceVersion: string }
  | { readonly is: 'closed'; readonly livedMs: number }
  | { readonly is: 'fault'; readonly fault: WatchFault; readonly livedMs: number }
  | { readonly is: 'rested' };

export interface Step {
  readonly state: State;
  /** Set if a request did not end regularly. */
  readonly restart?: WatchFault;
}

export const START: Listing = { at: 'listing', failures: 0 };

/** A watch that ends sooner, and without progress, is a fault: a server that hangs up at once would otherwise cause a busy loop. */
const SHORT_WATCH_MS = 1000;
/** A watch that breaks counts as healthy after a minute, the interval of bookmarks, or sooner if it made progress. */
const HEALTHY_MS = 60_000;
const HEALTHY_WITH_PROGRESS_MS = 10_000;
/** With the backoff at its ceiling this takes minutes: the version is about to expire anyway, or causes the server's failure. */
const RELIST_AFTER_FAILURES = 10;

/**
 * Leads from one state to the next.
 *
 * @throws Error if the input cannot happen in that state, which is a bug of the loop.
 */
export function step(state: State, input: Input): Step {
  if (state.at === 'waiting' && input.is === 'rested') return { state: state.next };
  if (state.at === 'listing' && input.is === 'page') return { state: afterPage(state, input) };
  if (state.at === 'listing' && input.is === 'fault') return afterListFault(state, input.fault);
  if (state.at === 'watching' && input.is === 'event') return { state: afterEvent(state, input.resourceVersion) };
  if (state.at === 'watching' && input.is === 'closed') return afterClose(state, input.livedMs);
  if (state.at === 'watching' && input.is === 'fault') return afterWatchFault(state, input.fault, input.livedMs);
  throw new Error(`Cannot take '${input.is}' while ${state.at}`);
}

function afterPage(state: Listing, page: { continueToken?: string; resourceVersion: string }): State {
  const { failures } = state;
  return page.continueToken === undefined
    ? { at: 'watching', failures, resourceVersion: page.resourceVersion, progressed: false }
    : { at: 'listing', failures, continueToken: page.continueToken };
}

function afterListFault(state: Listing, fault: WatchFault): Step {
  switch (fault.reason) {
    case 'Expired':
    case 'Malformed':
      return relist(state.failures, fault);
    case 'TimedOut':
    case 'Unreachable':
    case 'Throttled':
    case 'ServerError':
      // Request the same page again: a token outlives a short outage, and if it does not, the answer is `Expired`.
      return wait(state.failures + 1, fault, state);
    default:
      return wait(state.failures + 1, fault, START);
  }
}

function afterEvent(state: Watching, resourceVersion: string): Watching {
  return { ...state, resourceVersion, progressed: state.progressed || resourceVersion !== state.resourceVersion };
}

function afterClose(state: Watching, livedMs: number): Step {
  if (livedMs < SHORT_WATCH_MS && !state.progressed) {
    const early: WatchFault = {
      reason: 'ClosedEarly',
      message: 'The server closed the watch at once, without an event',
    };
    return afterWatchFault(state, early, livedMs);
  }
  // A server that ends a watch regularly after a while is healthy, however short the time.
  const failures = livedMs < SHORT_WATCH_MS ? state.failures : 0;
  return {
    state: { ...state, failures, progressed: false },
    restart: { reason: 'Closed', message: 'The server closed the watch' },
  };
}

function afterWatchFault(state: Watching, fault: WatchFault, livedMs: number): Step {
  const failures = failuresBefore(state, livedMs);
  switch (fault.reason) {
    case 'Expired':
    case 'Malformed':
      return relist(failures, fault);
    case 'NotServed':
    case 'Refused':
    case 'TooLarge':
      return wait(failures + 1, fault, START);
    default:
      return wait(failures + 1, fault, failures < RELIST_AFTER_FAILURES ? { ...state, progressed: false } : START);
  }
}

function failuresBefore(state: Watching, livedMs: number): number {
  return livedMs >= (state.progressed ? HEALTHY_WITH_PROGRESS_MS : HEALTHY_MS) ? 0 : state.failures;
}

/** Lists from the first page, at once unless this follows another failure. */
function relist(failures: number, fault: WatchFault): Step {
  return failures === 0 ? { state: { ...START, failures: 1 }, restart: fault } : wait(failures + 1, fault, START);
}

function wait(failures: number, fault: WatchFault, next: Listing | Watching): Step {
  const { retryAfterMs: atLeastMs = 0 } = fault;
  return { state: { at: 'waiting', failures, atLeastMs, next: { ...next, failures } }, restart: fault };
}
