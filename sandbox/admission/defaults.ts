/**
 * Values that the API server fills in (kubernetes `pkg/apis/<group>/v1/defaults.go`), by type. They apply throughout the whole object: the
 * defaults of a container apply in a Pod as well as in a Deployment's template.
 */
import { isList, isObject, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import type { Schema } from '../kinds/schema.ts';

type Defaults = JsonObject | ((object: JsonObject) => JsonObject);

const PROBE = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
const ROLLING = { maxUnavailable: '25%', maxSurge: '25%' };

/** Missing fields of an object of the type get these values. */
const DEFAULTS: Readonly<Record<string, Defaults>> = {
  'core.v1.PodSpec': ({ serviceAccountName }) => ({
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
    // The same under its older name.
    serviceAccount: serviceAccountName,
  }),
  'core.v1.Container': containerDefaults,
  'core.v1.EphemeralContainer': containerDefaults,
  'core.v1.ContainerPort': { protocol: 'TCP' },
  'core.v1.Probe': PROBE,
  'core.v1.HTTPGetAction': { path: '/', scheme: 'HTTP' },
  'core.v1.Volume': (volume) => (Object.keys(volume).length > 1 ? {} : { emptyDir: {} }),
  'core.v1.ConfigMapVolumeSource': { defaultMode: 420 },
  'core.v1.SecretVolumeSource': { defaultMode: 420 },
  'core.v1.ProjectedVolumeSource': { defaultMode: 420 },
  'core.v1.DownwardAPIVolumeSource': { defaultMode: 420 },
  'core.v1.ServiceAccountTokenProjection': { expirationSeconds: 3600 },
  'core.v1.HostPathVolumeSource': { type: '' },
  'core.v1.ObjectFieldSelector': { apiVersion: 'v1' },
  'core.v1.ServiceSpec': (spec) => ({
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ...(spec.type !== 'ExternalName' && { internalTrafficPolicy: 'Cluster' }),
  }),
  'core.v1.ServicePort': ({ port }) => ({ protocol: 'TCP', targetPort: port }),
  'core.v1.Event': { source: {}, involvedObject: {} },
  'events.v1.Event': { deprecatedSource: {} },
  'core.v1.Secret': { type: 'Opaque' },
  'coordination.v1.Lease': { spec: {} },
  'policy.v1.PodDisruptionBudget': { spec: {} },
  'core.v1.PersistentVolumeSpec': { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
  'core.v1.PersistentVolumeClaimSpec': { volumeMode: 'Filesystem' },
  // The templates of a StatefulSet get these defaults too.
  'core.v1.PersistentVolumeClaim': {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    status: { phase: 'Pending' },
  },
  'core.v1.PodTemplateSpec': { metadata: {}, spec: {} },
  'core.v1.EndpointPort': { protocol: 'TCP' },
  'core.v1.LimitRangeItem': limitDefaults,
  'core.v1.ReplicationControllerSpec': ({ template }) => ({
    replicas: 1,
    selector: objectOf(objectOf(template).metadata).labels,
  }),
  'apps.v1.DeploymentSpec': {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  },
  'apps.v1.DeploymentStrategy': ({ type = 'RollingUpdate' }) => ({
    type,
    ...(type === 'RollingUpdate' && { rollingUpdate: ROLLING }),
  }),
  'apps.v1.RollingUpdateDeployment': ROLLING,
  'apps.v1.ReplicaSetSpec': { replicas: 1 },
  'apps.v1.StatefulSetSpec': {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    revisionHistoryLimit: 10,
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: {},
    serviceName: '',
  },
  // With a type and no settings, it stays without settings.
  'apps.v1.StatefulSetUpdateStrategy': ({ type }) =>
    type === undefined ? { type: 'RollingUpdate', rollingUpdate: {} } : {},
  'apps.v1.RollingUpdateStatefulSetStrategy': { partition: 0, maxUnavailable: 1 },
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' },
  'apps.v1.DaemonSetSpec': { revisionHistoryLimit: 10, updateStrategy: {} },
  'apps.v1.DaemonSetUpdateStrategy': ({ type = 'RollingUpdate' }) => ({
    type,
    ...(type === 'RollingUpdate' && { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }),
  }),
  'batch.v1.Job': ({ spec }) => ({ spec: jobDefaults(objectOf(spec)) }),
  'batch.v1.JobTemplateSpec': { metadata: {}, spec: {} },
  'batch.v1.CronJobSpec': {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
  'storage.v1.StorageClass': { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  'storage.v1.CSINode': { status: {} },
  'storage.v1.VolumeAttachment': { status: { attached: false } },
  'storage.v1.CSIDriverSpec': {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    preventPodSchedulingIfMissing: false,
    requiresRepublish: false,
    seLinuxMount: false,
  },
  'scheduling.v1.PriorityClass': { preemptionPolicy: 'PreemptLowerPriority' },
  'rbac.v1.RoleRef': { apiGroup: 'rbac.authorization.k8s.io' },
  'rbac.v1.Subject': ({ kind }) => (kind === 'ServiceAccount' ? {} : { apiGroup: 'rbac.authorization.k8s.io' }),
  'apiextensions.v1.CustomResourceDefinitionSpec': { conversion: { strategy: 'None' } },
};

function containerDefaults({ image }: JsonObject): JsonObject {
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: isMoving(textOf(image)) ? 'Always' : 'IfNotPresent',
    resources: {},
  };
}

/** Whether the image may change over time: it has no tag and no digest, or the tag `latest`. */
function isMoving(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

/** A container's limits default to the maximum, its requests to the limits, or else to the minimum. */
function limitDefaults({ type, max, min, default: limits, defaultRequest }: JsonObject): JsonObject {
  if (type !== 'Container') return {};
  const all = { ...objectOf(max), ...objectOf(limits) };
  const requests = { ...objectOf(min), ...all, ...objectOf(defaultRequest) };
  return {
    ...(Object.keys(all).length > 0 && { default: all }),
    ...(Object.keys(requests).length > 0 && { defaultRequest: requests }),
  };
}

function jobDefaults(spec: JsonObject): JsonObject {
  const isOpen = spec.completions === undefined && spec.parallelism !== undefined;
  return {
    ...(!isOpen && spec.completions === undefined && { completions: 1 }),
    ...(spec.parallelism === undefined && { parallelism: 1 }),
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
    ...spec,
  };
}

/** Objects that have been completed already. Objects never change in place. */
const complete = new WeakSet<object>();

/** The object with every default of its kind; the same object if nothing was missing. */
export function withDefaults(value: JsonObject, schema: Schema): JsonObject {
  const filled = fill(value, schema);
  return isObject(filled) ? filled : value;
}

function fill(value: unknown, schema: Schema): unknown {
  if (schema.is === 'list' && isList(value)) {
    const items = value.map((item) => fill(item, schema.items));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value) || (schema.is !== 'struct' && schema.is !== 'map') || complete.has(value)) return value;
  let result = schema.is === 'struct' ? withMissing(value, schema.name) : value;
  for (const key of Object.keys(result)) {
    const inner = schema.is === 'struct' ? schema.field(key)?.schema : schema.values;
    if (inner === undefined || inner.is === 'scalar' || inner.is === 'any') continue;
    const filled = fill(result[key], inner);
    if (filled !== result[key]) result = { ...result, [key]: filled };
  }
  complete.add(result);
  return result;
}

/** Fields whose default is merged with the existing value. */
const FILLED: Readonly<Record<string, readonly string[]>> = {
  'batch.v1.Job': ['spec'],
  'core.v1.LimitRangeItem': ['default', 'defaultRequest'],
};

/** Fields in which zero counts as unset. */
const UNSAID_AT_ZERO: Readonly<Record<string, readonly string[]>> = { 'core.v1.ServicePort': ['targetPort'] };

function withMissing(object: JsonObject, type: string): JsonObject {
  const defaults = DEFAULTS[type];
  if (defaults === undefined) return object;
  const values = typeof defaults === 'function' ? defaults(object) : defaults;
  let result = object;
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || (result[key] !== undefined && result[key] === value)) continue;
    const isMissing = result[key] === undefined || (result[key] === 0 && UNSAID_AT_ZERO[type]?.includes(key) === true);
    if (isMissing || FILLED[type]?.includes(key) === true) result = { ...result, [key]: value };
  }
  return result;
}

/** Fields of a status that are always present, besides those that its type requires. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  'policy.v1.PodDisruptionBudgetStatus': ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'],
  'apps.v1.StatefulSetStatus': ['availableReplicas'],
};

/** Zero values for the fields that a status always has. */
export function emptyStatus(schema: Schema): JsonObject | undefined {
  if (schema.is !== 'struct') return undefined;
  const status = schema.field('status')?.schema;
  if (status === undefined || status.is !== 'struct') return undefined;
  const zeros = status.names().flatMap((name) => {
    const field = status.field(name);
    const isShown = field?.isRequired === true || SHOWN[status.name]?.includes(name) === true;
    return field !== undefined && isShown && field.schema.is === 'scalar' && field.schema.type === 'integer'
      ? [[name, 0]]
      : [];
  });
  return Object.fromEntries(zeros);
}

/** Absent requests default to the limits. */
export function requestsFromLimits(container: JsonObject): JsonObject {
  const resources = objectOf(container.resources);
  if (!isObject(resources.limits)) return container;
  const requests = { ...resources.limits, ...objectOf(resources.requests) };
  const isComplete = Object.keys(resources.limits).every((name) => Object.hasOwn(objectOf(resources.requests), name));
  return isComplete ? container : { ...container, resources: { ...resources, requests } };
}

export const containersOf = (spec: JsonObject): readonly JsonObject[] =>
  ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) => listOf(spec[field])).map(objectOf);
