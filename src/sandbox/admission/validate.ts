/** What objects of single kinds must satisfy, on creation and on change. */
import { matchesLabelSelector } from '../../core/selectors.ts';
import { type Cause, forbiddenField, invalidValue, notSupported, required } from '../errors.ts';
import { isSame, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { selectorOf } from '../selectors/objects.ts';
import { eventCauses, eventChangeCauses } from './events.ts';
import { metadataCauses, metadataChangeCauses } from './metadata.ts';
import { labelCauses, qualifiedNameFaults } from './names.ts';
import { CLAIM_NAMES, NOT_NEGATIVE, podSpecCauses, taintCauses } from './pod-spec.ts';

type Validate = (object: JsonObject, resource: Resource) => readonly Cause[];
type ValidateChange = (after: JsonObject, before: JsonObject) => readonly Cause[];

const specOf = (object: JsonObject): JsonObject => objectOf(object.spec);

const VALIDATE: Readonly<Record<string, Validate>> = {
  pods: (pod) => podSpecCauses(specOf(pod), 'spec'),
  nodes: (node) => taintCauses(listOf(specOf(node).taints)),
  'deployments.apps': (object) => [...workloadCauses(object), ...strategyCauses(specOf(object))],
  'replicasets.apps': workloadCauses,
  'statefulsets.apps': workloadCauses,
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

const POD_CHANGES =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const STATEFUL_SET_CHANGES =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const STATEFUL_SET_CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const VALIDATE_CHANGE: Readonly<Record<string, ValidateChange>> = {
  pods: (after, before) =>
    isSame(fixedPodSpec(specOf(after), specOf(before)), fixedPodSpec(specOf(before), specOf(before)))
      ? []
      : [forbiddenField('spec', POD_CHANGES)],
  nodes: (after, before) =>
    textOf(specOf(before).providerID) === '' || specOf(after).providerID === specOf(before).providerID
      ? []
      : [forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid')],
  'deployments.apps': sameSelector,
  'replicasets.apps': sameSelector,
  'daemonsets.apps': sameSelector,
  'jobs.batch': sameSelector,
  'statefulsets.apps': (after, before) => {
    const fixed = (object: JsonObject) =>
      Object.fromEntries(Object.entries(specOf(object)).filter(([field]) => !STATEFUL_SET_CHANGEABLE.includes(field)));
    return isSame(fixed(after), fixed(before)) ? [] : [forbiddenField('spec', STATEFUL_SET_CHANGES)];
  },
  secrets: (after, before) => [...immutableType(after, before), ...immutableData(after, before)],
  events: eventChangeCauses,
  configmaps: immutableData,
};

/** Kinds whose content stands beside the metadata. */
const WITHOUT_SPEC = new Set(['secrets', 'configmaps', 'events']);

/** Everything that is wrong with a new object. */
export function faultsOfNew(resource: Resource, object: JsonObject): readonly Cause[] {
  const known = resource.custom === undefined ? VALIDATE[resource.collection] : undefined;
  const own = [
    ...(known?.(object, resource) ?? []),
    ...(resource.collection === 'pods' ? gateCauses(specOf(object)) : []),
  ];
  // Of budgets the metadata are looked at last, when all else is right.
  if (resource.collection === 'poddisruptionbudgets.policy' && own.length > 0) return own;
  return [...metadataCauses(resource, object), ...own];
}

/** Everything that is wrong with a change: first what must not change, then what is wrong anyway. */
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

function sameSelector(after: JsonObject, before: JsonObject): readonly Cause[] {
  const [selector, old] = [specOf(after).selector, specOf(before).selector];
  return isSame(selector, old) ? [] : [invalidValue('spec.selector', selector, 'field is immutable')];
}

function immutableType(after: JsonObject, before: JsonObject): readonly Cause[] {
  return after.type === before.type ? [] : [invalidValue('type', after.type, 'field is immutable')];
}

function immutableData(after: JsonObject, before: JsonObject): readonly Cause[] {
  if (before.immutable !== true) return [];
  const causes: Cause[] = [];
  if (after.immutable !== true) causes.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
  for (const field of ['data', 'binaryData']) {
    if (!isSame(after[field], before[field])) {
      causes.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
    }
  }
  return causes;
}

/** The spec without what may change. */
function fixedPodSpec(spec: JsonObject, before: JsonObject): JsonObject {
  const { activeDeadlineSeconds: _, tolerations, schedulingGates: _g, ...rest } = spec;
  const withoutImages = (containers: unknown) => listOf(containers).map((one) => ({ ...objectOf(one), image: '' }));
  const kept = listOf(before.tolerations).every((old) => listOf(tolerations).some((one) => isSame(one, old)));
  return {
    ...rest,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
    // Their seconds aside, tolerations may only be added.
    hasAllTolerations: kept,
  };
}

/** A Pod that is on a Node does not wait to be scheduled. */
function gateCauses({ nodeName, schedulingGates }: JsonObject): Cause[] {
  const isHeld = textOf(nodeName) !== '' && listOf(schedulingGates).length > 0;
  return isHeld ? [forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')] : [];
}

const STRATEGIES = ['Recreate', 'RollingUpdate'];

function strategyCauses({ strategy, minReadySeconds }: JsonObject): Cause[] {
  const { type, rollingUpdate } = objectOf(strategy);
  return [
    ...(STRATEGIES.includes(textOf(type)) ? [] : [notSupported('spec.strategy', type, STRATEGIES)]),
    ...(type === 'Recreate' && rollingUpdate !== undefined
      ? [forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
      : []),
    ...((numberOf(minReadySeconds) ?? 0) < 0
      ? [invalidValue('spec.minReadySeconds', minReadySeconds, NOT_NEGATIVE)]
      : []),
  ];
}

function replicasCauses({ replicas }: JsonObject): Cause[] {
  return (numberOf(replicas) ?? 0) < 0 ? [invalidValue('spec.replicas', replicas, NOT_NEGATIVE)] : [];
}

function workloadCauses(object: JsonObject): readonly Cause[] {
  const spec = specOf(object);
  const template = objectOf(spec.template);
  const labels = objectOf(template.metadata).labels;
  const selector = selectorOf(spec.selector);
  const claims = listOf(spec.volumeClaimTemplates).map((claim) => objectOf(objectOf(claim).metadata).name);
  const podSpec = { ...objectOf(template.spec), [CLAIM_NAMES]: claims };
  const isEmpty = selector !== undefined && Object.keys(objectOf(spec.selector)).length === 0;
  const policy = objectOf(template.spec).restartPolicy;
  const selectorFaults = selectorCauses(spec.selector, 'spec.selector');
  // A selector that cannot be read ends the search for faults of the template.
  if (selectorFaults.length > 0)
    return [
      ...replicasCauses(spec),
      ...selectorFaults,
      invalidValue('spec.selector', spec.selector, 'invalid label selector'),
    ];
  return [
    ...replicasCauses(spec),
    ...(selector === undefined ? [required('spec.selector')] : []),
    ...(isEmpty ? [invalidValue('spec.selector', spec.selector, 'empty selector is invalid for deployment')] : []),
    ...labelCauses(labels, 'spec.template.labels'),
    ...(selector !== undefined && matchesLabelSelector(selector, objectOf(labels) as Record<string, string>)
      ? []
      : [invalidValue('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`')]),
    ...podSpecCauses(podSpec, 'spec.template.spec'),
    ...(policy === undefined || policy === 'Always'
      ? []
      : [notSupported('spec.template.spec.restartPolicy', policy, ['Always'])]),
  ];
}

function jobCauses(spec: JsonObject, path: string): Cause[] {
  const policies = ['OnFailure', 'Never'];
  const isAllowed = policies.includes(textOf(spec.restartPolicy));
  // The default of a Pod is no valid choice for a Job, and the server says it in these words.
  const policy: Cause[] = isAllowed
    ? []
    : [
        {
          reason: 'FieldValueRequired',
          field: `${path}.restartPolicy`,
          message: `Required value: valid values: ${policies.map((one) => JSON.stringify(one)).join(', ')}`,
        },
      ];
  return [...podSpecCauses(spec, path), ...policy];
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** As `ValidateLabelSelector` of apimachinery. */
function selectorCauses(selector: unknown, path: string): Cause[] {
  const { matchLabels, matchExpressions } = objectOf(selector);
  const expressions = listOf(matchExpressions).flatMap((each, index): Cause[] => {
    const { key, operator, values } = objectOf(each);
    const at = `${path}.matchExpressions[${index}]`;
    const needsValues = operator === 'In' || operator === 'NotIn';
    const hasValues = listOf(values).length > 0;
    return [
      ...(needsValues && !hasValues
        ? [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(!needsValues && hasValues && OPERATORS.includes(textOf(operator))
        ? [forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : []),
      ...(OPERATORS.includes(textOf(operator))
        ? []
        : [invalidValue(`${at}.operator`, operator, 'not a valid selector operator')]),
      ...qualifiedNameFaults(textOf(key)).map((why) => invalidValue(`${at}.key`, key, why)),
    ];
  });
  return [...labelCauses(matchLabels, `${path}.matchLabels`), ...expressions];
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
