/** Trims the metadata that every object has. See `trim.ts`. */
import type { ObjectMeta, OwnerReference } from '../../core/objects.ts';
import {
  boolean,
  fields,
  integer,
  listOf,
  present,
  type Raw,
  strings,
  text,
  textMap,
  textMapWithout,
} from '../http/json.ts';
import { shared, sharedText } from './sharing.ts';

export type Trim<T> = (raw: unknown) => T | undefined;

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const NOTHING = Object.freeze({});

/** Drops `last-applied-configuration`, a copy of the whole object, and managedFields, the largest part of most metadata. */
export function metaOf(raw: unknown): ObjectMeta | undefined {
  const metadata = fields(fields(raw)?.metadata);
  const name = text(metadata?.name);
  const uid = text(metadata?.uid);
  const resourceVersion = text(metadata?.resourceVersion);
  if (metadata === undefined || !name || !uid || !resourceVersion) return undefined;
  return present({
    name,
    namespace: sharedText(metadata.namespace),
    uid,
    resourceVersion,
    generation: integer(metadata.generation),
    creationTimestamp: text(metadata.creationTimestamp),
    deletionTimestamp: text(metadata.deletionTimestamp),
    deletionGracePeriodSeconds: integer(metadata.deletionGracePeriodSeconds),
    labels: textMap(metadata.labels),
    annotations: textMapWithout(metadata.annotations, LAST_APPLIED),
    ownerReferences: listOf(metadata.ownerReferences, ownerReferenceOf),
    finalizers: shared(strings(metadata.finalizers)),
  });
}

export function partsOf(raw: unknown): { readonly spec: Raw; readonly status: Raw } {
  const object = fields(raw);
  return { spec: fields(object?.spec) ?? NOTHING, status: fields(object?.status) ?? NOTHING };
}

function ownerReferenceOf(raw: Raw): OwnerReference | undefined {
  const [apiVersion, kind, name, uid] = [
    sharedText(raw.apiVersion),
    sharedText(raw.kind),
    text(raw.name),
    text(raw.uid),
  ];
  if (apiVersion === undefined || kind === undefined || name === undefined || uid === undefined) return undefined;
  return present({ apiVersion, kind, name, uid, controller: boolean(raw.controller) });
}
