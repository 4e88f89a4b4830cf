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

/** Machine annotation that has Cluster API wait before it drains. Its presence counts, never its value. */
export const HOOK_ANNOTATION = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
/** What we write there; a value that is there already is left as it is. */
export const HOOK_VALUE = 'runtime-extensions-maintenance-controller';

/** Machine annotation, any value: nobody may act on the Machine. */
export const PAUSED_ANNOTATION = 'cluster.x-k8s.io/paused';
/** Machine annotation, any value: a MachineHealthCheck leaves the Machine alone. */
export const SKIP_REMEDIATION_ANNOTATION = 'cluster.x-k8s.io/skip-remediation';
/** Machine annotation: the one above is ours. Empty while it is due; RFC 3339 of the end while the host starts again. */
export const SKIP_REMEDIATION_OWNER = 'maintenance-bridge.io/skip-remediation';

/** Keys that we write on Machines, and that a template could therefore force back. */
export const FORCIBLE_KEYS: readonly string[] = [MAINTENANCE_LABEL, HOOK_ANNOTATION];

const KEYS: ReadonlySet<string> = new Set([
  ENABLED_LABEL,
  ...FORCIBLE_KEYS,
  PAUSED_ANNOTATION,
  SKIP_REMEDIATION_ANNOTATION,
  SKIP_REMEDIATION_OWNER,
]);

/** Whether a label or annotation of a Machine means anything to us. */
export function isKeyOfMachine(key: string): boolean {
  return KEYS.has(key);
}
