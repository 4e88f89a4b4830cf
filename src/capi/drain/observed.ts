/** The input of the decision of one pass over the Node of a Machine. */
import type { Cluster, Machine } from '../../core/machine-objects.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Seen } from '../../core/ports.ts';
import type { Question } from '../questions.ts';
import type { Wait } from './names.ts';

/** The session of Temporary Maintenance Mode on the Node, by its report. */
export interface DrainSession {
  readonly phase: 'Checking' | 'Queued' | 'Draining' | 'InMaintenance' | 'Rejected' | 'Exiting';
  /** No Pod is left on the Node that the maintenance would have to move. */
  readonly isEmpty: boolean;
  /** Everything is over except for late members, and the session holds up no other. */
  readonly isOverdue: boolean;
  readonly reason?: string;
  readonly message: string;
}

/** Facts that only the caches for drains show; these are open while there is work in that cluster. */
export interface NodeInDrain {
  readonly isFenced: boolean;
  /** Approvals on the Node that are ours. */
  readonly approved: readonly Question[];
  readonly session?: DrainSession;
}

/** What Temporary Maintenance Mode would answer to a request now. */
export type Outlook =
  | { readonly is: 'open' }
  | { readonly is: 'refused'; readonly reason: string; readonly message: string };

export interface DrainObserved {
  readonly nodeName: string;
  /** The Machine that owns the Node; absent if none takes part. */
  readonly machine?: Machine;
  readonly cluster: Seen<Cluster>;
  /** Metadata, from the connection that every workload cluster has. */
  readonly node: Seen<KubeObject>;
  /** Whether the Node takes part, by the label of `capi.requireNodeLabel`. */
  readonly isSelected: boolean;
  /** Absent while the caches for drains are not open, or not filled. */
  readonly inDrain?: NodeInDrain;
  /** Why they are not filled, if that is known, for people. */
  readonly blindness?: string;
  /** What has to come first; `unknown` if a cache cannot answer. */
  readonly wait: { readonly is: 'known'; readonly value: Wait | undefined } | { readonly is: 'unknown' };
  /** When the window opens; absent while it is open, or if it never opens. */
  readonly opensAtMs?: number;
  /** After a rejection, what the answer would be today; absent if that has not been checked, or nothing has changed since. */
  readonly outlook?: Outlook;
  readonly nowMs: number;
}
