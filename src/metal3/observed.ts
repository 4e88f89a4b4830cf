/** What one pass over a Machine is decided by. */
import type { Machine } from '../core/machine-objects.ts';
import type { Claim } from './claims.ts';

/** `open`, or the state that a closed gate of the configuration leads to. */
export type Gate = 'open' | 'NodeUnknown' | 'NodeNotDrained' | 'NodeNotEmpty' | 'VolumesAttached';

export interface Observed {
  readonly machine: Machine;
  /** The Machine or its Cluster is. */
  readonly isPaused: boolean;
  readonly claim: Claim;
  /** Counts at the moment of switching off alone. */
  readonly gate: Gate;
  /** What keeps the gate closed, for people. */
  readonly gateDetail?: string;
  readonly nowMs: number;
}
