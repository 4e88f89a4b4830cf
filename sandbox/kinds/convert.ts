/**
 * Versions of stored objects. Custom resources differ in `apiVersion` only (conversion strategy None); Events are stored as core
 * Events and served in `events.k8s.io` under other names.
 */
import type { Stored } from '../api.ts';
import { type JsonObject, objectOf } from '../json.ts';
import { apiVersionOf, type Resource } from './resource.ts';

/** `events.k8s.io` → core. */
const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const converted = new WeakMap<object, Map<string, Stored>>();

/** A stored object in the version of the resource: the same object if that is the stored one. */
export function inVersionOf(resource: Resource, stored: Stored): Stored {
  const wanted = apiVersionOf(resource);
  if (stored.apiVersion === wanted) return stored;
  const known = converted.get(stored) ?? new Map<string, Stored>();
  converted.set(stored, known);
  const found = known.get(wanted);
  if (found !== undefined) return found;
  const fields =
    resource.collection === 'events'
      ? rename(
          stored,
          EVENT_FIELDS.map(([to, from]) => [from, to]),
        )
      : stored;
  const made: Stored = { ...fields, apiVersion: wanted, kind: resource.kind, metadata: stored.metadata };
  known.set(wanted, made);
  return made;
}

/** An object of the resource's version in the version in which it is stored. */
export function asStored(resource: Resource, object: JsonObject): JsonObject {
  const kind = { apiVersion: resource.storedAs, kind: resource.kind };
  if (apiVersionOf(resource) === resource.storedAs) return { ...kind, ...object, ...kind };
  return resource.collection === 'events' ? { ...rename(object, EVENT_FIELDS), ...kind } : { ...object, ...kind };
}

function rename(object: JsonObject, names: readonly (readonly [string, string])[]): JsonObject {
  const map = new Map(names);
  return Object.fromEntries(Object.entries(objectOf(object)).map(([key, value]) => [map.get(key) ?? key, value]));
}
