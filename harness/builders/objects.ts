/** Builders for tests: each fills in the parts that do not matter for a test. */
import type {
  Condition,
  Job,
  Node,
  ObjectMeta,
  Pod,
  PodController,
  PodDisruptionBudget,
  StatefulSet,
  Taint,
} from '../../src/core/objects.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../src/core/storage-objects.ts';

type MetaPart = Partial<ObjectMeta>;

function meta(name: string, part: MetaPart = {}): ObjectMeta {
  return { name, uid: `uid-of-${part.namespace ?? ''}-${name}`, resourceVersion: '1', ...part };
}

/** The taint of the proposal. */
export const TAINT: Taint = { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' };

export function node(
  name: string,
  part: {
    readonly meta?: MetaPart;
    readonly taints?: readonly Taint[];
    readonly unschedulable?: boolean;
    readonly conditions?: readonly Condition[];
  } = {},
): Node {
  const { taints, unschedulable, conditions } = part;
  return {
    metadata: meta(name, { labels: { 'kubernetes.io/hostname': name }, ...part.meta }),
    spec: { ...(taints !== undefined && { taints }), ...(unschedulable !== undefined && { unschedulable }) },
    status: { conditions: conditions ?? [{ type: 'Ready', status: 'True' }], allocatable: { pods: 110 } },
  };
}

export interface PodPart {
  readonly namespace?: string;
  readonly node?: string;
  readonly meta?: MetaPart;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
  readonly phase?: string;
  /** Kind of the controller; null for none. */
  readonly controller?: string | null;
  readonly spec?: Partial<Pod['spec']>;
  readonly conditions?: readonly Condition[];
  /** Its deletion was requested, and the grace period ends at this time (RFC 3339). */
  readonly deletedAt?: string;
}

/** A ready, running Pod of a ReplicaSet in namespace `shop`. */
export function pod(name: string, part: PodPart = {}): Pod {
  const { namespace = 'shop', ready = true, phase = 'Running', controller = 'ReplicaSet', deletedAt } = part;
  const owner = { apiVersion: 'apps/v1', kind: controller ?? '', name: 'owner', uid: 'uid-of-owner', controller: true };
  return {
    metadata: meta(name, {
      namespace,
      ...(part.labels !== undefined && { labels: part.labels }),
      ...(part.annotations !== undefined && { annotations: part.annotations }),
      ...(controller !== null && { ownerReferences: [owner] }),
      ...(deletedAt !== undefined && { deletionTimestamp: deletedAt }),
      ...part.meta,
    }),
    spec: { ...(part.node !== undefined && { nodeName: part.node }), ...part.spec },
    status: { phase, conditions: part.conditions ?? [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

export interface BudgetPart {
  readonly namespace?: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly allowed?: number;
  readonly healthy?: number;
  readonly desired?: number;
  readonly expected?: number;
  readonly observed?: boolean;
  readonly syncFailed?: boolean;
  readonly policy?: string;
  readonly meta?: MetaPart;
}

/** A budget in namespace `shop` over Pods labelled `app: <name>`: three of three healthy, two needed. */
export function budget(name: string, part: BudgetPart = {}): PodDisruptionBudget {
  const { namespace = 'shop', healthy = 3, desired = 2, expected = 3, observed = true } = part;
  return {
    metadata: meta(name, { namespace, generation: 2, ...part.meta }),
    spec: {
      selector: { matchLabels: part.matchLabels ?? { app: name } },
      ...(part.policy !== undefined && { unhealthyPodEvictionPolicy: part.policy }),
    },
    status: {
      observedGeneration: observed ? 2 : 1,
      disruptionsAllowed: part.allowed ?? Math.max(0, healthy - desired),
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      ...(part.syncFailed && { conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed' }] }),
    },
  };
}

/** The parts of a controller of Pods besides its name and its replicas. */
export interface ControllerPart {
  readonly meta?: MetaPart;
  readonly spec?: PodController['spec'];
  readonly available?: number;
}

function podController(name: string, replicas: number, part: ControllerPart = {}): PodController {
  return {
    metadata: meta(name, { namespace: 'shop', ...part.meta }),
    spec: { replicas, ...part.spec },
    status: { ...(part.available !== undefined && { availableReplicas: part.available }) },
  };
}

/** A StatefulSet in namespace `shop`, whose Pods name it as their controller by `controlledBy()`. */
export function statefulSet(name: string, replicas: number, part: ControllerPart = {}): StatefulSet {
  return podController(name, replicas, part);
}

/** A ReplicaSet in namespace `shop`; Pods of `pod()` are members of the one called `owner`. */
export function replicaSet(name: string, replicas: number, part: ControllerPart = {}): PodController {
  return podController(name, replicas, { ...part, meta: { uid: `uid-of-${name}`, ...part.meta } });
}

/** A Job in namespace `shop`, whose Pods name it as their controller by `ofJob()`. */
export function job(name: string, spec: Job['spec'], status: Job['status'] = {}): Job {
  return { metadata: meta(name, { namespace: 'shop' }), spec, status };
}

/** For `PodPart.meta`: makes it a Pod of the Job. */
export function ofJob(owner: Job): MetaPart {
  return controlledBy(owner, 'Job', 'batch/v1');
}

/** For `PodPart.meta`: makes the Pod a member. */
export function controlledBy(owner: PodController, kind = 'StatefulSet', apiVersion = 'apps/v1'): MetaPart {
  const { name, uid } = owner.metadata;
  return { ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] };
}

/** A bound claim in namespace `shop`. */
export function claim(name: string, volumeName: string): PersistentVolumeClaim {
  return { metadata: meta(name, { namespace: 'shop' }), spec: { volumeName } };
}

/** A volume that lives on one Node, as local provisioners write it. */
export function localVolume(name: string, nodeName: string): PersistentVolume {
  return {
    metadata: meta(name),
    spec: {
      requiredNodeAffinity: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }] },
        ],
      },
    },
  };
}
