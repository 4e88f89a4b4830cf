/**
 * The caches' content about one Node, and about everything its maintenance depends on, at one moment. It is a plain value: written as JSON
 * and read again, it leads to the same decision (`why node/NAME -o observed` prints it).
 */

import type { Node, Pod } from '../../core/objects.ts';
import type { Hold } from '../../core/other-tools.ts';
import type { EvictionAttempt, ProbeAnswer } from '../../core/ports.ts';
import type { Unplaced } from '../../core/scheduling/fit.ts';
import type { Phase } from '../names.ts';
import type { PodFacts } from './related-pods.ts';
import type { Report, ReportSeen, Workload } from './report.ts';
import type { Kept } from './stored-pods.ts';
import type { AskingTaint } from './taints.ts';
import type { MembersByWorkload } from './workloads.ts';

/** The session of another Node, as far as this one's verdict depends on it. */
export interface OtherSession {
  readonly nodeName: string;
  readonly phase: Phase;
  readonly holdsSlot: boolean;
  /** RFC 3339. */
  readonly started: string;
  readonly since: string;
  /**
   * What it has displaced and is not ready again, for people; absent if everything is ready. Pods that only that Node can run do not count
   * while it is away.
   */
  readonly unsettled?: string;
  /** The part of `unsettled` that concerns workloads with related Pods on this Node. */
  readonly unsettledHere?: string;
  /** The session is `Queued`, and its Node has Pods of a workload that others have displaced: it does not hold up those behind it. */
  readonly isHeld?: boolean;
  /** The session is `Exiting`, and our cordon is yet to be lifted: the Node's room is about to be available again. */
  readonly isReopening?: boolean;
}

/** Another Node's session and its displaced members. */
export interface Neighbour extends Pick<Report, 'phase' | 'overdue' | 'started' | 'since'> {
  readonly nodeName: string;
  readonly workloads: readonly Workload[];
}

/** Where the Pods that have to move would go, and whose room was taken into account. */
export interface Room {
  /** Names of Nodes by the keys of the Pods that fit there. */
  readonly placements: Readonly<Record<string, string>>;
  /** Empty if all fit. */
  readonly unplaced: readonly Unplaced[];
  /** Whether it is certain that no order of placing has room for all. True if all fit. */
  readonly isCertain: boolean;
  /** What was left out in favour of the Pods, one sentence or phrase each, sorted. */
  readonly notModelled: readonly string[];
  /** Names of the other Nodes whose Pods were placed as well; empty if only this Node's own were placed. */
  readonly besides: readonly string[];
}

/** What is known about a budget beyond its own numbers. */
export interface BudgetSurroundings {
  /** Members that are missing on this Node or in its failure domain, and that the Eviction API evicts whatever the budget allows. */
  readonly missingInDomain: number;
  /** Members that are missing because of other Nodes' maintenance. */
  readonly missingByMaintenance: number;
  /** Ready members on Nodes that are being drained, and that can run nowhere else. */
  readonly promisedElsewhere: number;
}

export interface Observed {
  readonly nodeName: string;
  readonly node: { readonly is: 'present'; readonly object: Node } | { readonly is: 'absent' };
  /** The taint that asks for the maintenance of this Node; absent if there is none. */
  readonly asked?: AskingTaint;
  readonly report: ReportSeen;
  /** Every Pod that is bound to the Node. */
  readonly pods: readonly PodFacts[];
  /** Pods that carry a rejection marker of this Node, wherever they are, and marked Pods on this Node. */
  readonly marked: readonly Pod[];
  /**
   * Members of the workloads that the session has displaced and, if a verdict may be formed, of those that it would displace. Absent in
   * recordings of earlier versions.
   */
  readonly members?: MembersByWorkload;
  /** By the budget's key; filled if a verdict may be formed. */
  readonly budgets: Readonly<Record<string, BudgetSurroundings>>;
  /** Keys of budgets with a member that cannot be scheduled (and is not pinned to this Node), and that member's key. */
  readonly unschedulable: Readonly<Record<string, string>>;
  /** Absent if the verdict does not depend on it, or no Pod has to move: the search takes time that grows with the cluster. */
  readonly room?: Room;
  /** Pods without a controller that are stored, or were created again. */
  readonly kept: Kept;
  /** See `OtherSession.unsettledHere`; here for what an earlier session of this Node has displaced. */
  readonly unsettledHere?: string;
  /** Other Nodes' sessions by their start, then by name. */
  readonly others: readonly OtherSession[];
  /**
   * Nodes that other tools hold, if a verdict may be formed: this Node first, then others by name. Absent in recordings of earlier
   * versions, and if no tool holds any.
   */
  readonly holds?: readonly Hold[];
  /** How many Nodes the cluster has. */
  readonly nodeCount: number;
  /** By the Pod's UID. */
  readonly attempts: Readonly<Record<string, EvictionAttempt>>;
  /** Admission's answers about evictions, by the Pod's UID; absent if admission is not asked. */
  readonly probed?: Readonly<Record<string, ProbeAnswer>>;
  readonly nowMs: number;
}
