/** The words of the Cluster API bridge. Labels and annotations are in `core/machine-keys.ts`: other features read them too. */

/**
 * Why a pass over a Machine did what it did; also the state that the Machine is in afterwards.
 *
 * - `NotEnabled`: it does not take part; whatever we wrote for it goes.
 * - `NotSelected`: its Node lacks the label of `capi.requireNodeLabel`; as `NotEnabled`.
 * - `Paused`: the Machine or its Cluster is paused; nothing is done at all.
 * - `ClusterDeleting`: Cluster API skips hooks then, so nothing is held and nothing is written.
 * - `NodePending`: it has no Node yet; the hook is there from the start.
 * - `NodeUnknown`: the workload cluster is not connected; nothing is concluded about the Node.
 * - `NodeGone`: there is no Node of that name any more, or it belongs to a younger Machine now. It can never approve, so a
 *   deletion is let go.
 * - `Guarded`: the hook is there, and nobody asks for anything.
 * - `MaintenanceRequested`: the Node has been told and has not approved yet.
 * - `MaintenanceApproved`: the machine may be worked on.
 * - `DeletionWaiting`: the deletion is held, and the Node has been told.
 * - `DeletionApproved`: the Node approves, so there is no hook.
 * - `HookTimedOut`: the deletion was held for longer than `capi.hookTimeout`, and let go.
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

/** What came to its end in a pass: maintenance was approved, or a held deletion was let go for this reason. */
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

/** Why a hook went from a Machine that is being deleted, in one word: in the Event's note and in the metric. */
export const RELEASE_REASONS = ['Approved', 'NodeGone', 'NotSelected', 'Disabled', 'TimedOut'] as const;
export type ReleaseReason = (typeof RELEASE_REASONS)[number];

export const REASON_OF_RELEASE: Readonly<Record<Release, ReleaseReason>> = {
  DeletionApproved: 'Approved',
  NodeGone: 'NodeGone',
  NotSelected: 'NotSelected',
  Disabled: 'Disabled',
  HookTimedOut: 'TimedOut',
};

/** What an approval of the Node means that was there before it was asked for. */
export const STALE_APPROVALS = ['accept', 'ignore'] as const;
