/** Validation of objects of single kinds, on creation and on change. */
import { type Cause, forbiddenField, invalidValue, notSupported, required } from '../errors.ts';
import { isSame, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { VALIDATE_CHANGE } from './changes.ts';
import { eventCauses } from './events.ts';
import { metadataCauses, metadataChangeCauses } from './metadata.ts';
import { NOT_NEGATIVE, podSpecCauses, taintCauses } from './pod-spec.ts';
import { serviceCauses } from './ports.ts';
import { selectorCauses } from './selectors.ts';
import { jobCauses, replicasCauses, statefulSetCauses, strategyCauses, workloadCauses } from './workloads.ts';

type Validate = (object: JsonObject, resource: Resource) => readonly Cause[];

const specOf = (object: JsonObject): JsonObject => objectOf(object.spec);

const VALIDATE: Readonly<Record<string, Validate>> = {
  pods: (pod) => podSpecCauses(specOf(pod), 'spec'),
  nodes: (node) => taintCauses(listOf(specOf(node).taints)),
  'deployments.apps': (object) => [...workloadCauses(object), ...strategyCauses(specOf(object))],
  'replicasets.apps': workloadCauses,
  'statefulsets.apps': statefulSetCauses,
  'daemonsets.apps': workloadCauses,
  replicationcontrollers: (controller) => [
    ...replicasCauses(specOf(controller)),
    ...podSpecCauses(objectOf(objectOf(specOf(controller).template).spec), 'spec.template.spec'),
  ],
  'jobs.batch': (job) => jobCauses(objectOf(objectOf(specOf(job).template).spec), 'spec.template.spec'),
  'cronjobs.batch': (job) => [
    ...(textOf(specOf(job).schedule) === '' ? [required('spec.schedule')] : []),
    ...jobCauses(
      objectOf(objectOf(specOf(objectOf(specOf(job).jobTemplate)).template).spec),
      'spec.jobTemplate.spec.template.spec',
    ),
  ],
  services: serviceCauses,
  'poddisruptionbudgets.policy': budgetCauses,
  'leases.coordination.k8s.io': (lease) => leaseCauses(specOf(lease)),
  persistentvolumeclaims: (claim) => [
    ...(listOf(specOf(claim).accessModes).length === 0
      ? [required('spec.accessModes', 'at least 1 access mode is required')]
      : []),
    ...(objectOf(objectOf(specOf(claim).resources).requests).storage === undefined
      ? [required('spec.resources[storage]')]
      : []),
  ],
  configmaps: keyCauses,
  events: eventCauses,
  secrets: keyCauses,
  'storageclasses.storage.k8s.io': (object) => (textOf(object.provisioner) === '' ? [required('provisioner')] : []),
};

/** Kinds whose content is beside the metadata, without a spec. */
const WITHOUT_SPEC = new Set(['secrets', 'configmaps', 'events']);

/** All faults of a new object. */
export function faultsOfNew(resource: Resource, object: JsonObject): readonly Cause[] {
  const known = resource.custom === undefined ? VALIDATE[resource.collection] : undefined;
  const own = [
    ...(known?.(object, resource) ?? []),
    ...(resource.collection === 'pods' ? gateCauses(specOf(object)) : []),
  ];
  // The metadata of budgets are checked last, when everything else is valid.
  if (resource.collection === 'poddisruptionbudgets.policy' && own.length > 0) return own;
  return [...metadataCauses(resource, object), ...own];
}

/** All faults of a change: first changes of immutable fields, then faults of the object itself. */
export function faultsOfChange(resource: Resource, after: JsonObject, before: JsonObject): readonly Cause[] {
  const rules = resource.custom === undefined ? resource.collection : '';
  const isSpecSame = isSame(after.spec, before.spec) && !WITHOUT_SPEC.has(resource.collection);
  return [
    ...metadataChangeCauses(after, before),
    ...(after.metadata === before.metadata ? [] : metadataCauses(resource, after)),
    ...(isSpecSame ? [] : (VALIDATE[rules]?.(after, resource) ?? [])),
    ...(isSpecSame ? [] : (VALIDATE_CHANGE[rules]?.(after, before) ?? [])),
  ];
}

/** A Pod that is on a Node does not wait to be scheduled. */
function gateCauses({ nodeName, schedulingGates }: JsonObject): Cause[] {
  const isHeld = textOf(nodeName) !== '' && listOf(schedulingGates).length > 0;
  return isHeld ? [forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')] : [];
}

const PERCENT = /^[0-9]+%$/;
const PERCENT_FAULT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

function budgetCauses(object: JsonObject): readonly Cause[] {
  const spec = specOf(object);
  const { minAvailable, maxUnavailable, selector = null, unhealthyPodEvictionPolicy = null } = spec;
  const causes: Cause[] = [...selectorCauses(selector, 'spec.selector')];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy,
    };
    causes.push(invalidValue('spec', shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [field, value] of [
    ['minAvailable', minAvailable],
    ['maxUnavailable', maxUnavailable],
  ] as const) {
    if (typeof value === 'string' && !PERCENT.test(value))
      causes.push(invalidValue(`spec.${field}`, value, PERCENT_FAULT));
    if (typeof value === 'string' && Number.parseInt(value, 10) > 100) {
      causes.push(invalidValue(`spec.${field}`, value, 'must not be greater than 100%'));
    }
    if (typeof value === 'number' && value < 0) causes.push(invalidValue(`spec.${field}`, value, NOT_NEGATIVE));
  }
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (unhealthyPodEvictionPolicy !== null && !policies.includes(textOf(unhealthyPodEvictionPolicy))) {
    causes.push(notSupported('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, policies));
  }
  return causes;
}

const DATA_KEY = /^[-._a-zA-Z0-9]+$/;
const DATA_KEY_FAULT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function keyCauses(object: JsonObject): readonly Cause[] {
  return ['data', 'binaryData'].flatMap((field) =>
    Object.keys(objectOf(object[field]))
      .filter((key) => !DATA_KEY.test(key))
      .map((key) => invalidValue(`${field}[${key}]`, key, DATA_KEY_FAULT)),
  );
}

function leaseCauses({ leaseDurationSeconds: seconds, leaseTransitions: transitions }: JsonObject): Cause[] {
  return [
    ...(seconds !== undefined && Number(seconds) <= 0
      ? [invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
      : []),
    ...(transitions !== undefined && Number(transitions) < 0
      ? [invalidValue('spec.leaseTransitions', transitions, NOT_NEGATIVE)]
      : []),
  ];
}
