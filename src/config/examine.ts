/** Validates a configuration again with defaults in place of invalid values, so that one run reports every fault. */
import { type ConfigFault, isMapping, type Path } from './faults.ts';
import { type Configuration, checkConfiguration } from './schema.ts';

type Mapping = Readonly<Record<string, unknown>>;

export interface Examination {
  readonly faults: readonly ConfigFault[];
  /** The data, with `standIns` in place of invalid values. */
  readonly sound: Mapping;
  /** Absent if there are faults. */
  readonly configuration: Configuration | undefined;
}

/**
 * Checks a configuration, then once more with defaults in place of invalid values: a schema checks a condition on several values only if
 * each of them is valid.
 *
 * @param standIns the defaults; an invalid value without one is left out.
 */
export function examine(data: Mapping, standIns: Mapping): Examination {
  const first = checkConfiguration(data);
  if (first.is === 'ok') return { faults: [], sound: data, configuration: first.configuration };
  const repaired = repair(data, first.faults, standIns);
  const second = checkConfiguration(repaired);
  if (second.is === 'ok') return { faults: first.faults, sound: repaired, configuration: undefined };
  const further = second.faults.filter(({ path }) => !first.faults.some((fault) => concerns(fault, path)));
  return {
    faults: [...first.faults, ...further],
    sound: repair(repaired, second.faults, standIns),
    configuration: undefined,
  };
}

/** Whether one path is a prefix of the other, or both are the same. */
export function meet(a: Path, b: Path): boolean {
  return a.every((part, index) => index >= b.length || part === b[index]);
}

/** Whether a fault makes it unclear what is wanted at a path. */
export function concerns(fault: ConfigFault, path: Path): boolean {
  return meet(fault.path, path) || (fault.meant !== undefined && meet(fault.meant, path));
}

function repair(data: Mapping, faults: readonly ConfigFault[], standIns: Mapping): Mapping {
  return faults.reduce((repaired, { path }) => withStandIn(repaired, path, standIns), data);
}

/** Defaults are at most as deep as a section and its key. */
function withStandIn(data: Mapping, [section = '', key]: Path, standIns: Mapping): Mapping {
  const content = data[section];
  if (key === undefined || !isMapping(content)) return replaceKey(data, String(section), standIns);
  const defaults = standIns[section];
  return { ...data, [section]: replaceKey(content, String(key), isMapping(defaults) ? defaults : {}) };
}

function replaceKey(data: Mapping, key: string, standIns: Mapping): Mapping {
  const { [key]: _atFault, ...rest } = data;
  return Object.hasOwn(standIns, key) ? { ...rest, [key]: standIns[key] } : rest;
}
