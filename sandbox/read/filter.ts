/** Selects the objects of a list or a watch. */
import type { Stored } from '../api.ts';
import type { Resource } from '../kinds/resource.ts';
import { parseFieldSelector } from '../selectors/fields.ts';
import { parseLabelSelector } from '../selectors/labels.ts';
import type { Commit } from '../store/collection.ts';

/** Applied to stored objects; absent if all match. */
export type Filter = ((object: Stored) => boolean) | undefined;

const NO_LABELS = {};

/** @throws ApiError 400 if a selector cannot be parsed */
export function filterOf(resource: Resource, query: URLSearchParams): Filter {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const tests: ((object: Stored) => boolean)[] = [];
  if (labels.trim() !== '') {
    const filter = parseLabelSelector(labels);
    tests.push(({ metadata }) => filter(metadata.labels ?? NO_LABELS));
  }
  if (fields !== '') tests.push(parseFieldSelector(fields, resource));
  const [first] = tests;
  if (first === undefined) return undefined;
  return tests.length === 1 ? first : (object) => tests.every((test) => test(object));
}

export interface Seen {
  readonly type: Commit['type'];
  readonly object: Stored;
  /** The object differs from that of the commit, so that its serialised form cannot be shared. */
  readonly isOwn: boolean;
}

/** A change as a watch with this filter sees it: an object that begins to match is added, one that ceases to match is deleted. */
export function seenThrough(filter: Filter, { type, object, before }: Commit): Seen | undefined {
  if (filter === undefined) return { type, object, isOwn: false };
  const matched = before !== undefined && filter(before);
  if (type === 'DELETED') return matched ? { type, object, isOwn: false } : undefined;
  if (filter(object)) return { type: matched ? 'MODIFIED' : 'ADDED', object, isOwn: false };
  if (!matched || before === undefined) return undefined;
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...before, metadata: { ...before.metadata, resourceVersion } }, isOwn: true };
}
