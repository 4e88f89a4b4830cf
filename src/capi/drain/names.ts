/** The words of machine drain. */
import type { Taint } from '../../core/objects.ts';

/** The fence: no Pod is scheduled to a Node whose Machine is asked to go, and Temporary Maintenance Mode takes it for a request. */
export const MACHINE_TAINT = {
  key: 'maintenance-bridge.io/machine',
  value: '',
  effect: 'NoSchedule',
} as const satisfies Taint;

/** Node label: something of machine drain is on the Node. It comes with the fence, and goes when nothing is left. */
export const DRAIN_LABEL = 'maintenance-bridge.io/machine-drain';
/** Node annotation: which approvals are ours, separated by commas. */
export const APPROVED_ANNOTATION = 'maintenance-bridge.io/approved';
/** Node label of sapcc's maintenance-controller, which drains and approves as well. */
export const MAINTENANCE_STATE_LABEL = 'cloud.sap/maintenance-state';
/** The value by which it says that it has nothing to do. */
export const OPERATIONAL = 'operational';

/**
 * Why a pass over the Node of a Machine did what it did; also the state that the drain is in afterwards.
 *
 * - `Idle`: nobody asks for anything, and nothing of ours is on the Node.
 * - `Paused`: the Machine or its Cluster is paused, or the Cluster is being deleted: nothing is done at all.
 * - `Unseen`: the Node, or what its verdict depends on, cannot be seen at present: nothing is concluded.
 * - `Waiting`: something has to come first; see `WAITS`.
 * - `Draining`: the fence is up, and the verdict is formed or Pods are evicted.
 * - `Drained`: the Node is empty, and we have approved what was asked for.
 * - `MaintenanceFirst`: it is empty, and the deletion waits until the maintenance has ended: somebody may be at the machine.
 * - `Rejected`: not all Pods may leave; it is judged anew when something has changed.
 * - `Released`: the deletion goes on, by whoever's word.
 * - `Ending`: the request has gone; the fence is taken down and what was displaced comes back.
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
 * - `MaintenanceController`: sapcc's maintenance-controller is at work on the Node.
 * - `Cluster`: the slots of its cluster, `tmm.maxConcurrentNodes`.
 * - `MachineDeployment`: those of its MachineDeployment or MachinePool, `capi.drain.maxUnavailable`.
 * - `ControlPlane`: another Machine of the same control plane is away or about to be, whatever the slots say: etcd keeps its quorum.
 * - `AllMachines`: the slots of all clusters together, `capi.drain.maxConcurrentMachines`.
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

/** What the annotation on the Machine says. */
export const RECORDED_STATES = ['Waiting', 'Draining', 'Drained', 'Rejected', 'Ending'] as const;
export type RecordedState = (typeof RECORDED_STATES)[number];
