/**
 * The labels and annotations by which Machines and their Nodes are talked about: the contract of the reference controller
 * (sapcc/runtime-extension-maintenance-controller, README and constants/constants.go), shared by the features that read Machines.
 */

const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';

/** Machine label: takes part when it is exactly `true`. */
export const ENABLED_LABEL = `${PREFIX}/enabled`;
/** Machine label: the user writes `requested`, and we `approved` once the Node is; the user ends maintenance by removing it. */
export const MAINTENANCE_LABEL = `${PREFIX}/maintenance`;
export const REQUESTED = 'requested';
export const APPROVED = 'approved';

/** Node labels that we write. Only `true` has a meaning. */
export const MACHINE_DELETED_LABEL = `${PREFIX}/machine-deleted`;
export const MACHINE_MAINTENANCE_LABEL = `${PREFIX}/machine-maintenance`;
/** Node labels that somebody in the workload cluster writes. Only `true` has a meaning. */
export const APPROVE_DELETION_LABEL = `${PREFIX}/approve-deletion`;
export const APPROVE_MAINTENANCE_LABEL = `${PREFIX}/approve-maintenance`;

/** Node annotation: the cluster autoscaler never picks the Node for a scale-down. */
export const SCALE_DOWN_DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
/** Node annotation: the one above is ours. */
export const SCALE_DOWN_OWNER = 'maintenance-bridge.io/scale-down-disabled';

/** Machine annotation that has Cluster API wait before it drains. Its presence counts, never its value. */
export const HOOK_ANNOTATION = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
/** What we write there; a value that is there already is left as it is. */
export const HOOK_VALUE = 'runtime-extensions-maintenance-controller';

/** Machine annotation, RFC 3339: from when on `capi.hookTimeout` counts; comes once the Node was told of the deletion, or could not be. */
export const HOOK_TIMER_ANNOTATION = 'maintenance-bridge.io/hook-timer';
/** Machine annotation: why our hook was taken off while the Machine was being deleted; it stays until the Machine goes. */
export const RELEASED_ANNOTATION = 'maintenance-bridge.io/hook-released';
/** Machine annotations: this approval was on the Node before it was asked for, and has to be given anew. */
export const STALE_DELETION_APPROVAL = 'maintenance-bridge.io/stale-approve-deletion';
export const STALE_MAINTENANCE_APPROVAL = 'maintenance-bridge.io/stale-approve-maintenance';

/** Cluster annotation: UIDs of Nodes by which its workload cluster is known again, separated by commas. */
export const KNOWN_NODES_ANNOTATION = 'maintenance-bridge.io/known-nodes';

/** Machine annotation, any value: nobody may act on the Machine. */
export const PAUSED_ANNOTATION = 'cluster.x-k8s.io/paused';
/** Machine annotation, any value: a MachineHealthCheck leaves the Machine alone. */
export const SKIP_REMEDIATION_ANNOTATION = 'cluster.x-k8s.io/skip-remediation';
/** Machine annotation: the one above is ours. Empty while it is due; RFC 3339 of the end while the host starts again. */
export const SKIP_REMEDIATION_OWNER = 'maintenance-bridge.io/skip-remediation';

/** Machine annotation: how far the machine drain of its Node has come (`capi/drain/record.ts`). */
export const DRAIN_ANNOTATION = 'maintenance-bridge.io/drain';

/** Machine labels of Cluster API: the MachineDeployment or the MachinePool it belongs to, and whether it is of a control plane. */
export const DEPLOYMENT_LABEL = 'cluster.x-k8s.io/deployment-name';
export const POOL_LABEL = 'cluster.x-k8s.io/pool-name';
export const CONTROL_PLANE_LABEL = 'cluster.x-k8s.io/control-plane';

/** Keys that we write on Machines, and that a template could therefore force back. */
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

/** Whether a label or annotation of a Machine means anything to us. */
export function isKeyOfMachine(key: string): boolean {
  return KEYS.has(key);
}
