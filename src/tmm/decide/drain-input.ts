/** What the plan of a drain is made of, and what one Pod of it comes to. */
import type { EvictPod, StorePod } from '../../core/action.ts';
import type { EvictionAttempt, ProbeAnswer } from '../../core/ports.ts';
import type { RelatedPod } from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import type { ReturnsByOwner } from '../model/returns.ts';
import type { Kept } from '../model/stored-pods.ts';
import type { TmmSettings } from '../settings.ts';

export interface DrainInput {
  /** The related Pods that are still here. */
  readonly related: readonly RelatedPod[];
  readonly attempts: Readonly<Record<string, EvictionAttempt>>;
  /** What admission says of evictions, by the Pod's UID; absent where it is not asked. */
  readonly probed?: Readonly<Record<string, ProbeAnswer>>;
  /** Keys of the budgets that wait for a replacement which the scheduler cannot place, with one such Pod's key. */
  readonly unschedulable: Readonly<Record<string, string>>;
  readonly kept: Kept;
  /** Pods that come back, by their owner. */
  readonly returns: ReturnsByOwner;
  /** Which Node is drained, and for which session: what Pods are stored with. */
  readonly nodeName: string;
  /** The kubelet of the Node does not answer. */
  readonly isUnreachable: boolean;
  /** Whoever did it. */
  readonly isCordoned: boolean;
  readonly session: string;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
  readonly settings: TmmSettings;
  readonly nowMs: number;
}

/** What one Pod needs: an eviction, to be stored before that, patience until a moment or an event, or to be reported as blocked. */
export interface Step {
  readonly evict?: EvictPod;
  readonly store?: StorePod;
  readonly blocked?: Blocked;
  readonly nextAtMs?: number;
}
