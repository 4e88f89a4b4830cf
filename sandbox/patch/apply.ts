/** Server-side apply (structured-merge-diff `merge.Updater`): the applier's fields take precedence over all others'. */
import { ApiError } from '../api.ts';
import { isList, isObject, type JsonObject } from '../json.ts';
import type { ListSchema, Schema } from '../kinds/schema.ts';
import {
  compare,
  EMPTY,
  type FieldSet,
  fieldsOf,
  isEmptySet,
  itemKeyOf,
  itemsOf,
  pathsOf,
  schemaBelow,
  union,
  without,
} from '../write/field-set.ts';
import {
  bare,
  conflicting,
  type Entry,
  entriesOf,
  isSameWriter,
  ownable,
  type Writer,
  withEntries,
} from '../write/managed-fields.ts';

export interface ApplyOptions {
  /** Takes fields over from others instead of refusing. */
  readonly isForced: boolean;
  /** Fields that belong to the applier, whoever is recorded as their owner. @default none */
  readonly known?: FieldSet;
}

/**
 * The object with the configuration applied. Fields that the same applier set before and now leaves out are removed, unless somebody else
 * owns them too.
 *
 * @throws ApiError 409 that names every field and its owner
 */
export function applyConfiguration(
  live: JsonObject,
  configuration: JsonObject,
  schema: Schema,
  writer: Writer,
  { isForced, known = EMPTY }: ApplyOptions,
): JsonObject {
  const wanted = ownable(fieldsOf(bare(configuration), schema));
  const merged = merge(bare(live), bare(configuration), schema);
  const entries = entriesOf(live);
  const changed = ownable(compare(bare(live), merged, schema).changed);
  const conflicts = isForced ? [] : conflicting(entries, writer, without(changed, known));
  if (conflicts.length > 0) throw refusal(conflicts);

  const others = entries
    .filter((entry) => !isSameWriter(entry, writer))
    .map((entry) => ({ ...entry, fields: without(entry.fields, changed) }));
  const own = entries.find((entry) => isSameWriter(entry, writer));
  const owned = others.reduce((all, { fields }) => union(all, fields), wanted);
  const dropped = without(own?.fields ?? EMPTY, owned);
  const result = isEmptySet(dropped) ? merged : prune(merged, dropped, owned, schema);
  const entry: Entry = { ...writer, fields: wanted };
  const kept = others.filter(({ fields }) => !isEmptySet(fields));
  return withEntries(isObject(result) ? result : {}, isEmptySet(wanted) ? kept : [...kept, entry]);
}

function merge(live: unknown, wanted: unknown, schema: Schema): unknown {
  if (isObject(live) && isObject(wanted) && !(schema.is !== 'any' && 'isAtomic' in schema && schema.isAtomic)) {
    const result: Record<string, unknown> = { ...live };
    for (const key of Object.keys(wanted)) result[key] = merge(live[key], wanted[key], schemaBelow(schema, key));
    return result;
  }
  if (isList(live) && isList(wanted) && schema.is === 'list' && schema.merges !== 'atomic') {
    return mergeLists(live, wanted, schema);
  }
  return wanted;
}

/**
 * Applied items keep their own order; an item that is only in the live list keeps its place among those that both lists contain in the same
 * order.
 */
function mergeLists(live: readonly unknown[], wanted: readonly unknown[], schema: ListSchema): readonly unknown[] {
  const keyOf = (item: unknown): string => itemKeyOf(schema, item) ?? '';
  const [before, after] = [itemsOf(schema, live), itemsOf(schema, wanted)];
  const [liveKeys, wantedKeys] = [live.map(keyOf), wanted.map(keyOf)];
  const shared = wantedKeys.filter((key) => before.has(key));
  const taken = new Set<string>();
  const result: unknown[] = [];
  const take = (key: string): void => {
    const item = after.get(key);
    result.push(before.has(key) ? merge(before.get(key), item, schema.items) : item);
    taken.add(key);
    wantedKeys.shift();
    if (shared[0] === key) shared.shift();
  };
  for (const [index, key] of liveKeys.entries()) {
    if (!after.has(key)) {
      result.push(live[index]);
      continue;
    }
    const [next] = wantedKeys;
    if (taken.has(key)) {
      // Once all shared items are placed, new items come before the rest of the live list.
      if (shared.length === 0 && next !== undefined) take(next);
      continue;
    }
    // An item that is applied further down is placed there.
    if (shared[0] === key) while (!taken.has(key)) take(wantedKeys[0] ?? key);
  }
  for (const key of [...wantedKeys]) take(key);
  return result;
}

/** Removes the dropped fields; fields below that others own stay. */
function prune(value: unknown, dropped: FieldSet, owned: FieldSet, schema: Schema): unknown {
  if (isList(value) && schema.is === 'list') {
    return value.flatMap((item) => {
      const key = itemKeyOf(schema, item) ?? '';
      const gone = Object.hasOwn(dropped, key) ? dropped[key] : undefined;
      if (gone === undefined) return [item];
      const others = Object.hasOwn(owned, key) ? owned[key] : undefined;
      if (others === undefined) return [];
      return [prune(item, gone, others, schema.items)];
    });
  }
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [key, gone] of Object.entries(dropped)) {
    const name = key.slice(2);
    if (!key.startsWith('f:') || !Object.hasOwn(result, name)) continue;
    const others = Object.hasOwn(owned, key) ? owned[key] : undefined;
    if (others === undefined && (isEmptySet(gone) || !isStruct(schema, name))) delete result[name];
    else result[name] = prune(result[name], gone, others ?? EMPTY, schemaBelow(schema, name));
  }
  return result;
}

/** Structs stay when their fields are removed: `spec` is never removed with its last field. */
const isStruct = (schema: Schema, name: string): boolean => schemaBelow(schema, name).is === 'struct';

function refusal(conflicts: readonly Entry[]): ApiError {
  const causes = conflicts.flatMap(({ fields, ...writer }) =>
    pathsOf(fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${wordsFor(writer)}`,
      field,
    })),
  );
  const [first, second] = causes;
  const count = `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}`;
  const message =
    first !== undefined && second === undefined
      ? `${count}: ${first.message}: ${first.field}`
      : `${count}: ${summary(conflicts)}`;
  return new ApiError(409, 'Conflict', message, { causes });
}

function summary(conflicts: readonly Entry[]): string {
  return conflicts
    .map(
      ({ fields, ...writer }) =>
        `conflicts with ${wordsFor(writer)}:\n${pathsOf(fields)
          .map((path) => `- ${path}`)
          .join('\n')}`,
    )
    .join('\n');
}

function wordsFor({ manager, subresource, operation, apiVersion }: Writer): string {
  const suffix = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${suffix}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
