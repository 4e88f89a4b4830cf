/**
 * Sets of fields in the form of `metadata.managedFields` (structured-merge-diff `fieldpath`): a tree whose keys
 * are `f:name` for fields, `k:{…}` for items of lists with keys, `v:…` for values of sets, and `.` for the field itself. `{}` is
 * a field without anything below it.
 */
import { isList, isObject, isSame, type JsonObject } from '../json.ts';
import type { ListSchema, Schema } from '../kinds/schema.ts';
import { ANY } from '../kinds/schema.ts';

export interface FieldSet {
  readonly [key: string]: FieldSet;
}

export const EMPTY: FieldSet = {};
const LEAF: FieldSet = {};

export const isEmptySet = (set: FieldSet | undefined): boolean => set === undefined || Object.keys(set).length === 0;

/** Whether the field of the node is itself in the set. */
const hasItself = (node: FieldSet): boolean => isEmptySet(node) || Object.hasOwn(node, '.');

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || Object.keys(right).length === 0) return left;
  if (Object.keys(left).length === 0) return right;
  const result: Record<string, FieldSet> = { ...left };
  for (const [key, found] of Object.entries(right)) {
    const there = Object.hasOwn(result, key) ? result[key] : undefined;
    result[key] = there === undefined ? found : joined(there, found);
  }
  return result;
}

/** Two nodes of the same field: a leaf beside children becomes their `.`. */
function joined(left: FieldSet, right: FieldSet): FieldSet {
  const both = union(left, right);
  return isEmptySet(both) || (!hasItself(left) && !hasItself(right)) ? both : { '.': LEAF, ...both };
}

/** The fields in `left` that are not in `right`. */
export function without(left: FieldSet, right: FieldSet): FieldSet {
  return filterSet(left, right, false);
}

/** The fields in both. */
export function common(left: FieldSet, right: FieldSet): FieldSet {
  return filterSet(left, right, true);
}

function filterSet(left: FieldSet, right: FieldSet, keepsCommon: boolean): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const [key, mine] of Object.entries(left)) {
    const theirs = Object.hasOwn(right, key) ? right[key] : undefined;
    if (key === '.') {
      if ((theirs !== undefined) === keepsCommon) result[key] = mine;
      continue;
    }
    if (theirs === undefined) {
      if (!keepsCommon) result[key] = mine;
      continue;
    }
    const children = filterSet(childrenOf(mine), childrenOf(theirs), keepsCommon);
    const itself = hasItself(mine) && hasItself(theirs) === keepsCommon;
    if (itself) result[key] = isEmptySet(children) ? LEAF : { '.': LEAF, ...children };
    else if (!isEmptySet(children)) result[key] = children;
  }
  return result;
}

function childrenOf(node: FieldSet): FieldSet {
  if (!Object.hasOwn(node, '.')) return node;
  const { '.': _, ...children } = node;
  return children;
}

/** Paths of all fields in the set, in the form of messages: `.spec.replicas`, `.spec.template.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([key, node]) => {
    if (key === '.') return [];
    const path = prefix + segmentOf(key);
    const below = pathsOf(node, path);
    return hasItself(node) ? [path, ...below] : below;
  });
}

function segmentOf(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith('f:')) return `.${rest}`;
  if (key.startsWith('v:')) return `[=${rest}]`;
  const keys: unknown = JSON.parse(rest);
  const pairs = isObject(keys) ? Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`) : [];
  return `[${pairs.join(',')}]`;
}

/** Key of an item in a list that is merged; undefined if it lacks a key. */
export function itemKeyOf(schema: ListSchema, item: unknown): string | undefined {
  if (schema.merges === 'set') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const keys = schema.keys.toSorted();
  const pairs = keys.flatMap((key): [string, unknown][] => {
    const value = item[key] ?? KEY_DEFAULTS[key];
    return value === undefined ? [] : [[key, value]];
  });
  return pairs.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

/** Keys that may be left out: those of ports. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** Items of a merged list by key. */
export function itemsOf(schema: ListSchema, list: readonly unknown[]): Map<string, unknown> {
  return new Map(
    list.flatMap((item) => {
      const key = itemKeyOf(schema, item);
      return key === undefined ? [] : [[key, item] as const];
    }),
  );
}

/** Schema of a field of a struct or map; `any` for unknown fields. */
export function schemaBelow(schema: Schema, key: string): Schema {
  if (schema.is === 'struct') return schema.field(key)?.schema ?? ANY;
  return schema.is === 'map' ? schema.values : ANY;
}

/** One leaf per field of the value: the fields that an applier owns. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  if (isObject(value) && isGranular(schema)) {
    return Object.fromEntries(
      Object.keys(value)
        .filter((key) => !isEmptyMerged(value[key], schemaBelow(schema, key)))
        .map((key) => [`f:${key}`, fieldsOf(value[key], schemaBelow(schema, key))]),
    );
  }
  if (isList(value) && schema.is === 'list' && schema.merges !== 'atomic') {
    const entries = [...itemsOf(schema, value)].map(([key, item]): [string, FieldSet] => [
      key,
      schema.merges === 'set' || !isGranular(schema.items) ? LEAF : { '.': LEAF, ...fieldsOf(item, schema.items) },
    ]);
    return Object.fromEntries(entries);
  }
  return LEAF;
}

/** An empty list whose items would have owners. */
const isEmptyMerged = (value: unknown, schema: Schema): boolean =>
  isList(value) && value.length === 0 && schema.is === 'list' && schema.merges !== 'atomic';

/** Objects whose fields have separate owners. */
function isGranular(schema: Schema): boolean {
  return ((schema.is === 'struct' || schema.is === 'map') && !schema.isAtomic) || schema.is === 'any';
}

export interface Difference {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** The differing fields of two values of the same kind. */
export function compare(before: unknown, after: unknown, schema: Schema): Difference {
  const changed: Record<string, FieldSet> = {};
  const removed: Record<string, FieldSet> = {};
  const [was, is, below] = partsOf(before, after, schema);
  for (const [key, value] of is) {
    const old = was.get(key);
    if (value === old) continue;
    const inner = below(key);
    if (!was.has(key)) changed[key] = addedFields(value, inner, key.startsWith('k:'));
    else if (isMerged(old, value, inner)) {
      const deeper = compare(old, value, inner);
      if (!isEmptySet(deeper.changed)) changed[key] = deeper.changed;
      if (!isEmptySet(deeper.removed)) removed[key] = deeper.removed;
    } else if (!isSame(old, value)) changed[key] = LEAF;
  }
  for (const [key, value] of was) if (!is.has(key)) removed[key] = addedFields(value, below(key), key.startsWith('k:'));
  return { changed, removed };
}

/** Fields of a new value: maps and lists themselves have owners too, so that they are removed with the last owner. */
function addedFields(value: unknown, schema: Schema, isItem: boolean): FieldSet {
  const inner: Record<string, FieldSet> = isItem || schema.is !== 'struct' ? { '.': LEAF } : {};
  if (isObject(value) && isGranular(schema)) {
    for (const key of Object.keys(value)) {
      inner[`f:${key}`] = addedFields(value[key], schemaBelow(schema, key), false);
    }
  } else if (isList(value) && schema.is === 'list' && schema.merges !== 'atomic') {
    for (const [key, item] of itemsOf(schema, value)) {
      inner[key] = schema.merges === 'set' ? LEAF : addedFields(item, schema.items, true);
    }
  } else return LEAF;
  return Object.keys(inner).length === ('.' in inner ? 1 : 0) ? LEAF : inner;
}

function isMerged(old: unknown, value: unknown, schema: Schema): boolean {
  if (isObject(old) && isObject(value)) return isGranular(schema);
  return isList(old) && isList(value) && schema.is === 'list' && schema.merges !== 'atomic';
}

type Parts = [was: ReadonlyMap<string, unknown>, is: ReadonlyMap<string, unknown>, below: (key: string) => Schema];

function partsOf(before: unknown, after: unknown, schema: Schema): Parts {
  if (schema.is === 'list') {
    const itemSchema = schema.merges === 'set' ? ANY : schema.items;
    const read = (value: unknown) => (isList(value) ? itemsOf(schema, value) : new Map<string, unknown>());
    return [read(before), read(after), () => itemSchema];
  }
  const read = (value: unknown): Map<string, unknown> =>
    new Map(isObject(value) ? Object.entries(value as JsonObject).map(([key, found]) => [`f:${key}`, found]) : []);
  return [read(before), read(after), (key) => schemaBelow(schema, key.slice(2))];
}
