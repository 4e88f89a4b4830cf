/**
 * From an object as the server sent it to the narrow one of `core/objects.ts`.
 *
 * Trims never throw. A field of the wrong type is taken for absent, an entry of a list without what it must have is left
 * out. Only an object without name, uid or resourceVersion cannot be kept: it gives undefined. The result holds strings
 * and label maps of the raw object, and none of its larger structure, so the rest can be collected.
 */
import { FORCIBLE_KEYS, isKeyOfMachine } from '../core/machine-keys.ts';
import {
  CLUSTER,
  type Cluster,
  type Condition,
  type KubeObject,
  type LabelSelector,
  type LabelSelectorRequirement,
  MACHINE,
  type Machine,
  NAMESPACE,
  NODE,
  type Node,
  type NodeSelector,
  type NodeSelectorTerm,
  type ObjectMeta,
  type OwnerReference,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  type PersistentVolume,
  type PersistentVolumeClaim,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  type PodDisruptionBudget,
  type Taint,
  type Toleration,
  type Volume,
} from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { boolean, fields, integer, listOf, present, type Raw, strings, text, textMap, textMapWithout } from './raw.ts';

export type Trim<T> = (raw: unknown) => T | undefined;

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Shared by all volumes and finished Pods that only need something to be there. */
const NOTHING = Object.freeze({});

/** Keeps the metadata alone, of any kind; also the transform for watches of metadata only. */
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
    status: present({ conditions: listOf(status.conditions, conditionOf) }),
  };
};

/** A finished Pod holds no resources and cannot be evicted in a way that matters: phase and Node are kept of it. */
export const trimPod: Trim<Pod> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const nodeName = text(spec.nodeName);
  const phase = text(status.phase);
  if (phase === 'Succeeded' || phase === 'Failed') return { metadata, spec: present({ nodeName }), status: { phase } };
  const affinity = fields(fields(spec.affinity)?.nodeAffinity);
  return {
    metadata,
    spec: present({
      nodeName,
      nodeSelector: textMap(spec.nodeSelector),
      tolerations: listOf(spec.tolerations, tolerationOf),
      volumes: listOf(spec.volumes, volumeOf),
      requiredNodeAffinity: nodeSelectorOf(affinity?.requiredDuringSchedulingIgnoredDuringExecution),
    }),
    status: present({
      phase,
      startTime: text(status.startTime),
      conditions: listOf(status.conditions, conditionOf),
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

export const trimPersistentVolumeClaim: Trim<PersistentVolumeClaim> = (raw) => {
  const metadata = metaOf(raw);
  return metadata && { metadata, spec: present({ volumeName: text(partsOf(raw).spec.volumeName) }) };
};

export const trimPersistentVolume: Trim<PersistentVolume> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const required = fields(partsOf(raw).spec.nodeAffinity)?.required;
  return { metadata, spec: present({ requiredNodeAffinity: nodeSelectorOf(required) }) };
};

/** Thousands of Machines carry labels and annotations of which we read a handful. */
export const trimMachine: Trim<Machine> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const { labels, annotations, ownerReferences: _owners, finalizers: _finalizers, ...identity } = metadata;
  return present({
    metadata: present({ ...identity, labels: ofMachine(labels), annotations: ofMachine(annotations) }),
    spec: present({ clusterName: text(spec.clusterName) || undefined }),
    // An empty name is how v1beta1 may say that there is none.
    status: present({ nodeName: text(fields(status.nodeRef)?.name) || undefined }),
    forcedKeys: forcedKeysOf(fields(fields(raw)?.metadata)?.managedFields),
  });
};

export const trimCluster: Trim<Cluster> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { labels: _labels, annotations: _annotations, ...identity } = metadata;
  return { metadata: identity, spec: present({ paused: boolean(partsOf(raw).spec.paused) }) };
};

const TRIMS = new Map<Resource<unknown>, Trim<unknown>>([
  registered(NODE, trimNode),
  registered(POD, trimPod),
  registered(NAMESPACE, trimMeta),
  registered(POD_DISRUPTION_BUDGET, trimPodDisruptionBudget),
  registered(PERSISTENT_VOLUME_CLAIM, trimPersistentVolumeClaim),
  registered(PERSISTENT_VOLUME, trimPersistentVolume),
  registered(MACHINE, trimMachine),
  registered(CLUSTER, trimCluster),
]);

/** The pair is checked here, so that looking it up by the resource gives the right type. */
function registered<T>(resource: Resource<T>, trim: Trim<T>): [Resource<unknown>, Trim<unknown>] {
  return [resource, trim];
}

/**
 * The trim of a kind that `core/objects.ts` declares.
 *
 * @throws RangeError for any other resource.
 */
export function trimOf<T>(resource: Resource<T>): Trim<T> {
  const trim = TRIMS.get(resource);
  if (trim === undefined) throw new RangeError(`There is no trim for ${resource.plural}`);
  return trim as Trim<T>;
}

/** `last-applied-configuration` is a copy of the whole object, and managedFields are most of its metadata. */
function metaOf(raw: unknown): ObjectMeta | undefined {
  const metadata = fields(fields(raw)?.metadata);
  const name = text(metadata?.name);
  const uid = text(metadata?.uid);
  const resourceVersion = text(metadata?.resourceVersion);
  if (metadata === undefined || !name || !uid || !resourceVersion) return undefined;
  return present({
    name,
    namespace: text(metadata.namespace),
    uid,
    resourceVersion,
    generation: integer(metadata.generation),
    creationTimestamp: text(metadata.creationTimestamp),
    deletionTimestamp: text(metadata.deletionTimestamp),
    deletionGracePeriodSeconds: integer(metadata.deletionGracePeriodSeconds),
    labels: textMap(metadata.labels),
    annotations: textMapWithout(metadata.annotations, LAST_APPLIED),
    ownerReferences: listOf(metadata.ownerReferences, ownerReferenceOf),
    finalizers: strings(metadata.finalizers),
  });
}

function partsOf(raw: unknown): { readonly spec: Raw; readonly status: Raw } {
  const object = fields(raw);
  return { spec: fields(object?.spec) ?? NOTHING, status: fields(object?.status) ?? NOTHING };
}

function ownerReferenceOf(raw: Raw): OwnerReference | undefined {
  const [apiVersion, kind, name, uid] = [text(raw.apiVersion), text(raw.kind), text(raw.name), text(raw.uid)];
  if (apiVersion === undefined || kind === undefined || name === undefined || uid === undefined) return undefined;
  return present({ apiVersion, kind, name, uid, controller: boolean(raw.controller) });
}

function conditionOf(raw: Raw): Condition | undefined {
  const [type, status] = [text(raw.type), text(raw.status)];
  if (type === undefined || status === undefined) return undefined;
  const [reason, message] = [text(raw.reason), text(raw.message)];
  return present({ type, status, reason, message, lastTransitionTime: text(raw.lastTransitionTime) });
}

function taintOf(raw: Raw): Taint | undefined {
  const [key, effect] = [text(raw.key), text(raw.effect)];
  if (key === undefined || effect === undefined) return undefined;
  return present({ key, value: text(raw.value), effect });
}

/** An entry without a key is valid: with `Exists` it tolerates everything. */
function tolerationOf(raw: Raw): Toleration {
  const [key, operator] = [text(raw.key), text(raw.operator)];
  return present({ key, operator, value: text(raw.value), effect: text(raw.effect) });
}

/** Only volumes that may hold data of their own are kept; a Pod's ConfigMaps, Secrets and projections go. */
function volumeOf(raw: Raw): Volume | undefined {
  const name = text(raw.name);
  if (name === undefined) return undefined;
  if (fields(raw.emptyDir) !== undefined) return { name, emptyDir: NOTHING };
  if (fields(raw.ephemeral) !== undefined) return { name, ephemeral: NOTHING };
  const claimName = text(fields(raw.persistentVolumeClaim)?.claimName);
  return claimName === undefined ? undefined : { name, persistentVolumeClaim: { claimName } };
}

/** A term that is empty stays: it matches nothing, which is not the same as no term. */
function nodeSelectorOf(raw: unknown): NodeSelector | undefined {
  const nodeSelectorTerms = listOf(fields(raw)?.nodeSelectorTerms, nodeSelectorTermOf);
  return nodeSelectorTerms && { nodeSelectorTerms };
}

function nodeSelectorTermOf(raw: Raw): NodeSelectorTerm {
  return present({
    matchExpressions: listOf(raw.matchExpressions, requirementOf),
    matchFields: listOf(raw.matchFields, requirementOf),
  });
}

function labelSelectorOf(raw: unknown): LabelSelector | undefined {
  const selector = fields(raw);
  if (selector === undefined) return undefined;
  return present({
    matchLabels: textMap(selector.matchLabels),
    matchExpressions: listOf(selector.matchExpressions, requirementOf),
  });
}

/** Requirements of label and of node selectors have the same fields. */
function requirementOf(raw: Raw): LabelSelectorRequirement | undefined {
  const [key, operator] = [text(raw.key), text(raw.operator)];
  if (key === undefined || operator === undefined) return undefined;
  return present({ key, operator, values: strings(raw.values) });
}

function ofMachine(map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  const kept = Object.entries(map ?? {}).filter(([key]) => isKeyOfMachine(key));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Field managers of Cluster API's controllers, which apply what a template says with force (`capi-machineset` and the like). */
const TEMPLATE_MANAGER = /^capi-/;

function forcedKeysOf(managedFields: unknown): readonly string[] | undefined {
  const owned = (listOf(managedFields, (entry) => entry) ?? [])
    .filter(({ manager }) => TEMPLATE_MANAGER.test(text(manager) ?? ''))
    .flatMap(({ fieldsV1 }) => {
      const metadata = fields(fields(fieldsV1)?.['f:metadata']);
      return [fields(metadata?.['f:labels']), fields(metadata?.['f:annotations'])];
    });
  const forced = FORCIBLE_KEYS.filter((key) => owned.some((set) => set?.[`f:${key}`] !== undefined));
  return forced.length === 0 ? undefined : forced;
}
