/** What the server adds to objects of single kinds as they are created or changed, beyond the defaults of their types. */
import { randomBytes } from 'node:crypto';
import { parseQuantity } from '../../core/quantity.ts';
import { type Context, timeText } from '../context.ts';
import { DEFINITIONS, established } from '../custom/established.ts';
import { forbidden } from '../errors.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf, withField, withPath } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { containersOf, emptyStatus, requestsFromLimits, withDefaults } from './defaults.ts';

type Admit = (object: JsonObject, context: Context, resource: Resource) => JsonObject;

/** On creation, after the defaults, by collection. */
const ON_CREATE: Readonly<Record<string, Admit>> = {
  pods: (pod, context, resource) => admitPod(pod, context, resource),
  namespaces: (namespace) => ({
    ...withOwnName(namespace),
    spec: { ...objectOf(namespace.spec), finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  nodes: (node) => ({
    ...node,
    spec: objectOf(node.spec),
    status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: NODE_INFO, ...objectOf(node.status) },
  }),
  persistentvolumes: (volume) => ({ ...volume, status: { phase: 'Pending' } }),
  persistentvolumeclaims: (claim, context) => ({
    ...withPath(claim, ['spec', 'storageClassName'], objectOf(claim.spec).storageClassName ?? defaultClass(context)),
    status: { phase: 'Pending' },
  }),
  services: (service, context) => ({
    ...withField(service, 'spec', withAddress(objectOf(service.spec), context)),
    status: { loadBalancer: {} },
  }),
  'jobs.batch': (job) => withJobSelector(job),
  [DEFINITIONS]: (definition, { clock }) => established(definition, clock.now()),
};

const NODE_INFO = Object.fromEntries(
  [
    'machineID',
    'systemUUID',
    'bootID',
    'kernelVersion',
    'osImage',
    'containerRuntimeVersion',
    'kubeletVersion',
    'kubeProxyVersion',
    'operatingSystem',
    'architecture',
  ].map((field) => [field, '']),
);

const withOwnName = (namespace: JsonObject): JsonObject =>
  withPath(namespace, ['metadata', 'labels', 'kubernetes.io/metadata.name'], objectOf(namespace.metadata).name);

/** Kinds whose status may be given on creation, as kubelets and tests do with Nodes. */
const KEEPS_STATUS = new Set(['nodes', 'events', 'volumeattachments.storage.k8s.io']);

/** The object as it is created: defaults, an empty status, and what its kind needs. @throws ApiError */
export function admitNew(context: Context, resource: Resource, object: JsonObject): JsonObject {
  const { collection, schema, subresources } = resource;
  const hasStatus = subresources.some(({ name }) => name === 'status');
  const status = resource.custom === undefined ? emptyStatus(schema) : undefined;
  const fresh = hasStatus && !KEEPS_STATUS.has(collection) ? withField(object, 'status', status) : object;
  const complete = resource.custom === undefined ? withDefaults(encodeStringData(fresh), schema) : fresh;
  return ON_CREATE[collection]?.(complete, context, resource) ?? complete;
}

/** The object as it is updated: defaults of what is new in it. */
export function admitChanged(resource: Resource, object: JsonObject): JsonObject {
  if (resource.custom !== undefined) return object;
  const complete = withDefaults(encodeStringData(object), resource.schema);
  if (resource.collection === 'namespaces') return withOwnName(complete);
  if (resource.collection === 'nodes') return withField(complete, 'spec', objectOf(complete.spec));
  return resource.collection === 'pods'
    ? withSpec(withAddresses(complete), podRequests(objectOf(complete.spec)))
    : complete;
}

const withSpec = (object: JsonObject, spec: JsonObject): JsonObject => withField(object, 'spec', spec);

/** `stringData` of a Secret becomes `data`. */
function encodeStringData(object: JsonObject): JsonObject {
  if (!isObject(object.stringData)) return object;
  const { stringData, ...rest } = object;
  const encoded = Object.entries(objectOf(stringData)).map(([key, text]) => [
    key,
    Buffer.from(textOf(text)).toString('base64'),
  ]);
  return { ...rest, data: { ...objectOf(object.data), ...Object.fromEntries(encoded) } };
}

/** A Pod's one address, and the list that it is the first of. */
function withAddresses(pod: JsonObject): JsonObject {
  const { podIP, podIPs } = objectOf(pod.status);
  const isAlone = textOf(podIP) !== '' && listOf(podIPs).length === 0;
  return isAlone ? withPath(pod, ['status', 'podIPs'], [{ ip: podIP }]) : pod;
}

const EVICTING_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const TOLERATION_SECONDS = 300;

function admitPod(pod: JsonObject, context: Context, resource: Resource): JsonObject {
  const spec = podRequests(objectOf(pod.spec));
  const priority = priorityOf(spec, context, textOf(objectOf(pod.metadata).name), resource);
  const account = spec.serviceAccountName ?? 'default';
  return {
    ...pod,
    spec: {
      ...spec,
      ...(Number(spec.terminationGracePeriodSeconds) < 0 && { terminationGracePeriodSeconds: 1 }),
      serviceAccountName: account,
      serviceAccount: account,
      enableServiceLinks: spec.enableServiceLinks ?? true,
      tolerations: withEvictingTolerations(listOf(spec.tolerations)),
      ...priority,
    },
    status: { phase: 'Pending', ...gated(spec, context), qosClass: qosClassOf(spec) },
  };
}

/** What the server itself says of a Pod that waits at a gate. */
function gated({ schedulingGates }: JsonObject, { clock }: Context): JsonObject {
  if (listOf(schedulingGates).length === 0) return {};
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastTransitionTime: timeText(clock.now()),
  };
  return { conditions: [condition] };
}

function podRequests(spec: JsonObject): JsonObject {
  let result = spec;
  for (const field of ['containers', 'initContainers']) {
    const list = listOf(spec[field]);
    const complete = list.map((container) => requestsFromLimits(objectOf(container)));
    if (complete.some((container, index) => container !== list[index])) result = { ...result, [field]: complete };
  }
  return result;
}

/** Admission plugin DefaultTolerationSeconds. */
function withEvictingTolerations(tolerations: readonly unknown[]): readonly unknown[] {
  const missing = EVICTING_TAINTS.filter(
    (key) =>
      !tolerations.some((one) => {
        const { key: found = '', effect = '' } = objectOf(one);
        return (found === key || found === '') && (effect === 'NoExecute' || effect === '');
      }),
  );
  const added = missing.map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  return added.length === 0 ? tolerations : [...tolerations, ...added];
}

/** Admission plugin Priority. */
function priorityOf(spec: JsonObject, { store }: Context, pod: string, resource: Resource): JsonObject {
  const classes = store.collection('priorityclasses.scheduling.k8s.io').list();
  const wanted = spec.priorityClassName;
  const found =
    typeof wanted === 'string' && wanted !== ''
      ? classes.find(({ metadata }) => metadata.name === wanted)
      : classes.find(({ globalDefault }) => globalDefault === true);
  if (typeof wanted === 'string' && wanted !== '' && found === undefined) {
    throw forbidden(resource, pod, `no PriorityClass with name ${wanted} was found`);
  }
  return {
    priority: found?.value ?? 0,
    preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority',
    ...(found !== undefined && { priorityClassName: found.metadata.name }),
  };
}

function qosClassOf(spec: JsonObject): string {
  const all = containersOf(spec).map((container) => objectOf(container.resources));
  const amount = (resources: JsonObject, of: string, name: string) =>
    parseQuantity(textOf(objectOf(resources[of])[name])) ?? 0n;
  const names = ['cpu', 'memory'];
  const isEmpty = all.every((one) =>
    names.every((name) => amount(one, 'limits', name) + amount(one, 'requests', name) === 0n),
  );
  if (isEmpty) return 'BestEffort';
  const isFull = all.every((one) =>
    names.every(
      (name) => amount(one, 'limits', name) > 0n && amount(one, 'limits', name) === amount(one, 'requests', name),
    ),
  );
  return isFull ? 'Guaranteed' : 'Burstable';
}

function defaultClass({ store }: Context): string | undefined {
  const classes = store.collection('storageclasses.storage.k8s.io').list();
  const marked = classes.filter(
    ({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  );
  return marked.at(-1)?.metadata.name;
}

/** From 10.96.0.0/16, one after another. */
function withAddress(spec: JsonObject, { store }: Context): JsonObject {
  if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return spec;
  const taken = new Set(
    store
      .collection('services')
      .list()
      .map((service) => textOf(objectOf(service.spec).clusterIP)),
  );
  let number = taken.size + 1;
  const address = () => `10.96.${(number >> 8) & 0xff}.${number & 0xff}`;
  while (taken.has(address())) number += 1;
  const ip = textOf(spec.clusterIP) || address();
  return { ...spec, clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
}

/** A Job's Pods are known by its UID. */
function withJobSelector(job: JsonObject): JsonObject {
  const spec = objectOf(job.spec);
  if (spec.manualSelector === true || spec.selector !== undefined) return job;
  const { uid, name } = objectOf(job.metadata);
  const own = { 'batch.kubernetes.io/controller-uid': uid };
  const labels = { ...own, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  const template = objectOf(spec.template);
  const meta = objectOf(template.metadata);
  const labelled = { ...template, metadata: { ...meta, labels: { ...objectOf(meta.labels), ...labels } } };
  const { manualSelector: _, ...rest } = spec;
  return { ...job, spec: { ...rest, selector: { matchLabels: own }, template: labelled } };
}

/** Five characters of apimachinery's `rand.String`: no vowels, so that no word comes out. */
export function nameSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from(randomBytes(5), (byte) => alphabet[byte % alphabet.length]).join('');
}
