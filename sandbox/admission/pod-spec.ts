/** Validation of a Pod's spec, alone or in a template (kubernetes `pkg/apis/core/validation`), as far as the sandbox needs it. */
import { parseQuantity } from '../../src/core/quantity.ts';
import { type Cause, duplicate, invalidValue, notSupported, required } from '../errors.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { dnsLabelFaults, labelCauses, qualifiedNameFaults } from './names.ts';
import { containerPortCauses } from './ports.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** @param path of the spec: `spec`, `spec.template.spec` */
export function podSpecCauses(spec: JsonObject, path: string): Cause[] {
  const volumes = listOf(spec.volumes).map((volume) => textOf(objectOf(volume).name));
  const containers = listOf(spec.containers);
  const names = new Set<string>();
  return [
    ...volumes.flatMap((name, index) =>
      volumeCauses(name, volumes.indexOf(name) !== index, `${path}.volumes[${index}]`),
    ),
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...containers.flatMap((container, index) =>
      containerCauses(objectOf(container), `${path}.containers[${index}]`, volumes, spec, names),
    ),
    ...listOf(spec.initContainers).flatMap((container, index) =>
      containerCauses(objectOf(container), `${path}.initContainers[${index}]`, volumes, spec, names),
    ),
    ...(spec.restartPolicy === undefined || RESTART_POLICIES.includes(textOf(spec.restartPolicy))
      ? []
      : [notSupported(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES)]),
    ...labelCauses(spec.nodeSelector, `${path}.nodeSelector`),
    ...listOf(spec.tolerations).flatMap((one, index) =>
      tolerationCauses(objectOf(one), `${path}.tolerations[${index}]`),
    ),
  ];
}

export const NOT_NEGATIVE = 'must be greater than or equal to 0';

function volumeCauses(name: string, isSecond: boolean, path: string): Cause[] {
  if (name === '') return [required(`${path}.name`)];
  if (isSecond) return [duplicate(`${path}.name`, name)];
  return dnsLabelFaults(name).map((fault) => invalidValue(`${path}.name`, name, fault));
}

function containerCauses(
  container: JsonObject,
  path: string,
  volumes: readonly string[],
  spec: JsonObject,
  names: Set<string>,
): Cause[] {
  const name = textOf(container.name);
  const isSecond = name !== '' && names.has(name);
  names.add(name);
  // Claims of a StatefulSet become volumes of its Pods; their names are not known in the template.
  const known = new Set([...volumes, ...listOf(spec[CLAIM_NAMES]).map(textOf)]);
  return [
    ...(name === '' ? [required(`${path}.name`)] : []),
    ...(name === '' ? [] : dnsLabelFaults(name).map((fault) => invalidValue(`${path}.name`, name, fault))),
    ...(isSecond ? [duplicate(`${path}.name`, name)] : []),
    ...(textOf(container.image) === '' ? [required(`${path}.image`)] : []),
    ...listOf(container.env).flatMap((variable, index) =>
      variableNameCauses(textOf(objectOf(variable).name), `${path}.env[${index}].name`),
    ),
    ...containerPortCauses(listOf(container.ports), `${path}.ports`),
    ...listOf(container.volumeMounts).flatMap((mount, index) => {
      const volume = textOf(objectOf(mount).name);
      if (known.has(volume)) return [];
      const field = `${path}.volumeMounts[${index}].name`;
      return [{ reason: 'FieldValueNotFound', field, message: `Not found: ${JSON.stringify(volume)}` } as const];
    }),
    ...resourceCauses(objectOf(container.resources), `${path}.resources`),
  ];
}

const VARIABLE_FAULT =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

function variableNameCauses(name: string, path: string): Cause[] {
  if (name === '') return [required(path)];
  return /^[ -<>-~]+$/.test(name) ? [] : [invalidValue(path, name, VARIABLE_FAULT)];
}

/** The key under which the caller passes names of volumes that the spec itself does not list. */
export const CLAIM_NAMES = '(claims)';

const QUANTITY_FAULT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function resourceCauses({ limits, requests }: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  for (const [field, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, amount] of Object.entries(objectOf(amounts))) {
      const quantity = parseQuantity(textOf(amount));
      const at = `${path}.${field}[${name}]`;
      if (quantity === undefined) causes.push(invalidValue(at, amount, QUANTITY_FAULT));
      else if (quantity < 0n) causes.push(invalidValue(at, amount, NOT_NEGATIVE));
    }
  }
  for (const [name, amount] of Object.entries(objectOf(requests))) {
    const limit = isObject(limits) ? limits[name] : undefined;
    const [asked, most] = [parseQuantity(textOf(amount)), parseQuantity(textOf(limit))];
    if (asked !== undefined && most !== undefined && asked > most) {
      const detail = `must be less than or equal to ${name} limit of ${textOf(limit)}`;
      causes.push(invalidValue(`${path}.requests`, amount, detail));
    }
  }
  return causes;
}

function tolerationCauses(
  { key = '', operator = '', effect = '', value = '', tolerationSeconds }: JsonObject,
  path: string,
) {
  const causes: Cause[] = [];
  if (key !== '')
    causes.push(...qualifiedNameFaults(textOf(key)).map((fault) => invalidValue(`${path}.key`, key, fault)));
  if (key === '' && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    causes.push(invalidValue(`${path}.operator`, operator, detail));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    causes.push(invalidValue(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  if (operator === 'Exists' && value !== '') {
    causes.push(invalidValue(`${path}.operator`, operator, "value must be empty when `operator` is 'Exists'"));
  }
  if (!['', 'Equal', 'Exists'].includes(textOf(operator))) {
    causes.push(notSupported(`${path}.operator`, operator, ['Equal', 'Exists']));
  }
  if (effect !== '' && !EFFECTS.includes(textOf(effect))) causes.push(notSupported(`${path}.effect`, effect, EFFECTS));
  return causes;
}

export function taintCauses(taints: readonly unknown[]): Cause[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const { key, value = '', effect, timeAdded = null } = objectOf(taint);
    const path = `metadata.taints[${index}]`;
    const id = `${textOf(key)}:${textOf(effect)}`;
    const isSecond = seen.has(id);
    seen.add(id);
    const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
    return [
      ...qualifiedNameFaults(textOf(key)).map((fault) => invalidValue(`${path}.key`, key, fault)),
      ...labelCauses({ key: value }, `${path}.value`),
      ...(textOf(effect) === '' ? [required(`${path}.effect`)] : []),
      ...(textOf(effect) === '' || EFFECTS.includes(textOf(effect))
        ? []
        : [notSupported(`${path}.effect`, effect, EFFECTS)]),
      ...(isSecond
        ? [
            {
              reason: 'FieldValueDuplicate',
              field: path,
              message: `Duplicate value: ${shown}: taints must be unique by key and effect pair`,
            } as const,
          ]
        : []),
    ];
  });
}
