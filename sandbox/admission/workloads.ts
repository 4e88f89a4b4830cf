/** Validation of workloads and Jobs. */
import { matchesLabelSelector } from '../../src/core/selectors.ts';
import { type Cause, forbiddenField, invalidValue, notSupported, required } from '../errors.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { selectorOf } from '../selectors/objects.ts';
import { labelCauses } from './names.ts';
import { CLAIM_NAMES, NOT_NEGATIVE, podSpecCauses } from './pod-spec.ts';
import { selectorCauses } from './selectors.ts';

const STRATEGIES = ['Recreate', 'RollingUpdate'];

export function strategyCauses({ strategy, minReadySeconds }: JsonObject): Cause[] {
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

export function replicasCauses({ replicas }: JsonObject): Cause[] {
  return (numberOf(replicas) ?? 0) < 0 ? [invalidValue('spec.replicas', replicas, NOT_NEGATIVE)] : [];
}

export function workloadCauses(object: JsonObject): readonly Cause[] {
  const spec = objectOf(object.spec);
  const template = objectOf(spec.template);
  const labels = objectOf(template.metadata).labels;
  const selector = selectorOf(spec.selector);
  const claims = listOf(spec.volumeClaimTemplates).map((claim) => objectOf(objectOf(claim).metadata).name);
  const podSpec = { ...objectOf(template.spec), [CLAIM_NAMES]: claims };
  const isEmpty = selector !== undefined && Object.keys(objectOf(spec.selector)).length === 0;
  const policy = objectOf(template.spec).restartPolicy;
  const selectorFaults = selectorCauses(spec.selector, 'spec.selector');
  const kind = textOf(object.kind);
  // After an invalid selector the server does not check the template.
  if (selectorFaults.length > 0)
    return [
      ...replicasCauses(spec),
      ...selectorFaults,
      ...(kind === 'DaemonSet' ? [] : [invalidValue('spec.selector', spec.selector, 'invalid label selector')]),
    ];
  return [
    ...replicasCauses(spec),
    ...(selector === undefined ? [required('spec.selector')] : []),
    ...(isEmpty
      ? [invalidValue('spec.selector', spec.selector, `empty selector is invalid for ${kind.toLowerCase()}`)]
      : []),
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

const POD_MANAGEMENT = ['OrderedReady', 'Parallel'];

export function statefulSetCauses(object: JsonObject): readonly Cause[] {
  const { podManagementPolicy } = objectOf(object.spec);
  const isKnown = POD_MANAGEMENT.includes(textOf(podManagementPolicy));
  const wanted = `must be ${POD_MANAGEMENT.map((policy) => `'${policy}'`).join(' or ')}`;
  return [
    ...(isKnown ? [] : [invalidValue('spec.podManagementPolicy', podManagementPolicy, wanted)]),
    ...workloadCauses(object),
  ];
}

export function jobCauses(spec: JsonObject, path: string): Cause[] {
  const policies = ['OnFailure', 'Never'];
  const isAllowed = policies.includes(textOf(spec.restartPolicy));
  // A Pod's default is not valid for a Job, and the server uses this message.
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
