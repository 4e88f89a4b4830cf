/** The input of the decision of one pass over a Machine. */
import type { Machine } from '../core/machine-objects.ts';
import type { Claim } from './claims.ts';

/** `open`, or the state that a closed gate of the configuration leads to. */
export type Gate = 'open' | 'NodeUnknown' | 'NodeNotDrained' | 'NodeNotEmpty' | 'VolumesAttached';

export interface Observed {
  readonly machine: Machine;
  /** The Machine or its Cluster is paused. */
  readonly isPaused: boolean;
  readonly claim: Claim;
  /** Matters only at the moment of switching off. */
  readonly gate: Gate;
  /** What keeps the gate closed, for people. */
  readonly gateDetail?: string;
  readonly nowMs: number;
}
