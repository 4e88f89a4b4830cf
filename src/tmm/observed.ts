/** What the caches said of one Node, and of what its maintenance depends on, at one moment. */
import type { Node, Pod } from '../core/objects.ts';
import type { EvictionAttempt } from '../core/ports.ts';
import type { FitResult } from '../core/scheduling/fit.ts';
import type { Kept } from './kept.ts';
import type { Phase } from './names.ts';
import type { PodFacts } from './pods.ts';
import type { ReportSeen, Workload } from './report.ts';

/** The session of another Node, as far as this one's verdict depends on it. */
export interface OtherSession {
  readonly nodeName: string;
  readonly phase: Phase;
  readonly holdsSlot: boolean;
  /** RFC 3339. */
  readonly started: string;
  readonly since: string;
  /** What it has displaced and is not ready again, for people; absent where all is. Pods that only that Node can run do not count while it is away. */
  readonly unsettled?: string;
}

/** Another Node's session and what it has displaced. */
export interface Neighbour {
  readonly nodeName: string;
  readonly phase: Phase;
  readonly started: string;
  readonly since: string;
  readonly workloads: readonly Workload[];
}

/**
 * Places `movable` Pods of the Node elsewhere, as the scheduler would, once all that are `leaving` have gone. Costs time that grows
 * with the cluster: to be asked once a verdict.
 */
export type PlaceElsewhere = (movable: readonly Pod[], leaving: readonly Pod[]) => FitResult;

/** A Node whose Pods need room elsewhere as well. */
export interface DrainingNode {
  readonly node: Node;
  /** Without what only budgets and quorum need. */
  readonly pods: readonly PodFacts[];
}

/** What is known around a budget, beyond its own numbers. */
export interface BudgetSurroundings {
  /** Members that are missing on this Node or in its failure domain. */
  readonly missingInDomain: number;
  /** Members that are missing because of other Nodes' maintenance. */
  readonly missingByMaintenance: number;
  /** Ready members on Nodes that are being drained, and that can run nowhere else. */
  readonly promisedElsewhere: number;
}

export interface Observed {
  readonly nodeName: string;
  readonly node: { readonly is: 'present'; readonly object: Node } | { readonly is: 'absent' };
  readonly report: ReportSeen;
  /** Every Pod that is bound to the Node. */
  readonly pods: readonly PodFacts[];
  /** Pods that carry a rejection marker of this Node, wherever they are, and marked Pods on this Node. */
  readonly marked: readonly Pod[];
  /** Pods that the session has set in motion and that are not ready, wherever they are. */
  readonly unready: readonly Pod[];
  /** By the budget's key; filled where a verdict may be formed. */
  readonly budgets: ReadonlyMap<string, BudgetSurroundings>;
  /** Keys of budgets with a member that cannot be scheduled (and is not pinned to this Node), and that member's key. */
  readonly unschedulable: ReadonlyMap<string, string>;
  /** Absent where no verdict may be formed. */
  readonly placeElsewhere?: PlaceElsewhere;
  /** Other Nodes that are being drained, with what is bound to them. Costs time that grows with the cluster, as `placeElsewhere`. */
  readonly draining: () => readonly DrainingNode[];
  /** Pods without a controller that are stored, or were created again. */
  readonly kept: Kept;
  /** Other Nodes' sessions by their start, then by name. */
  readonly others: readonly OtherSession[];
  /** How many Nodes the cluster has. */
  readonly nodeCount: number;
  readonly attempts: ReadonlyMap<string, EvictionAttempt>;
  readonly nowMs: number;
}
