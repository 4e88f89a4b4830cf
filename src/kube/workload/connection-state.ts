/**
 * The connection to one workload cluster as a state machine: which state an answer or a fault leads to. `session-keeper.ts` is the loop
 * around it.
 *
 * - Credentials come from the Secret each time a connection is tried, so that every retry sees its newest content.
 * - A 401 while serving reads the Secret and reconnects at once; if that does not last, backoff follows.
 * - Five probes in a row without an answer drop the connection. A single one does not: the served data may be seconds old.
 * - A changed Secret opens a second connection beside the first, which serves until the second is ready. If the second cannot be opened,
 *   the first stays in use.
 * - Trouble with the management cluster alone never drops a connection.
 *
 * The model is Cluster API's ClusterCache (controllers/clustercache); replacing without a gap, and backoff, are ours.
 */
import type { ConnectionState } from '../../core/clusters.ts';
import type { Kubeconfig } from './kubeconfig-secret.ts';

/** Why there is no connection, as its status shows it. */
export interface SessionFault {
  readonly state: Exclude<ConnectionState, 'Connected'>;
  /** For people. Never contains content of a Secret, nor text from the workload cluster's server. */
  readonly detail: string;
}

/** No connection serves, and the Secret is being read. */
export interface Reading {
  readonly at: 'reading';
  readonly failures: number;
  /** undefined before the first failure. */
  readonly fault: SessionFault | undefined;
}

/** No connection serves, and one is being opened. */
export interface Opening {
  readonly at: 'opening';
  readonly failures: number;
  readonly fault: SessionFault | undefined;
  readonly kubeconfig: Kubeconfig;
}

/** A connection serves; a probe comes next. */
export interface Serving {
  readonly at: 'serving';
  /** Failures before this connection; reset once it has proved itself. */
  readonly failures: number;
  /** Probes in a row without an answer. */
  readonly misses: number;
}

/** A connection serves, and the Secret is being compared with the one that the connection was made from. */
export interface Checking extends Omit<Serving, 'at'> {
  readonly at: 'checking';
}

/** A connection serves, and another one is being opened to take its place. */
export interface Replacing extends Omit<Serving, 'at'> {
  readonly at: 'replacing';
  readonly kubeconfig: Kubeconfig;
}

/** No connection serves and nothing is sent for a while: backoff by `failures`. */
export interface Pause {
  readonly at: 'waiting';
  readonly failures: number;
  readonly fault: SessionFault;
  /** Whether the Secret does not exist: the only thing to try is another look, which costs the management cluster a request. */
  readonly isMissing?: true;
}

export type State = Reading | Opening | Serving | Checking | Replacing | Pause;

/** An event for the state machine. */
export type Input =
  /** The Secret holds a kubeconfig that may be used; while checking, one that has changed. */
  | { readonly is: 'read'; readonly kubeconfig: Kubeconfig }
  /** The Secret is the one that the connection was made from. */
  | { readonly is: 'unchanged' }
  /** There is no such Secret. */
  | { readonly is: 'missing'; readonly detail: string }
  /** The Secret holds a kubeconfig that must not be used; or the cluster is beyond a limit. */
  | { readonly is: 'refused'; readonly detail: string }
  /** The management cluster did not return the Secret. */
  | { readonly is: 'unread'; readonly detail: string }
  /** The connection is ready to serve. */
  | { readonly is: 'opened' }
  /** The connection could not be opened. */
  | { readonly is: 'failed'; readonly fault: SessionFault }
  | { readonly is: 'answered' }
  | { readonly is: 'missed'; readonly detail: string }
  /** The server refuses the credentials in use. */
  | { readonly is: 'unauthorized'; readonly detail: string }
  | { readonly is: 'checkDue' }
  | { readonly is: 'rested' };

export const START: Reading = { at: 'reading', failures: 0, fault: undefined };

/** The value of ClusterCache. */
const MAX_MISSES = 5;
/** For this many looks, a missing Secret is assumed to be on its way: creating a Cluster takes some minutes. */
const PATIENT_LOOKS = 8;

/**
 * Leads from one state to the next.
 *
 * @throws Error if the input cannot happen in that state, which is a bug of the loop.
 */
export function step(state: State, input: Input): State {
  switch (state.at) {
    case 'reading':
      return afterReading(state, input);
    case 'opening':
      return afterOpening(state, input);
    case 'serving':
      return afterServing(state, input);
    case 'checking':
      return afterChecking(state, input);
    case 'replacing':
      return afterReplacing(state, input);
    case 'waiting':
      if (input.is !== 'rested') return impossible(state, input);
      return { at: 'reading', failures: state.failures, fault: state.fault };
  }
}

/** Whether a connection serves in this state. */
export function serves(state: State): state is Serving | Checking | Replacing {
  return state.at === 'serving' || state.at === 'checking' || state.at === 'replacing';
}

function afterReading(state: Reading, input: Input): State {
  switch (input.is) {
    case 'read':
      return { ...state, at: 'opening', kubeconfig: input.kubeconfig };
    case 'missing': {
      const isAwaited = state.failures < PATIENT_LOOKS && (state.fault?.state ?? 'Connecting') === 'Connecting';
      const fault: SessionFault = { state: isAwaited ? 'Connecting' : 'Refused', detail: input.detail };
      return { ...waiting(state.failures, fault), isMissing: true };
    }
    case 'refused':
      return waiting(state.failures, { state: 'Refused', detail: input.detail });
    case 'unread':
      return waiting(state.failures, { state: 'Unreachable', detail: input.detail });
    default:
      return impossible(state, input);
  }
}

function afterOpening({ failures, ...state }: Opening, input: Input): State {
  switch (input.is) {
    case 'opened':
      return { at: 'serving', failures, misses: 0 };
    case 'failed':
      return waiting(failures, input.fault);
    default:
      return impossible(state, input);
  }
}

function afterServing(state: Serving, input: Input): State {
  switch (input.is) {
    case 'answered':
      return { at: 'serving', failures: 0, misses: 0 };
    case 'missed': {
      const misses = state.misses + 1;
      if (misses < MAX_MISSES) return { ...state, misses };
      return waiting(state.failures, { state: 'Unreachable', detail: input.detail });
    }
    case 'unauthorized': {
      const fault: SessionFault = { state: 'Unauthorized', detail: input.detail };
      // A server that accepts a login and then refuses requests would otherwise make us reconnect without end.
      return state.failures === 0 ? { at: 'reading', failures: 1, fault } : waiting(state.failures, fault);
    }
    case 'refused':
      return waiting(state.failures, { state: 'Refused', detail: input.detail });
    case 'checkDue':
      return { ...state, at: 'checking' };
    default:
      return impossible(state, input);
  }
}

function afterChecking({ failures, misses, ...state }: Checking, input: Input): State {
  switch (input.is) {
    case 'read':
      return { at: 'replacing', failures, misses, kubeconfig: input.kubeconfig };
    case 'unchanged':
    case 'unread':
      return { at: 'serving', failures, misses };
    case 'missing':
    case 'refused':
      // A user who removed the kubeconfig, or replaced it by a bad one, does not want the old one to stay in use.
      return waiting(failures, { state: 'Refused', detail: input.detail });
    default:
      return impossible(state, input);
  }
}

function afterReplacing({ failures, misses, ...state }: Replacing, input: Input): State {
  switch (input.is) {
    case 'opened':
      return { at: 'serving', failures, misses: 0 };
    case 'failed':
      // As in `checking`; any other failure of a new connection does not affect the old one.
      if (input.fault.state === 'Refused') return waiting(failures, input.fault);
      return { at: 'serving', failures, misses };
    default:
      return impossible(state, input);
  }
}

function waiting(failures: number, fault: SessionFault): Pause {
  return { at: 'waiting', failures: failures + 1, fault };
}

function impossible({ at }: Pick<State, 'at'>, input: Input): never {
  throw new Error(`Cannot take '${input.is}' while ${at}`);
}
