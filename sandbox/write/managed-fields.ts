/** Which client wrote which fields, and when: `metadata.managedFields`, as maintained by the API server. */
import { isObject, isSame, type JsonObject, listOf, objectOf, textOf, withPath } from '../json.ts';
import type { Schema } from '../kinds/schema.ts';
import { common, compare, EMPTY, type FieldSet, isEmptySet, union, without } from './field-set.ts';

export interface Writer {
  readonly manager: string;
  readonly operation: 'Update' | 'Apply';
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** RFC 3339. */
  readonly time: string;
}

export interface Entry extends Writer {
  readonly fields: FieldSet;
}

/** apiserver `fieldmanager.DefaultMaxUpdateManagers`: beyond that, older ones are merged into one. */
const MAX_UPDATE_MANAGERS = 10;
const ANCIENT = 'ancient-changes';

/** Fields of the server itself, which have no owner. */
const UNOWNED: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
    'f:deletionTimestamp': {},
    'f:deletionGracePeriodSeconds': {},
  },
};
const UNOWNED_META = objectOf(UNOWNED['f:metadata']);

/** Without fields that have no owner. */
export function ownable(set: FieldSet): FieldSet {
  const { 'f:apiVersion': _a, 'f:kind': _k, 'f:metadata': meta, ...rest } = set;
  if (meta === undefined) return rest;
  const owned = Object.fromEntries(
    Object.entries(meta).filter(([key]) => key !== '.' && !Object.hasOwn(UNOWNED_META, key)),
  );
  return isEmptySet(owned) ? rest : { ...rest, 'f:metadata': owned };
}

export function entriesOf(object: JsonObject): readonly Entry[] {
  return listOf(objectOf(object.metadata).managedFields).flatMap((raw) => {
    if (!isObject(raw)) return [];
    return {
      manager: textOf(raw.manager),
      operation: raw.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: textOf(raw.apiVersion),
      subresource: textOf(raw.subresource),
      time: textOf(raw.time),
      // Sent `managedFields` are not validated elsewhere; a field set consists of objects only.
      fields: isObject(raw.fieldsV1) ? (raw.fieldsV1 as FieldSet) : EMPTY,
    };
  });
}

export function withEntries(object: JsonObject, entries: readonly Entry[]): JsonObject {
  const raw = entries.toSorted(inOrder).map(({ fields, subresource, manager, operation, apiVersion, time }) => ({
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(subresource !== '' && { subresource }),
  }));
  return withPath(object, ['metadata', 'managedFields'], raw.length === 0 ? undefined : raw);
}

/** Appliers first, then by time, then by name. */
function inOrder(left: Entry, right: Entry): number {
  if (left.operation !== right.operation) return left.operation === 'Apply' ? -1 : 1;
  return left.time.localeCompare(right.time) || left.manager.localeCompare(right.manager);
}

export const isSameWriter = (left: Writer, right: Writer): boolean =>
  left.manager === right.manager &&
  left.operation === right.operation &&
  left.subresource === right.subresource &&
  left.apiVersion === right.apiVersion;

/**
 * The object with its fields' owners after an update: the writer owns changed fields, and removed fields have no owner. Other
 * appliers keep their ownership of fields whose value stayed. A writer may rewrite the owners themselves (client-go's `csaupgrade`).
 */
export function afterUpdate(before: JsonObject, after: JsonObject, schema: Schema, writer: Writer): JsonObject {
  const difference = compare(bare(before), bare(after), schema);
  const changed = ownable(difference.changed);
  const removed = ownable(difference.removed);
  const known = entriesOf(after);
  if (isEmptySet(changed) && isEmptySet(removed)) return withEntries(after, known);
  const others = known
    .filter((entry) => !isSameWriter(entry, writer))
    .map((entry) => ({ ...entry, fields: without(without(entry.fields, changed), removed) }));
  const own = known.find((entry) => isSameWriter(entry, writer));
  const fields = union(without(own?.fields ?? EMPTY, removed), changed);
  const entries = [...others, ...(isEmptySet(changed) && own === undefined ? [] : [{ ...writer, fields }])];
  return withEntries(after, capped(entries.filter((entry) => !isEmptySet(entry.fields))));
}

/** Without `managedFields`, which need not be compared. */
export function bare(object: JsonObject): JsonObject {
  return withPath(object, ['metadata', 'managedFields'], undefined);
}

function capped(entries: readonly Entry[]): readonly Entry[] {
  const sorted = entries.toSorted((left, right) => left.time.localeCompare(right.time));
  const updates = sorted.filter(({ operation }) => operation === 'Update');
  if (updates.length <= MAX_UPDATE_MANAGERS) return sorted;
  const merged = updates.slice(0, updates.length - MAX_UPDATE_MANAGERS + 1);
  const [first] = merged;
  if (first === undefined) return sorted;
  const ancient = { ...first, manager: ANCIENT, fields: merged.map(({ fields }) => fields).reduce(union) };
  return [ancient, ...sorted.filter((entry) => !merged.includes(entry))];
}

/** Whether two objects differ only in the times of their managers. */
export function isUnchanged(before: JsonObject, after: JsonObject): boolean {
  if (!isSame(bare(before), bare(after))) return false;
  const shape = (object: JsonObject) => entriesOf(object).map(({ time: _, ...entry }) => entry);
  return isSame(shape(before), shape(after));
}

/** Managers other than the writer who own some of the fields. */
export function conflicting(entries: readonly Entry[], writer: Writer, fields: FieldSet): readonly Entry[] {
  return entries
    .filter((entry) => !isSameWriter(entry, writer))
    .map((entry) => ({ ...entry, fields: common(entry.fields, fields) }))
    .filter((entry) => !isEmptySet(entry.fields));
}
