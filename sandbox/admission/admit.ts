/** The additions of the server to objects of single kinds when they are created or changed, beyond the defaults of their types. */
import type { Context } from '../context.ts';
import { DEFINITIONS, established } from '../custom/established.ts';
import { isObject, type JsonObject, objectOf, textOf, withField, withPath } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { emptyStatus, withDefaults } from './defaults.ts';
import { admitPod, podRequests, withAddresses } from './pods.ts';
import { withAddress, withKeptAddress } from './services.ts';
import { admitClaim, admitVolume, withTransition } from './volumes.ts';
import { withJobSelector, withTemplateGeneration, withTemplateLabels } from './workload-additions.ts';

const specOf = (object: JsonObject): JsonObject => objectOf(object.spec);
const withSpec = (object: JsonObject, spec: JsonObject): JsonObject => withField(object, 'spec', spec);

type Admit = (object: JsonObject, context: Context, resource: Resource) => JsonObject;

/** On creation, after the defaults, by collection. */
const ON_CREATE: Readonly<Record<string, Admit>> = {
  pods: admitPod,
  namespaces: (namespace) => ({
    ...withOwnName(namespace),
    spec: { ...specOf(namespace), finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  nodes: (node) => ({
    ...node,
    spec: specOf(node),
    status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: NODE_INFO, ...objectOf(node.status) },
  }),
  persistentvolumes: admitVolume,
  persistentvolumeclaims: admitClaim,
  services: (service, context) => ({
    ...withSpec(service, withAddress(specOf(service), context)),
    status: { loadBalancer: {} },
  }),
  'jobs.batch': withJobSelector,
  'daemonsets.apps': (set) => withTemplateGeneration(set),
  replicationcontrollers: withTemplateLabels,
  [DEFINITIONS]: (definition, { clock }) => established(definition, clock.now()),
};

type AdmitChange = (object: JsonObject, before: JsonObject, context: Context) => JsonObject;

/** On every change, after the defaults, by collection. */
const ON_CHANGE: Readonly<Record<string, AdmitChange>> = {
  pods: (pod) => withSpec(withAddresses(pod), podRequests(specOf(pod))),
  namespaces: (namespace) => withOwnName(namespace),
  nodes: (node) => withSpec(node, specOf(node)),
  services: (service, before) => withSpec(service, withKeptAddress(specOf(service), specOf(before))),
  persistentvolumes: withTransition,
  'daemonsets.apps': withTemplateGeneration,
  replicationcontrollers: (controller) => withTemplateLabels(controller),
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

/** Kinds whose status may be set on creation, as kubelets and tests do with Nodes. */
const KEEPS_STATUS = new Set(['nodes', 'events', 'volumeattachments.storage.k8s.io']);

/** The object as it is created: with defaults, an empty status, and additions for its kind. @throws ApiError */
export function admitNew(context: Context, resource: Resource, object: JsonObject): JsonObject {
  const { collection, schema, subresources } = resource;
  const hasStatus = subresources.some(({ name }) => name === 'status');
  const status = resource.custom === undefined ? emptyStatus(schema) : undefined;
  const fresh = hasStatus && !KEEPS_STATUS.has(collection) ? withField(object, 'status', status) : object;
  const complete = resource.custom === undefined ? withDefaults(encodeStringData(fresh), schema) : fresh;
  return ON_CREATE[collection]?.(complete, context, resource) ?? complete;
}

/** The object as it is updated: with defaults for new parts, and additions for its kind. */
export function admitChanged(context: Context, resource: Resource, object: JsonObject, before: JsonObject): JsonObject {
  if (resource.custom !== undefined) return object;
  const complete = withDefaults(encodeStringData(object), resource.schema);
  return ON_CHANGE[resource.collection]?.(complete, before, context) ?? complete;
}

/** The validated object as the server reads it back: with defaults that follow from its own additions. */
export const readBack = ({ collection }: Resource, object: JsonObject): JsonObject =>
  collection === 'jobs.batch' ? withTemplateLabels(object) : object;

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
