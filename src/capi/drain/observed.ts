/** What one pass over the Node of a Machine is decided by. */
import type { Cluster, Machine } from '../../core/machine-objects.ts';
import type { KubeObject } from '../../core/objects.ts';
import type { Seen } from '../../core/ports.ts';
import type { Question } from '../questions.ts';
import type { Wait } from './names.ts';

/** The session of Temporary Maintenance Mode on the Node, by its report. */
export interface DrainSession {
  readonly phase: 'Checking' | 'Queued' | 'Draining' | 'InMaintenance' | 'Rejected' | 'Exiting';
  /** Nothing is left on the Node that the maintenance would have to move. */
  readonly isEmpty: boolean;
  /** It is over but for members that are late, and holds up nobody else. */
  readonly isOverdue: boolean;
  readonly reason?: string;
  readonly message: string;
}

/** What only the caches of a drain show: they are open while something is to be done in that cluster. */
export interface NodeInDrain {
  readonly isFenced: boolean;
  /** Approvals on the Node that are ours. */
  readonly approved: readonly Question[];
  readonly session?: DrainSession;
}

/** What Temporary Maintenance Mode would say to a request now. */
export type Outlook =
  | { readonly is: 'open' }
  | { readonly is: 'refused'; readonly reason: string; readonly message: string };

export interface DrainObserved {
  readonly nodeName: string;
  /** The Machine that owns the Node; absent where none takes part. */
  readonly machine?: Machine;
  readonly cluster: Seen<Cluster>;
  /** Metadata, from the connection that every workload cluster has. */
  readonly node: Seen<KubeObject>;
  /** Whether the Node takes part, by the label of `capi.requireNodeLabel`. */
  readonly isSelected: boolean;
  /** Absent while the caches of the drain are not open, or not filled. */
  readonly inDrain?: NodeInDrain;
  /** Why they are not filled, where that is known, for people. */
  readonly blindness?: string;
  /** What has to come first; `unknown` where a cache does not tell. */
  readonly wait: { readonly is: 'known'; readonly value: Wait | undefined } | { readonly is: 'unknown' };
  /** When the window opens; absent while it is open, or where it never does. */
  readonly opensAtMs?: number;
  /** Where it was rejected, what would be said today; absent where that has not been looked at, or nothing has changed since. */
  readonly outlook?: Outlook;
  readonly nowMs: number;
}
