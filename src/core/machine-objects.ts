/** The fields that we read of Machines, their Clusters and their hosts; the rules are those of `objects.ts`. */
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

/**
 * A Cluster API Machine. Only the labels and annotations of `core/machine-keys.ts` are kept, and no conditions: the served versions differ
 * in them, and no decision needs them.
 */
export interface Machine extends KubeObject {
  readonly spec: {
    readonly clusterName?: string;
    readonly providerID?: string;
    /** `spec.infrastructureRef.kind` */
    readonly infrastructureKind?: string;
    /** `spec.infrastructureRef.name` */
    readonly infrastructureName?: string;
  };
  readonly status: {
    /** `status.nodeRef.name` */
    readonly nodeName?: string;
    /** Whether Cluster API considers the Node ready; absent if it does not say. */
    readonly nodeReady?: boolean;
  };
  /** The keys of `FORCIBLE_KEYS` that a template sets on the Machine: Cluster API restores them whatever anybody writes. */
  readonly forcedKeys?: readonly string[];
}

/** A Machine with data that is only shown to people. */
export interface DatedMachine extends Machine {
  /** RFC 3339; when the maintenance label was last written, according to the API server's managedFields. */
  readonly requestedAt?: string;
}

/** A Cluster API Cluster, without labels and annotations. */
export interface Cluster extends KubeObject {
  /** The value of `KNOWN_NODES_ANNOTATION`; absent if we have never been connected, or have left nothing behind. */
  readonly knownNodes?: readonly string[];
  readonly spec: { readonly paused?: boolean };
}

/** A host of Metal3, with only the annotations that concern its power. */
export interface BareMetalHost extends KubeObject {
  readonly spec: {
    readonly consumerRef?: {
      readonly apiVersion?: string;
      readonly kind?: string;
      readonly name?: string;
      readonly namespace?: string;
    };
    /** The host is only ever rebooted, never switched off. */
    readonly disablePowerOff?: boolean;
  };
  readonly status: {
    /** As last observed; Metal3 checks about once a minute. */
    readonly poweredOn?: boolean;
    /** `OK`, `error`, `detached`, `servicing` and others. */
    readonly operationalStatus?: string;
    /** `status.provisioning.state` */
    readonly provisioningState?: string;
    readonly errorType?: string;
  };
}

/** Versions of `cluster.x-k8s.io` that we support, in order of preference. v1beta1 will not be served from Cluster API 1.16 on. */
export const CLUSTER_API_VERSIONS = ['v1beta2', 'v1beta1'] as const;
export const MACHINE: Resource<Machine> = {
  group: 'cluster.x-k8s.io',
  version: CLUSTER_API_VERSIONS[0],
  kind: 'Machine',
  plural: 'machines',
  namespaced: true,
};
export const CLUSTER: Resource<Cluster> = {
  group: 'cluster.x-k8s.io',
  version: CLUSTER_API_VERSIONS[0],
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: true,
};

export const BARE_METAL_HOST_VERSIONS = ['v1alpha1'] as const;
export const BARE_METAL_HOST: Resource<BareMetalHost> = {
  group: 'metal3.io',
  version: BARE_METAL_HOST_VERSIONS[0],
  kind: 'BareMetalHost',
  plural: 'baremetalhosts',
  namespaced: true,
};
