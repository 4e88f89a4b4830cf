/** The fields that the simulated cluster reads and writes, by resource. Fields that it only copies are `unknown`. */
import type { LabelSelector, Taint, Toleration } from '../../../src/core/objects.ts';
import type { Stored } from '../../api.ts';
import type { StatusCondition } from './conditions.ts';
import type { BareMetalHost, Cluster, Machine } from './machine-kinds.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from './storage-kinds.ts';

export type { BareMetalHost, Machine } from './machine-kinds.ts';

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly [field: string]: unknown;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly [field: string]: unknown;
}

export interface PodVolume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly ephemeral?: { readonly volumeClaimTemplate?: ClaimTemplate };
  readonly [field: string]: unknown;
}

/** A toleration of `NoExecute` may end. */
export interface TimedToleration extends Toleration {
  readonly tolerationSeconds?: number;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly tolerations?: readonly TimedToleration[];
  readonly schedulingGates?: readonly { readonly name: string }[];
  readonly schedulerName?: string;
  readonly volumes?: readonly PodVolume[];
  readonly priority?: number;
  readonly hostNetwork?: boolean;
  readonly affinity?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly podIP?: string;
  readonly startTime?: string;
  readonly conditions?: readonly StatusCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly [field: string]: unknown;
}

export interface Pod extends Stored {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: PodSpec;
}

export interface NodeTaint extends Taint {
  readonly timeAdded?: string;
}

export interface Node extends Stored {
  readonly spec?: {
    readonly taints?: readonly NodeTaint[];
    readonly unschedulable?: boolean;
    readonly providerID?: string;
    readonly podCIDR?: string;
  };
  readonly status?: {
    readonly conditions?: readonly StatusCondition[];
    readonly capacity?: Readonly<Record<string, string>>;
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: Readonly<Record<string, unknown>>;
    readonly volumesAttached?: readonly unknown[];
    readonly [field: string]: unknown;
  };
}

/** A share of Pods: a number, or a percentage as text. */
export type IntOrPercent = number | string;

export interface ReplicaSet extends Stored {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly terminatingReplicas?: number;
    readonly observedGeneration?: number;
  };
}

export interface Deployment extends Stored {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly paused?: boolean;
    readonly revisionHistoryLimit?: number;
    readonly progressDeadlineSeconds?: number;
    readonly selector: LabelSelector;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent };
    };
    readonly template: PodTemplate;
  };
  readonly status?: { readonly conditions?: readonly StatusCondition[]; readonly [field: string]: unknown };
}

export interface ClaimTemplate {
  readonly metadata?: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface StatefulSet extends Stored {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly serviceName?: string;
    readonly podManagementPolicy?: string;
    readonly ordinals?: { readonly start?: number };
    readonly revisionHistoryLimit?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly volumeClaimTemplates?: readonly ClaimTemplate[];
    readonly persistentVolumeClaimRetentionPolicy?: { readonly whenScaled?: string; readonly whenDeleted?: string };
  };
  readonly status?: { readonly currentRevision?: string; readonly [field: string]: unknown };
}

export interface ControllerRevision extends Stored {
  readonly revision: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface DaemonSet extends Stored {
  readonly spec: {
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent };
    };
  };
}

export interface Job extends Stored {
  readonly spec: {
    readonly parallelism?: number;
    readonly completions?: number;
    readonly backoffLimit?: number;
    readonly suspend?: boolean;
    readonly ttlSecondsAfterFinished?: number;
    readonly selector?: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly succeeded?: number;
    readonly conditions?: readonly StatusCondition[];
    readonly [field: string]: unknown;
  };
}

export interface PodDisruptionBudget extends Stored {
  readonly spec: {
    readonly minAvailable?: IntOrPercent;
    readonly maxUnavailable?: IntOrPercent;
    readonly selector?: LabelSelector;
  };
  readonly status?: {
    readonly disruptedPods?: Readonly<Record<string, string>>;
    readonly observedGeneration?: number;
    readonly conditions?: readonly StatusCondition[];
    readonly [field: string]: unknown;
  };
}

export interface Namespace extends Stored {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string };
}

export interface Lease extends Stored {
  readonly spec?: { readonly renewTime?: string };
}

export interface CoreEvent extends Stored {
  readonly count?: number;
}

export interface VolumeAttachment extends Stored {
  readonly spec: { readonly nodeName: string };
}

export interface CustomResourceDefinition extends Stored {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
  };
}

/** The kinds by the API server's resource names. */
export interface Kinds {
  readonly pods: Pod;
  readonly nodes: Node;
  readonly namespaces: Namespace;
  readonly events: CoreEvent;
  readonly serviceaccounts: Stored;
  readonly configmaps: Stored;
  readonly persistentvolumes: PersistentVolume;
  readonly persistentvolumeclaims: PersistentVolumeClaim;
  readonly 'replicasets.apps': ReplicaSet;
  readonly 'deployments.apps': Deployment;
  readonly 'statefulsets.apps': StatefulSet;
  readonly 'daemonsets.apps': DaemonSet;
  readonly 'controllerrevisions.apps': ControllerRevision;
  readonly 'jobs.batch': Job;
  readonly 'poddisruptionbudgets.policy': PodDisruptionBudget;
  readonly 'storageclasses.storage.k8s.io': StorageClass;
  readonly 'csinodes.storage.k8s.io': Stored;
  readonly 'volumeattachments.storage.k8s.io': VolumeAttachment;
  readonly 'leases.coordination.k8s.io': Lease;
  readonly 'customresourcedefinitions.apiextensions.k8s.io': CustomResourceDefinition;
  readonly 'machines.cluster.x-k8s.io': Machine;
  readonly 'clusters.cluster.x-k8s.io': Cluster;
  readonly 'baremetalhosts.metal3.io': BareMetalHost;
}
