/** The kinds of Ramen and of Open Cluster Management that we read and write, with the fields that we use. */
import type { Condition, KubeObject } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { DRPC_NAME, DRPC_NAMESPACE } from './names.ts';
import type { ScalableKind } from './settings.ts';

export interface WorkCondition extends Condition {
  readonly observedGeneration?: number;
}

/** Identifies the object of a manifest, as in `status.resourceStatus`. */
export interface ResourceMeta {
  /** Index in the list of manifests. */
  readonly ordinal: number;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural; empty while the kind is not served. */
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
}

export interface ManifestStatus {
  readonly resourceMeta: ResourceMeta;
  readonly conditions: readonly WorkCondition[];
}

export interface OrphaningRule {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** How a work's objects are treated when they leave it. An unknown policy keeps them. */
export type DeletePolicy =
  | { readonly is: 'delete' }
  | { readonly is: 'orphan' }
  | { readonly is: 'selective'; readonly keep: readonly OrphaningRule[] };

export interface WorkStatus {
  readonly conditions: readonly WorkCondition[];
  readonly manifests: readonly ManifestStatus[];
}

export interface ManifestWork extends KubeObject {
  /** As on the hub; empty for works that we do not serve. */
  readonly manifests: readonly unknown[];
  readonly deletePolicy: DeletePolicy;
  readonly status: WorkStatus;
}

/** The DRPlacementControl of a work, from its annotations: `namespace/name`; undefined if they name none. */
export function applicationOf({ metadata }: Pick<ManifestWork, 'metadata'>): string | undefined {
  const { [DRPC_NAME]: name, [DRPC_NAMESPACE]: namespace } = metadata.annotations ?? {};
  return name && namespace ? `${namespace}/${name}` : undefined;
}

export const MANIFEST_WORK: Resource<ManifestWork> & { readonly plural: 'manifestworks' } = {
  group: 'work.open-cluster-management.io',
  version: 'v1',
  kind: 'ManifestWork',
  plural: 'manifestworks',
  namespaced: true,
};

/** The object that a view asks for. */
export interface ViewScope {
  readonly apiGroup?: string | undefined;
  readonly version?: string | undefined;
  readonly kind?: string | undefined;
  readonly resource?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly updateIntervalSeconds?: number | undefined;
}

export interface ManagedClusterView extends KubeObject {
  readonly scope: ViewScope;
  readonly conditions: readonly Condition[];
  /** A digest by which two results are compared without keeping them; undefined if there is no result. */
  readonly resultDigest: string | undefined;
}

export const MANAGED_CLUSTER_VIEW: Resource<ManagedClusterView> & { readonly plural: 'managedclusterviews' } = {
  group: 'view.open-cluster-management.io',
  version: 'v1beta1',
  kind: 'ManagedClusterView',
  plural: 'managedclusterviews',
  namespaced: true,
};

export const MANAGED_CLUSTER: Resource<KubeObject> = {
  group: 'cluster.open-cluster-management.io',
  version: 'v1',
  kind: 'ManagedCluster',
  plural: 'managedclusters',
  namespaced: false,
};

export const APPLIED_MANIFEST_WORK: Resource<KubeObject> = {
  group: 'work.open-cluster-management.io',
  version: 'v1',
  kind: 'AppliedManifestWork',
  plural: 'appliedmanifestworks',
  namespaced: false,
};

export const DR_PLACEMENT_CONTROL: Resource<KubeObject> = {
  group: 'ramendr.openshift.io',
  version: 'v1alpha1',
  kind: 'DRPlacementControl',
  plural: 'drplacementcontrols',
  namespaced: true,
};

export interface MaintenanceMode extends KubeObject {
  readonly spec: {
    readonly storageProvisioner: string;
    readonly targetID: string;
    readonly modes: readonly string[];
  };
  readonly status: {
    readonly state?: string;
    readonly observedGeneration?: number;
    readonly conditions: readonly WorkCondition[];
  };
}

export const MAINTENANCE_MODE: Resource<MaintenanceMode> & { readonly plural: 'maintenancemodes' } = {
  group: 'ramendr.openshift.io',
  version: 'v1alpha1',
  kind: 'MaintenanceMode',
  plural: 'maintenancemodes',
  namespaced: false,
};

export const CUSTOM_RESOURCE_DEFINITION: Resource<KubeObject> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export const NAMESPACES: Resource<KubeObject> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

export const SECRETS: Resource<KubeObject> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

const policies = (kind: string, plural: string, group = 'policy.open-cluster-management.io'): Resource<KubeObject> => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
export const POLICY = policies('Policy', 'policies');
export const PLACEMENT_BINDING = policies('PlacementBinding', 'placementbindings');
export const PLACEMENT_RULE = policies('PlacementRule', 'placementrules', 'apps.open-cluster-management.io');

export const PODS: Resource<unknown> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

const apps = (kind: string, plural: string): Resource<unknown> => ({
  group: 'apps',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
/** The kinds that can be scaled to zero. */
export const WORKLOADS: Readonly<Record<ScalableKind, Resource<unknown>>> = {
  Deployment: apps('Deployment', 'deployments'),
  StatefulSet: apps('StatefulSet', 'statefulsets'),
  ReplicaSet: apps('ReplicaSet', 'replicasets'),
};

export const isNamespace = ({ group, kind }: { readonly group: string; readonly kind: string }): boolean =>
  group === '' && kind === 'Namespace';
