/**
 * List and watch as a state machine: what a page, an event or a fault leads to. `reflector.ts` is the loop around it.
 *
 * - A list runs page by page to its end before a watch begins. A page that expired means: the whole list again.
 * - A watch goes on from the resource version of the last event or bookmark. Versions are opaque; none is ever ordered.
 * - `Expired` and `Malformed` leave a hole in what we know, so the list runs again: at once the first time, later with
 *   backoff. So does `TooLarge`, always with backoff, since it is what it was a moment ago. Every other fault of a watch
 *   leaves no hole: it is opened again where it stopped.
 * - Failures count until a watch was healthy. A server that keeps refusing one version is asked for a list in the end.
 *
 * The model is kube-rs `watcher.rs`; the short watch that counts as a failure and backoff that only time resets are
 * client-go's (`tools/cache/reflector.go`).
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
  /** For people. Never holds content of objects. */
  readonly message: string;
  /** The server's own wish. */
  readonly retryAfterMs?: number;
}

/** The next request is a page: the first one, or the one that the token names. */
export interface Listing {
  readonly at: 'listing';
  readonly failures: number;
  readonly continueToken?: string;
}

/** The next request is a watch from this version, or it is running and has come this far. */
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

/** What happened. `livedMs` is the time since the watch was opened. */
export type Input =
  | { readonly is: 'page'; readonly continueToken?: string; readonly resourceVersion: string }
  | { readonly is: 'event'; readonly resourceVersion: string }
  | { readonly is: 'closed'; readonly livedMs: number }
  | { readonly is: 'fault'; readonly fault: WatchFault; readonly livedMs: number }
  | { readonly is: 'rested' };

export interface Step {
  readonly state: State;
  /** Set where something ended other than by its own success. */
  readonly restart?: WatchFault;
}

export const START: Listing = { at: 'listing', failures: 0 };

/** A watch that ends sooner, and without progress, is a fault: else a server that hangs up at once makes us spin. */
const SHORT_WATCH_MS = 1000;
/** A watch that breaks counts as healthy after a minute, the rhythm of bookmarks, or sooner if it got on. */
const HEALTHY_MS = 60_000;
const HEALTHY_WITH_PROGRESS_MS = 10_000;
/** With the backoff at its ceiling this is minutes: the version is about to expire anyway, or it is what the server chokes on. */
const RELIST_AFTER_FAILURES = 10;

/**
 * Leads from one state to the next.
 *
 * @throws Error where the input cannot happen in that state, which is a bug of the loop.
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
      // The same page again: a token outlives a short outage, and when it does not, that is `Expired`.
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
  // A server that ends a watch in good order after a while is well, however short the while.
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
