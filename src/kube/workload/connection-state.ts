/**
 * The connection to one workload cluster as a state machine: what an answer or a fault leads to. `cluster-connection.ts`
 * is the loop around it.
 *
 * - Credentials come from the Secret each time a connection is tried, so that every retry sees its newest content.
 * - A 401 while serving reads the Secret and reconnects at once, without waiting; if that does not last, backoff follows.
 * - Five probes in a row without an answer drop the connection. A single one does not: what it serves may be seconds old.
 * - A Secret that changed opens a second connection beside the first, which serves until the second is ready. Where the
 *   second does not come about, the first goes on.
 * - Trouble with the management cluster alone never drops a connection.
 *
 * The model is Cluster API's ClusterCache (controllers/clustercache); replacing without a gap, and backoff, are ours.
 */
import type { ConnectionState } from '../../core/clusters.ts';
import type { Kubeconfig } from './kubeconfig-secret.ts';

/** Why there is no connection, as its status shows it. */
export interface SessionFault {
  readonly state: Exclude<ConnectionState, 'Connected'>;
  /** For people. Never holds content of a Secret, nor text of the workload cluster's server. */
  readonly detail: string;
}

/** Nothing serves, and the Secret is being read. */
export interface Reading {
  readonly at: 'reading';
  readonly failures: number;
  /** undefined before the first failure. */
  readonly fault: SessionFault | undefined;
}

/** Nothing serves, and a connection is being opened. */
export interface Opening {
  readonly at: 'opening';
  readonly failures: number;
  readonly fault: SessionFault | undefined;
  readonly kubeconfig: Kubeconfig;
}

/** A connection serves; the next thing is a probe. */
export interface Serving {
  readonly at: 'serving';
  /** Failures before this connection; forgotten once it has proved itself. */
  readonly failures: number;
  /** Probes in a row without an answer. */
  readonly misses: number;
}

/** A connection serves, and the Secret is being compared with what it was made of. */
export interface Checking extends Omit<Serving, 'at'> {
  readonly at: 'checking';
}

/** A connection serves, and another one is being opened to take its place. */
export interface Replacing extends Omit<Serving, 'at'> {
  readonly at: 'replacing';
  readonly kubeconfig: Kubeconfig;
}

/** Nothing serves and nothing is sent for a while: backoff by `failures`. */
export interface Pause {
  readonly at: 'waiting';
  readonly failures: number;
  readonly fault: SessionFault;
  /** Whether the Secret does not exist: there is nothing to try but to look again, which costs the management cluster a request. */
  readonly isMissing?: true;
}

export type State = Reading | Opening | Serving | Checking | Replacing | Pause;

/** What happened. */
export type Input =
  /** The Secret holds a kubeconfig that may be used; while checking, another one than before. */
  | { readonly is: 'read'; readonly kubeconfig: Kubeconfig }
  /** The Secret is what the connection was made of. */
  | { readonly is: 'unchanged' }
  /** There is no such Secret. */
  | { readonly is: 'missing'; readonly detail: string }
  /** The Secret holds what is not used; or the cluster is beyond a limit. */
  | { readonly is: 'refused'; readonly detail: string }
  /** The management cluster did not give the Secret. */
  | { readonly is: 'unread'; readonly detail: string }
  /** The connection is ready to serve. */
  | { readonly is: 'opened' }
  /** The connection did not come about. */
  | { readonly is: 'failed'; readonly fault: SessionFault }
  | { readonly is: 'answered' }
  | { readonly is: 'missed'; readonly detail: string }
  /** The server refuses the credentials in use. */
  | { readonly is: 'unauthorized'; readonly detail: string }
  | { readonly is: 'checkDue' }
  | { readonly is: 'rested' };

export const START: Reading = { at: 'reading', failures: 0, fault: undefined };

/** As ClusterCache. */
const MAX_MISSES = 5;
/** For so many looks a Secret that does not exist is one that is yet to come: a Cluster is created in some minutes. */
const PATIENT_LOOKS = 8;

/**
 * Leads from one state to the next.
 *
 * @throws Error where the input cannot happen in that state, which is a bug of the loop.
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
      // A server that lets us in and then refuses us would otherwise have us reconnect without end.
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
      // Whoever took the kubeconfig away, or put a bad one there, did not mean us to go on with the old one.
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
      // As in `checking`; a new connection that fails otherwise says nothing of the old one.
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
