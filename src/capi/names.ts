/** The vocabulary of the Cluster API bridge. Labels and annotations are in `core/machine-keys.ts`, since other features read them too. */

/**
 * Why a pass over a Machine did what it did; also the state of the Machine afterwards.
 *
 * - `NotEnabled`: it does not take part; all of our marks are removed.
 * - `NotSelected`: its Node lacks the label of `capi.requireNodeLabel`; treated like `NotEnabled`.
 * - `Paused`: the Machine or its Cluster is paused; nothing is done at all.
 * - `ClusterDeleting`: Cluster API skips hooks then, so nothing is held and nothing is written.
 * - `NodePending`: it has no Node yet; the hook is set from the start.
 * - `NodeUnknown`: the workload cluster is not connected; nothing is concluded about the Node.
 * - `NodeGone`: there is no Node of that name any more, or it belongs to a younger Machine now. It can never approve, so a deletion is
 *   released.
 * - `Guarded`: the hook is set, and there is no request.
 * - `MaintenanceRequested`: the Node is labelled and has not approved yet.
 * - `MaintenanceApproved`: the machine may be worked on.
 * - `DeletionWaiting`: the deletion is held, and the Node is labelled.
 * - `DeletionApproved`: the Node approves, so there is no hook.
 * - `HookTimedOut`: the deletion was held for longer than `capi.hookTimeout`, and released.
 * - `Released`: the Machine is being deleted without our hook, which is never added again then.
 */
export const STATES = [
  'NotEnabled',
  'NotSelected',
  'Paused',
  'ClusterDeleting',
  'NodePending',
  'NodeUnknown',
  'NodeGone',
  'Guarded',
  'MaintenanceRequested',
  'MaintenanceApproved',
  'DeletionWaiting',
  'DeletionApproved',
  'HookTimedOut',
  'Released',
] as const;
export type Because = (typeof STATES)[number];

/** What a pass completed: maintenance was approved, or a held deletion was released for this reason. */
export const COMPLETIONS = [
  'MaintenanceApproved',
  'DeletionApproved',
  'NodeGone',
  'NotSelected',
  'Disabled',
  'HookTimedOut',
] as const;
export type Completed = (typeof COMPLETIONS)[number];
export type Release = Exclude<Completed, 'MaintenanceApproved'>;

/** Why a hook was removed from a Machine under deletion, in one word: for the Event's note and the metric. */
export const RELEASE_REASONS = ['Approved', 'NodeGone', 'NotSelected', 'Disabled', 'TimedOut'] as const;
export type ReleaseReason = (typeof RELEASE_REASONS)[number];

export const REASON_OF_RELEASE: Readonly<Record<Release, ReleaseReason>> = {
  DeletionApproved: 'Approved',
  NodeGone: 'NodeGone',
  NotSelected: 'NotSelected',
  Disabled: 'Disabled',
  HookTimedOut: 'TimedOut',
};

/** How an approval is treated that was on the Node before it was requested. */
export const STALE_APPROVALS = ['accept', 'ignore'] as const;
