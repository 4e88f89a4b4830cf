/** Validation of every object's metadata (apimachinery `api/validation/objectmeta.go`). */
import { type Cause, forbiddenField, invalidValue, required } from '../errors.ts';
import { isObject, isSame, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import {
  annotationCauses,
  dnsLabelFaults,
  dnsSubdomainFaults,
  labelCauses,
  pathSegmentFaults,
  qualifiedNameFaults,
} from './names.ts';

export function metadataCauses(resource: Resource, object: JsonObject): Cause[] {
  const meta = objectOf(object.metadata);
  return [
    ...nameCauses(resource, meta),
    ...labelCauses(meta.labels, 'metadata.labels'),
    ...annotationCauses(meta.annotations, 'metadata.annotations'),
    ...ownerCauses(listOf(meta.ownerReferences)),
    ...finalizerCauses(listOf(meta.finalizers), !QUALIFYING.has(resource.group) || resource.custom !== undefined),
  ];
}

/** Fields that must not change, and changes that a deletion forbids. */
export function metadataChangeCauses(after: JsonObject, before: JsonObject): Cause[] {
  const [meta, old] = [objectOf(after.metadata), objectOf(before.metadata)];
  const fixed = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'];
  const causes = fixed
    .filter((field) => !isSame(meta[field], old[field]))
    .map((field) => invalidValue(`metadata.${field}`, meta[field], 'field is immutable'));
  if (old.deletionTimestamp === undefined) return causes;
  const known = listOf(old.finalizers);
  const added = listOf(meta.finalizers).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return causes;
  const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  return [...causes, forbiddenField('metadata.finalizers', detail)];
}

/** Kinds whose names become parts of host names. */
const DNS_LABEL_NAMES = new Set(['namespaces', 'services']);

function nameCauses(resource: Resource, { name, generateName }: JsonObject): Cause[] {
  const [whole, prefix] = [textOf(name), textOf(generateName)];
  const faultsOf = nameRuleOf(resource);
  // The generated suffix completes the name.
  const masked = prefix.replace(/-$/, 'a');
  const faults = prefix === '' ? [] : faultsOf(masked);
  return [
    ...faults.map((fault) => invalidValue('metadata.generateName', generateName, fault)),
    ...(whole === '' && prefix === '' ? [required('metadata.name', 'name or generateName is required')] : []),
    ...(whole === '' ? [] : faultsOf(whole)).map((fault) => invalidValue('metadata.name', name, fault)),
  ];
}

function nameRuleOf({ group, plural, collection }: Resource): (name: string) => readonly string[] {
  // There is no rule for the names of budgets.
  if (group === 'rbac.authorization.k8s.io' || collection === 'poddisruptionbudgets.policy') return pathSegmentFaults;
  return DNS_LABEL_NAMES.has(collection) && plural !== 'events' ? dnsLabelFaults : dnsSubdomainFaults;
}

function ownerCauses(owners: readonly unknown[]): Cause[] {
  const path = 'metadata.ownerReferences';
  const causes = owners.flatMap((owner, index) => {
    const fields = objectOf(owner);
    return ['apiVersion', 'kind', 'name', 'uid']
      .filter((field) => textOf(fields[field]) === '')
      .map((field) => required(`${path}[${index}].${field}`, 'must not be empty'));
  });
  const controllers = owners.filter((owner) => isObject(owner) && owner.controller === true);
  if (controllers.length < 2) return causes;
  const kinds = controllers.map((owner) => `${textOf(objectOf(owner).kind)}/${textOf(objectOf(owner).name)}`);
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${kinds.join(' and ')}`;
  return [...causes, invalidValue('metadata.ownerReferences', owners, detail)];
}

/** Groups whose kinds are checked like the core ones: a finalizer without a domain must be a known one. */
const QUALIFYING = new Set(['', 'apps', 'batch', 'events.k8s.io']);
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);
const UNQUALIFIED = 'name is neither a standard finalizer name nor is it fully qualified';

function finalizerCauses(finalizers: readonly unknown[], mayBeShort: boolean): Cause[] {
  const causes = finalizers.flatMap((finalizer, index) => [
    ...qualifiedNameFaults(textOf(finalizer)).map((fault) => invalidValue('metadata.finalizers', finalizer, fault)),
    ...(mayBeShort || textOf(finalizer).includes('/') || STANDARD_FINALIZERS.has(textOf(finalizer))
      ? []
      : [invalidValue(`metadata.finalizers[${index}]`, finalizer, UNQUALIFIED)]),
  ]);
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const detail = 'finalizer orphan and foregroundDeletion cannot be both set';
    return [...causes, invalidValue('metadata.finalizers', finalizers, detail)];
  }
  return causes;
}
