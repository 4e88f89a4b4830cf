/** The vocabulary of machine drain. */

/** Node annotation: which approvals are ours, separated by commas. */
export const APPROVED_ANNOTATION = 'maintenance-bridge.io/approved';
/** Node label of sapcc's maintenance-controller, which also drains and approves. */
export const MAINTENANCE_STATE_LABEL = 'cloud.sap/maintenance-state';
/** The label's value while that controller has nothing to do. */
export const OPERATIONAL = 'operational';

/**
 * Why a pass over the Node of a Machine did what it did; also the state of the drain afterwards.
 *
 * - `Idle`: there is no request, and none of our marks is on the Node.
 * - `Paused`: the Machine or its Cluster is paused, or the Cluster is being deleted: nothing is done at all.
 * - `Unseen`: the Node, or what its verdict depends on, cannot be seen at present: nothing is concluded.
 * - `Waiting`: something has to come first; see `WAITS`.
 * - `Draining`: the fence is set, and the verdict is formed or Pods are evicted.
 * - `Drained`: the Node is empty, and we have approved the request.
 * - `MaintenanceFirst`: it is empty, and the deletion waits until the maintenance has ended: somebody may be at the machine.
 * - `Rejected`: not all Pods may leave; it is judged again when something has changed.
 * - `Released`: the deletion continues, whoever released it.
 * - `Ending`: the request has gone; the fence is removed and the displaced members come back.
 */
export const DRAIN_STATES = [
  'Idle',
  'Paused',
  'Unseen',
  'Waiting',
  'Draining',
  'Drained',
  'MaintenanceFirst',
  'Rejected',
  'Released',
  'Ending',
] as const;
export type DrainBecause = (typeof DRAIN_STATES)[number];

/**
 * What a request waits for before its Node is fenced.
 *
 * - `Window`: `capi.drain.window` is closed.
 * - `MaintenanceController`: sapcc's maintenance-controller is working on the Node.
 * - `Cluster`: a slot of its cluster, `tmm.maxConcurrentNodes`.
 * - `MachineDeployment`: a slot of its MachineDeployment or MachinePool, `capi.drain.maxUnavailable`.
 * - `ControlPlane`: another Machine of the same control plane is away or about to be, whatever the slots allow: etcd keeps its quorum.
 * - `AllMachines`: a slot of all clusters together, `capi.drain.maxConcurrentMachines`.
 */
export const WAITS = [
  'Window',
  'MaintenanceController',
  'Cluster',
  'MachineDeployment',
  'ControlPlane',
  'AllMachines',
] as const;
export type Wait = (typeof WAITS)[number];

/** The states that the annotation on the Machine records. */
export const RECORDED_STATES = ['Waiting', 'Draining', 'Drained', 'Rejected', 'Ending'] as const;
export type RecordedState = (typeof RECORDED_STATES)[number];
