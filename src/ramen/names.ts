/** The vocabulary of the Ramen parts. */

/** On a ManifestWork: its objects on the managed cluster are handled before it goes. */
export const WORK_FINALIZER = 'maintenance-bridge.io/manifest-work';
/** On a MaintenanceMode: its workloads are restored before it goes. */
export const MODE_FINALIZER = 'maintenance-bridge.io/maintenance-mode';
/** On an object of a managed cluster: which work created it (see `ownership.ts`). */
export const OWNED_BY = 'maintenance-bridge.io/owned-by';
/** On a workload that a MaintenanceMode scaled to zero: the replicas that it had. */
export const FORMER_REPLICAS = 'maintenance-bridge.io/former-replicas';
/** On a MaintenanceMode: the changes that were, or may have been, made for it (JSON; see `mode-record.ts`). */
export const MODE_RECORD = 'maintenance-bridge.io/maintenance-mode';
/** On the Lease of a cluster's namespace: the UID of kube-system of the cluster that was served from it. */
export const CLUSTER_ID = 'maintenance-bridge.io/cluster-id';
/** On the same Lease: the installation that served the cluster last. */
export const SERVED_BY = 'maintenance-bridge.io/served-by';
/** Our keys travel with copied objects: they are removed from manifests that are applied elsewhere. */
export const OWN_PREFIX = 'maintenance-bridge.io/';

/** A klusterlet of Open Cluster Management handles a work with this finalizer. */
export const KLUSTERLET_FINALIZER = 'cluster.open-cluster-management.io/manifest-work-cleanup';

/** Ramen's annotations that name the DRPlacementControl of a work. */
export const DRPC_NAME = 'drplacementcontrol.ramendr.openshift.io/drpc-name';
export const DRPC_NAMESPACE = 'drplacementcontrol.ramendr.openshift.io/drpc-namespace';

/** Condition of a work whose DRPlacementControl is gone although the work is not being deleted; absent otherwise. */
export const APPLICATION_GONE = 'ApplicationGone';

/** The only condition of a view, and the reasons that Open Cluster Management uses for it. */
export const PROCESSING = 'Processing';
export const VIEW_REASONS = [
  'GetResourceProcessing',
  'GetResourceFailed',
  'ResourceNameInvalid',
  'ResourceTypeInvalid',
  'ResourceGVKInvalid',
] as const;
export type ViewReason = (typeof VIEW_REASONS)[number];
