/**
 * The labels and annotations of Machines and their Nodes: the contract of the reference controller
 * (sapcc/runtime-extension-maintenance-controller, README and constants/constants.go), shared by the features that read Machines.
 */
import type { Taint } from './objects.ts';

const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';

/** Machine label: the Machine takes part if the value is exactly `true`. */
export const ENABLED_LABEL = `${PREFIX}/enabled`;
/**
 * Machine label: the user writes `requested`, and we write `approved` once the Node has approved; the user ends the maintenance by removing
 * it.
 */
export const MAINTENANCE_LABEL = `${PREFIX}/maintenance`;
export const REQUESTED = 'requested';
export const APPROVED = 'approved';

/** Node labels that we write. Only `true` has a meaning. */
export const MACHINE_DELETED_LABEL = `${PREFIX}/machine-deleted`;
export const MACHINE_MAINTENANCE_LABEL = `${PREFIX}/machine-maintenance`;
/** Node labels that somebody in the workload cluster writes. Only `true` has a meaning. */
export const APPROVE_DELETION_LABEL = `${PREFIX}/approve-deletion`;
export const APPROVE_MAINTENANCE_LABEL = `${PREFIX}/approve-maintenance`;

/**
 * Node taint, the fence of machine drain: it keeps Pods from being scheduled to a Node whose Machine is asked to go, and Temporary
 * Maintenance Mode treats it as a request. Machine drain sets and removes it; the user's request is on the Machine.
 */
export const MACHINE_TAINT = {
  key: 'maintenance-bridge.io/machine',
  value: '',
  effect: 'NoSchedule',
} as const satisfies Taint;

/** Node label: machine drain has written to the Node. It is set together with the fence, and removed when nothing of ours is left. */
export const DRAIN_LABEL = 'maintenance-bridge.io/machine-drain';

/** Node annotation: the cluster autoscaler never chooses the Node for a scale-down. */
export const SCALE_DOWN_DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
/** Node annotation: records that we have set the annotation above. */
export const SCALE_DOWN_OWNER = 'maintenance-bridge.io/scale-down-disabled';

/** Machine annotation that makes Cluster API wait before it drains. Only its presence counts, never its value. */
export const HOOK_ANNOTATION = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
/** The value that we write; an existing value is left as it is. */
export const HOOK_VALUE = 'runtime-extensions-maintenance-controller';

/** Machine annotation, RFC 3339: the start of `capi.hookTimeout`; set once the Node was labelled for the deletion, or could not be. */
export const HOOK_TIMER_ANNOTATION = 'maintenance-bridge.io/hook-timer';
/** Machine annotation: why our hook was removed while the Machine was being deleted; it stays until the Machine is gone. */
export const RELEASED_ANNOTATION = 'maintenance-bridge.io/hook-released';
/** Machine annotations: this approval was on the Node before it was requested, and has to be given again. */
export const STALE_DELETION_APPROVAL = 'maintenance-bridge.io/stale-approve-deletion';
export const STALE_MAINTENANCE_APPROVAL = 'maintenance-bridge.io/stale-approve-maintenance';

/** Cluster annotation: UIDs of Nodes by which its workload cluster is recognised, separated by commas. */
export const KNOWN_NODES_ANNOTATION = 'maintenance-bridge.io/known-nodes';

/** Machine annotation, any value: nobody may act on the Machine. */
export const PAUSED_ANNOTATION = 'cluster.x-k8s.io/paused';
/** Machine annotation, any value: a MachineHealthCheck leaves the Machine alone. */
export const SKIP_REMEDIATION_ANNOTATION = 'cluster.x-k8s.io/skip-remediation';
/**
 * Machine annotation: records that we have set the annotation above. Empty until the end is known; then its time (RFC 3339) while the host
 * starts again.
 */
export const SKIP_REMEDIATION_OWNER = 'maintenance-bridge.io/skip-remediation';

/** Machine annotation: the progress of the machine drain of its Node (`capi/drain/record.ts`). */
export const DRAIN_ANNOTATION = 'maintenance-bridge.io/drain';

/**
 * Machine labels of Cluster API: the MachineDeployment or the MachinePool that it belongs to, and whether it is part of a control plane.
 */
export const DEPLOYMENT_LABEL = 'cluster.x-k8s.io/deployment-name';
export const POOL_LABEL = 'cluster.x-k8s.io/pool-name';
export const CONTROL_PLANE_LABEL = 'cluster.x-k8s.io/control-plane';

/** Keys that we write on Machines, and that a template could therefore overwrite. */
export const FORCIBLE_KEYS: readonly string[] = [MAINTENANCE_LABEL, HOOK_ANNOTATION];

const KEYS: ReadonlySet<string> = new Set([
  ENABLED_LABEL,
  ...FORCIBLE_KEYS,
  HOOK_TIMER_ANNOTATION,
  RELEASED_ANNOTATION,
  STALE_DELETION_APPROVAL,
  STALE_MAINTENANCE_APPROVAL,
  PAUSED_ANNOTATION,
  SKIP_REMEDIATION_ANNOTATION,
  SKIP_REMEDIATION_OWNER,
  DRAIN_ANNOTATION,
  DEPLOYMENT_LABEL,
  POOL_LABEL,
  CONTROL_PLANE_LABEL,
]);

/** Whether we use a label or annotation of a Machine. */
export function isKeyOfMachine(key: string): boolean {
  return KEYS.has(key);
}
