/** The vocabulary of Temporary Maintenance Mode: taints, annotations, phases, reasons; each with the sentence that defines it. */
import type { Taint } from '../core/objects.ts';

/**
 * Node annotation that holds the session's report (JSON, see `report.ts`). Only we write it; a new process reads from it where the last one
 * stopped.
 */
export const REPORT_ANNOTATION = 'maintenance-bridge.io/tmm';

/** Node annotation set together with `spec.unschedulable` by `tmm.cordon`; without it we never uncordon. */
export const CORDON_ANNOTATION = 'maintenance-bridge.io/tmm-cordoned';

/** Pod annotation that records which session wrote the rejection, so that nobody else's `emm-failure` is ever removed. */
export const REJECTION_MARKER = 'maintenance-bridge.io/tmm-rejection';

/** Default key of the rejection, as in the proposal; the sentence for people is stored at the same key with this suffix. */
export const DEFAULT_REJECTION_ANNOTATION = 'emm-failure';
export const MESSAGE_SUFFIX = '-message';

/** A taint that asks for maintenance, and the keys under which its rejections are written. */
export interface MaintenanceTaint extends Taint {
  readonly value: string;
  readonly rejectionAnnotation?: string;
}

/**
 * Known requesters. `vmware` is vSphere's "Enter Maintenance Mode" of the vSAN Data Persistence platform (as cass-operator
 * read it until 2023), `dell` is csi-baremetal's.
 */
export const PRESETS = {
  default: { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' },
  vmware: {
    key: 'node.vmware.com/drain',
    value: 'planned-downtime',
    effect: 'NoSchedule',
    rejectionAnnotation: 'appplatform.vmware.com/emm-failure',
  },
  dell: { key: 'node.dell.com/drain', value: 'planned-downtime', effect: 'NoSchedule' },
} as const satisfies Readonly<Record<string, MaintenanceTaint>>;

/**
 * - `Checking`: the verdict on all related Pods is being formed; nothing has been touched.
 * - `Queued`: another Node has to be finished first; nothing has been touched.
 * - `Draining`: Pods are being evicted.
 * - `InMaintenance`: nothing related runs here; the user may work on the machine.
 * - `Rejected`: sticky until the taint goes; no further eviction.
 * - `Exiting`: the taint has gone; annotations are being cleaned and removed Pods awaited.
 */
export const PHASES = ['Checking', 'Queued', 'Draining', 'InMaintenance', 'Rejected', 'Exiting'] as const;
export type Phase = (typeof PHASES)[number];

/** The values of the rejection annotation, as the proposal defines them. */
export const FAILURE_REASONS = ['GenericFailure', 'NotEnoughResources', 'TooManyExistingFailures'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/**
 * Why a Pod blocks, is refused, or is waited for. The closed set of `blockedBy[].cause` and of the metric's label.
 *
 * - `BudgetExhausted`: its budget allows no disruption now.
 * - `BudgetImpossible`: its budget can never allow one.
 * - `BudgetTooSmallForPinnedPods`: more ready Pods of a budget are tied to this Node than the budget can spare.
 * - `NoRoom`: together with the others it fits on no other Node.
 * - `QuorumAtRisk`: it belongs to a StatefulSet without a budget, whose majority would not stay ready.
 * - `BudgetNotObserved`: the disruption controller has not judged the budget's latest version.
 * - `BudgetSyncFailed`: the disruption controller cannot judge the budget at all.
 * - `MultipleBudgets`: two budgets select it, which the Eviction API refuses.
 * - `NoController`: nothing would create it again.
 * - `NotStored`: it has no controller, and its manifest is not stored yet.
 * - `TooLargeToStore`: it has no controller, and its manifest does not fit into a Secret.
 * - `JobWouldFail`: its eviction would fail its Job permanently, and `tmm.finalJobs` is `reject`.
 * - `DoNotEvict`: it carries a mark that forbids its eviction.
 * - `EmptyDir`: it has an emptyDir volume, and `tmm.emptyDir` is `reject`.
 * - `ToleratesTaint`: it tolerates the taint, and `tmm.toleratingPods` is `reject`.
 * - `Unschedulable`: its budget waits for a replacement that fits nowhere.
 * - `WaitsForCompletion`: its end is waited for: it asked for that (`cluster.x-k8s.io/drain: wait-completed`), or its Job would fail
 *   (`tmm.finalJobs: wait`).
 * - `ComesBack`: its controller has put it back on this Node again and again.
 * - `Terminating`: its eviction was accepted, its grace period runs.
 * - `StuckTerminating`: its grace period is long over.
 * - `NodeUnreachable`: the kubelet of its Node does not answer, so that its end cannot be confirmed.
 * - `EvictionDenied`: a webhook or the authorizer refuses the eviction.
 * - `EvictionThrottled`: the API server or a webhook asks to try again later.
 * - `EvictionFailed`: the eviction fails for another reason.
 */
export const CAUSES = [
  'BudgetExhausted',
  'BudgetImpossible',
  'BudgetTooSmallForPinnedPods',
  'NoRoom',
  'QuorumAtRisk',
  'BudgetNotObserved',
  'BudgetSyncFailed',
  'MultipleBudgets',
  'NoController',
  'NotStored',
  'TooLargeToStore',
  'JobWouldFail',
  'DoNotEvict',
  'EmptyDir',
  'ToleratesTaint',
  'Unschedulable',
  'WaitsForCompletion',
  'ComesBack',
  'Terminating',
  'StuckTerminating',
  'NodeUnreachable',
  'EvictionDenied',
  'EvictionThrottled',
  'EvictionFailed',
] as const;
export type Cause = (typeof CAUSES)[number];

/** Node conditions of KEP-5683 that we write. */
export const CONDITIONS = ['MaintenancePlanned', 'MaintenanceInProgress', 'DrainInProgress', 'Drained'] as const;
export type ConditionType = (typeof CONDITIONS)[number];
