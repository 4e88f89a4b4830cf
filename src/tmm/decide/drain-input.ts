/** The input of a drain's plan, and the step that the plan chooses for one Pod. */
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
  /** Admission's answers about evictions, by the Pod's UID; absent if admission is not asked. */
  readonly probed?: Readonly<Record<string, ProbeAnswer>>;
  /** Keys of the budgets that wait for a replacement which the scheduler cannot place, with the key of one such Pod. */
  readonly unschedulable: Readonly<Record<string, string>>;
  readonly kept: Kept;
  /** Pods that come back, by their owner. */
  readonly returns: ReturnsByOwner;
  /** The Node that is drained; stored Pods are labelled with it and with the session. */
  readonly nodeName: string;
  /** The kubelet of the Node does not answer. */
  readonly isUnreachable: boolean;
  /** The Node is cordoned, by us or by anybody else. */
  readonly isCordoned: boolean;
  readonly session: string;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
  readonly settings: TmmSettings;
  readonly nowMs: number;
}

/** What one Pod needs: an eviction, storing before the eviction, waiting until a time or an event, or a report that it is blocked. */
export interface Step {
  readonly evict?: EvictPod;
  readonly store?: StorePod;
  readonly blocked?: Blocked;
  readonly nextAtMs?: number;
}
