/** Checks of fields that must not change in objects of single kinds. */
import { parseQuantity } from '../../src/core/quantity.ts';
import { type Cause, forbiddenField, invalidValue } from '../errors.ts';
import { isSame, type JsonObject, listOf, objectOf, textOf, withField } from '../json.ts';
import { eventChangeCauses } from './events.ts';

type ValidateChange = (after: JsonObject, before: JsonObject) => readonly Cause[];

const specOf = (object: JsonObject): JsonObject => objectOf(object.spec);

const POD_CHANGES =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const CLAIM_CHANGES =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const STATEFUL_SET_FIXED = ['selector', 'volumeClaimTemplates', 'serviceName', 'podManagementPolicy'];

/** By the kind's collection. */
export const VALIDATE_CHANGE: Readonly<Record<string, ValidateChange>> = {
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
  'jobs.batch': (after, before) => [...sameSelector(after, before), ...jobChangeCauses(after, before)],
  persistentvolumeclaims: (after, before) =>
    isSame(fixedClaimSpec(after, before), specOf(before))
      ? shrinkCauses(after, before)
      : [forbiddenField('spec', CLAIM_CHANGES)],
  'statefulsets.apps': (after, before) => immutableFields(after, before, STATEFUL_SET_FIXED),
  secrets: (after, before) => [...immutableType(after, before), ...immutableData(after, before)],
  events: eventChangeCauses,
  configmaps: immutableData,
};

function sameSelector(after: JsonObject, before: JsonObject): readonly Cause[] {
  return immutableFields(after, before, ['selector']);
}

/** The template of a Job that has not started may still change. */
function jobChangeCauses(after: JsonObject, before: JsonObject): readonly Cause[] {
  const mayChange = specOf(before).suspend === true && objectOf(before.status).startTime === undefined;
  return immutableFields(after, before, mayChange ? ['completions'] : ['completions', 'template']);
}

/** @param fields of the spec. */
function immutableFields(after: JsonObject, before: JsonObject, fields: readonly string[]): readonly Cause[] {
  return fields
    .filter((field) => !isSame(specOf(after)[field], specOf(before)[field]))
    .map((field) => invalidValue(`spec.${field}`, specOf(after)[field] ?? null, 'field is immutable'));
}

/** The spec with its mutable parts reset: a claim is given its class and its volume once, and may grow while bound. */
function fixedClaimSpec(after: JsonObject, before: JsonObject): JsonObject {
  const [spec, old] = [specOf(after), specOf(before)];
  const free = [
    ...(textOf(old.volumeName) === '' ? ['volumeName'] : []),
    ...(old.storageClassName === undefined ? ['storageClassName'] : []),
    ...(objectOf(before.status).phase === 'Bound' ? ['resources', 'volumeAttributesClassName'] : []),
  ];
  return free.reduce((result, field) => withField(result, field, old[field]), spec);
}

function shrinkCauses(after: JsonObject, before: JsonObject): readonly Cause[] {
  const sizeOf = (resources: unknown, field: string): bigint =>
    parseQuantity(textOf(objectOf(objectOf(resources)[field]).storage)) ?? 0n;
  const wanted = sizeOf(specOf(after).resources, 'requests');
  const isLess = wanted < sizeOf(specOf(before).resources, 'requests') && wanted <= sizeOf(before.status, 'capacity');
  const field = 'spec.resources.requests.storage';
  return isLess ? [forbiddenField(field, 'field can not be less than status.capacity')] : [];
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

/** The spec without its mutable fields. */
function fixedPodSpec(spec: JsonObject, before: JsonObject): JsonObject {
  const { activeDeadlineSeconds: _, tolerations, schedulingGates: _g, ...rest } = spec;
  const withoutImages = (containers: unknown) => listOf(containers).map((one) => ({ ...objectOf(one), image: '' }));
  const kept = listOf(before.tolerations).every((old) => listOf(tolerations).some((one) => isSame(one, old)));
  return {
    ...rest,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
    // Apart from their seconds, tolerations may only be added.
    hasAllTolerations: kept,
  };
}
