/**
 * Turns an object as the server sent it into the narrow one of `core`.
 *
 * Trims never throw. A field of the wrong type counts as absent, and a list entry without its required fields is left out. Only an object
 * without name, uid or resourceVersion cannot be kept: the trim returns undefined. The result refers to strings and label maps of the raw
 * object, and to none of its larger structure, so the rest can be garbage collected.
 */
import { BARE_METAL_HOST, CLUSTER, MACHINE } from '../../core/machine-objects.ts';
import {
  type Condition,
  DAEMON_SET,
  JOB,
  type KubeObject,
  NAMESPACE,
  NODE,
  type Node,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  type PodDisruptionBudget,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
  type Taint,
  type Volume,
} from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { CSI_NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '../../core/storage-objects.ts';
import { boolean, fields, integer, listOf, present, type Raw, strings, text, textMap } from '../http/json.ts';
import { shared, sharedText } from './sharing.ts';
import { tolerationOf, trimDaemonSet, trimReplicas } from './trim-controllers.ts';
import { trimBareMetalHost } from './trim-hosts.ts';
import { trimJob } from './trim-jobs.ts';
import { trimCluster, trimMachine } from './trim-machines.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';
import { allocatableOf, schedulingOf } from './trim-scheduling.ts';
import { labelSelectorOf, nodeSelectorOf } from './trim-selectors.ts';
import { trimCsiNode, trimPersistentVolume, trimPersistentVolumeClaim, trimStorageClass } from './trim-storage.ts';

export type { Trim } from './trim-meta.ts';

/** Shared by all volumes and finished Pods of which only the presence matters. */
const NOTHING = Object.freeze({});

/** Keeps only the metadata, of any kind; also the transform for metadata-only watches. */
export const trimMeta: Trim<KubeObject> = (raw) => {
  const metadata = metaOf(raw);
  return metadata && { metadata };
};

export const trimNode: Trim<Node> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  return {
    metadata,
    spec: present({ taints: listOf(spec.taints, taintOf), unschedulable: boolean(spec.unschedulable) }),
    status: present({
      conditions: listOf(status.conditions, conditionOf),
      allocatable: allocatableOf(status.allocatable),
      declaredFeatures: strings(status.declaredFeatures),
    }),
  };
};

/**
 * A finished Pod holds no resources, and its eviction would have no effect: only phase and Node are kept, unless it is being deleted, since
 * it is on its Node until it is gone.
 */
export const trimPod: Trim<Pod> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const nodeName = sharedText(spec.nodeName);
  const phase = text(status.phase);
  const isFinished = phase === 'Succeeded' || phase === 'Failed';
  if (isFinished && metadata.deletionTimestamp === undefined)
    return { metadata, spec: present({ nodeName }), status: { phase } };
  const affinity = fields(fields(spec.affinity)?.nodeAffinity);
  return {
    metadata,
    spec: present({
      nodeName,
      nodeSelector: shared(textMap(spec.nodeSelector)),
      tolerations: shared(listOf(spec.tolerations, tolerationOf)),
      volumes: listOf(spec.volumes, volumeOf),
      requiredNodeAffinity: shared(nodeSelectorOf(affinity?.requiredDuringSchedulingIgnoredDuringExecution)),
      scheduling: schedulingOf(spec, status),
    }),
    status: present({
      phase,
      startTime: text(status.startTime),
      conditions: shared(listOf(status.conditions, podConditionOf)),
    }),
  };
};

export const trimPodDisruptionBudget: Trim<PodDisruptionBudget> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  return {
    metadata,
    spec: present({
      selector: labelSelectorOf(spec.selector),
      unhealthyPodEvictionPolicy: text(spec.unhealthyPodEvictionPolicy),
    }),
    status: present({
      observedGeneration: integer(status.observedGeneration),
      disruptionsAllowed: integer(status.disruptionsAllowed),
      currentHealthy: integer(status.currentHealthy),
      desiredHealthy: integer(status.desiredHealthy),
      expectedPods: integer(status.expectedPods),
      conditions: listOf(status.conditions, conditionOf),
    }),
  };
};

const TRIMS = new Map<Resource<unknown>, Trim<unknown>>([
  registered(NODE, trimNode),
  registered(POD, trimPod),
  registered(NAMESPACE, trimMeta),
  registered(POD_DISRUPTION_BUDGET, trimPodDisruptionBudget),
  registered(STATEFUL_SET, trimReplicas),
  registered(REPLICA_SET, trimReplicas),
  registered(REPLICATION_CONTROLLER, trimReplicas),
  registered(DAEMON_SET, trimDaemonSet),
  registered(JOB, trimJob),
  registered(PERSISTENT_VOLUME_CLAIM, trimPersistentVolumeClaim),
  registered(PERSISTENT_VOLUME, trimPersistentVolume),
  registered(STORAGE_CLASS, trimStorageClass),
  registered(CSI_NODE, trimCsiNode),
  registered(MACHINE, trimMachine),
  registered(CLUSTER, trimCluster),
  registered(BARE_METAL_HOST, trimBareMetalHost),
]);

/** Checks the types of the pair here, so that a look-up by the resource returns the right type. */
function registered<T>(resource: Resource<T>, trim: Trim<T>): [Resource<unknown>, Trim<unknown>] {
  return [resource, trim];
}

/**
 * The trim of a kind that `core` declares.
 *
 * @throws RangeError for any other resource.
 */
export function trimOf<T>(resource: Resource<T>): Trim<T> {
  const trim = TRIMS.get(resource);
  if (trim === undefined) throw new RangeError(`There is no trim for ${resource.plural}`);
  return trim as Trim<T>;
}

function conditionOf(raw: Raw): Condition | undefined {
  const [type, status] = [text(raw.type), text(raw.status)];
  if (type === undefined || status === undefined) return undefined;
  const [reason, message] = [text(raw.reason), text(raw.message)];
  return present({ type, status, reason, message, lastTransitionTime: text(raw.lastTransitionTime) });
}

/** The statuses of these conditions, without times and messages: then most Pods of a cluster have equal conditions. */
const POD_CONDITIONS: readonly unknown[] = ['Ready', 'PodScheduled', 'DisruptionTarget'];

function podConditionOf(raw: Raw): Condition | undefined {
  const [type, status] = [text(raw.type), text(raw.status)];
  if (type === undefined || status === undefined || !POD_CONDITIONS.includes(type)) return undefined;
  return present({ type, status, reason: text(raw.reason) });
}

function taintOf(raw: Raw): Taint | undefined {
  const [key, effect] = [text(raw.key), text(raw.effect)];
  if (key === undefined || effect === undefined) return undefined;
  return present({ key, value: text(raw.value), effect });
}

/** Only volumes that may contain separate data are kept; a Pod's ConfigMaps, Secrets and projections are dropped. */
function volumeOf(raw: Raw): Volume | undefined {
  const name = text(raw.name);
  if (name === undefined) return undefined;
  if (fields(raw.emptyDir) !== undefined) return { name, emptyDir: NOTHING };
  if (fields(raw.ephemeral) !== undefined) return { name, ephemeral: NOTHING };
  const claimName = text(fields(raw.persistentVolumeClaim)?.claimName);
  return claimName === undefined ? undefined : { name, persistentVolumeClaim: { claimName } };
}
