/**
 * The fields of the cluster's objects that we read, and no others: caches drop the rest when an object is stored.
 *
 * Every field that a server may leave out is optional here, and so is the content of `metadata` in foreign objects: a reader must check
 * what it relies on.
 */
import type { Resource } from './resources.ts';

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** RFC 3339; the end of the grace period, not the time at which the deletion was requested. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

/** What every object in a cache has. */
export interface KubeObject {
  readonly metadata: ObjectMeta;
}

export interface Condition {
  readonly type: string;
  /** `True`, `False` or `Unknown`. */
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/**
 * Amounts by resource, in the units that the scheduler counts in: thousandths for `cpu`, whole units for all others.
 * Exact up to 2⁵³, which is eight pebibytes of memory.
 */
export type ResourceAmounts = Readonly<Record<string, number>>;

export interface Node extends KubeObject {
  readonly spec: { readonly taints?: readonly Taint[]; readonly unschedulable?: boolean };
  readonly status: {
    readonly conditions?: readonly Condition[];
    readonly allocatable?: ResourceAmounts;
    /** Features that its kubelet declares (KEP-5328). */
    readonly declaredFeatures?: readonly string[];
  };
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export interface NodeSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
  readonly matchFields?: readonly NodeSelectorRequirement[];
}

export interface NodeSelector {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  /** A generic ephemeral volume: its claim is called `<pod>-<volume>`. */
  readonly ephemeral?: object;
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly tolerations?: readonly Toleration[];
    readonly volumes?: readonly Volume[];
    /** `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution` */
    readonly requiredNodeAffinity?: NodeSelector;
    /** Absent if the Pod has no such requirements. */
    readonly scheduling?: PodScheduling;
  };
  readonly status: {
    readonly phase?: string;
    /** RFC 3339. */
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
  };
}

/** The other fields that the scheduler reads of a Pod, in the units in which it counts. Pods of one template share one object. */
export interface PodScheduling {
  /** The requests of a new Pod of this kind: containers, init containers, sidecars, overhead and Pod-level requests combined. */
  readonly requests?: ResourceAmounts;
  /** What this Pod holds on its Node, if a resize makes it differ from `requests`. */
  readonly held?: ResourceAmounts;
  readonly hostPorts?: readonly HostPort[];
  /** `requiredDuringSchedulingIgnoredDuringExecution`, like the next. */
  readonly podAffinity?: readonly PodAffinityTerm[];
  readonly podAntiAffinity?: readonly PodAffinityTerm[];
  /** Constraints with `whenUnsatisfiable: DoNotSchedule`. */
  readonly spread?: readonly SpreadConstraint[];
  /** Features that the Node's kubelet must declare. */
  readonly requiredFeatures?: readonly string[];
  /** 0 if absent. */
  readonly priority?: number;
  /** `preemptionPolicy: Never`: it does not displace Pods of lower priority. */
  readonly neverPreempts?: true;
  /** Set if it is not `default-scheduler`. */
  readonly schedulerName?: string;
  /** Requirements that the scheduler checks and this simulation cannot, as phrases that follow "The Pod": `has resource claims`. */
  readonly notModelled?: readonly string[];
}

export interface HostPort {
  readonly port: number;
  /** `TCP` where absent. */
  readonly protocol?: string;
  /** All addresses where absent. */
  readonly ip?: string;
}

/** `matchLabelKeys` are not here: the API server has merged them into the selector. */
export interface PodAffinityTerm {
  readonly topologyKey: string;
  readonly labelSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
}

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly minDomains?: number;
  /** `Honor` where absent. */
  readonly nodeAffinityPolicy?: string;
  /** `Ignore` where absent. */
  readonly nodeTaintsPolicy?: string;
}

export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

export interface PodDisruptionBudget extends KubeObject {
  readonly spec: {
    readonly selector?: LabelSelector;
    /** `AlwaysAllow` or `IfHealthyBudget` (the server's default). */
    readonly unhealthyPodEvictionPolicy?: string;
  };
  readonly status: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly currentHealthy?: number;
    readonly desiredHealthy?: number;
    readonly expectedPods?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** The part of a controller's template that determines where its Pods run. */
export interface PodTemplate {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly requiredNodeAffinity?: NodeSelector;
  readonly tolerations?: readonly Toleration[];
}

/** A controller of Pods, with the fields for counting its members. Its labels and annotations are not kept. */
export interface PodController extends KubeObject {
  readonly spec: {
    /** How many members it asks for: for a Job the Pods that should run now; absent for a DaemonSet; 1 if absent elsewhere. */
    readonly replicas?: number;
    /** How long a member has to be ready before it counts as available; 0 if absent. */
    readonly minReadySeconds?: number;
    readonly template?: PodTemplate;
  };
  /** 0 where absent. */
  readonly status: { readonly availableReplicas?: number };
}

export type StatefulSet = PodController;

/** How a Job treats failing Pods. A finished Job keeps only the fact that it has finished. */
export interface Job extends PodController {
  readonly spec: PodController['spec'] & {
    readonly suspend?: boolean;
    readonly backoffLimit?: number;
    /** For an indexed Job. */
    readonly backoffLimitPerIndex?: number;
    /** `spec.podFailurePolicy.rules` */
    readonly failureRules?: readonly PodFailureRule[];
  };
  readonly status: PodController['status'] & {
    readonly failed?: number;
    /** `status.uncountedTerminatedPods.failed`: UIDs of Pods that `failed` is about to count. */
    readonly uncountedFailed?: readonly string[];
    /** Complete, failed, or about to become one of the two. */
    readonly isFinished?: true;
  };
}

/** A rule of a Job's `podFailurePolicy`, which names either exit codes or conditions. */
export interface PodFailureRule {
  /** `FailJob`, `FailIndex`, `Ignore` or `Count`. */
  readonly action: string;
  readonly onExitCodes?: { readonly operator: string; readonly values: readonly number[] };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: string }[];
}

/** Only its labels matter, for namespace selectors. */
export type Namespace = KubeObject;

export const NODE: Resource<Node> = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
export const POD: Resource<Pod> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const NAMESPACE: Resource<Namespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
export const POD_DISRUPTION_BUDGET: Resource<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
};
export const STATEFUL_SET: Resource<StatefulSet> = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  namespaced: true,
};
export const REPLICA_SET: Resource<PodController> = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  namespaced: true,
};
export const DAEMON_SET: Resource<PodController> = {
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  namespaced: true,
};
export const REPLICATION_CONTROLLER: Resource<PodController> = {
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  namespaced: true,
};
export const JOB: Resource<Job> = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };
