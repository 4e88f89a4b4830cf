/**
 * From client-side to server-side apply (apiserver `fieldmanager` lastappliedmanager.go and lastappliedupdater.go): kubectl keeps
 * what it applied by itself in an annotation. What still is as the annotation says is kubectl's own, whoever else is noted as its
 * owner, and the annotation follows what is applied, so that both ways can be used in turn.
 */
import { isObject, type JsonObject, objectOf, textOf, withPath } from '../json.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { decode } from '../write/decode.ts';
import { compare, EMPTY, type FieldSet, fieldsOf, without } from '../write/field-set.ts';
import { bare, ownable, type Writer } from '../write/managed-fields.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
const PATH = ['metadata', 'annotations', ANNOTATION];

/** Whether it is kubectl under its own name, for which alone all this holds. */
export const isKubectl = ({ manager }: Writer): boolean => manager === 'kubectl';

/** Fields that the annotation speaks of, and that are as it says. */
export function lastAppliedFields(live: JsonObject, resource: Resource): FieldSet {
  const applied = lastApplied(live);
  if (applied === undefined || applied.apiVersion !== apiVersionOf(resource)) return EMPTY;
  const { schema } = resource;
  const configuration = bare(decode(resource, applied, true).object);
  const { changed, removed } = compare(configuration, bare(live), schema);
  return without(without(ownable(fieldsOf(configuration, schema)), changed), removed);
}

/** The object with the annotation brought up to date, where it has one. */
export function withLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  if (annotationOf(object) === '') return object;
  const { managedFields: _, annotations, ...metadata } = objectOf(configuration.metadata);
  const { [ANNOTATION]: _own, ...others } = objectOf(annotations);
  const kept = annotations === undefined ? metadata : { ...metadata, annotations: others };
  return withPath(object, PATH, `${JSON.stringify(inOrder({ ...configuration, metadata: kept }))}\n`);
}

const annotationOf = ({ metadata }: JsonObject): string => textOf(objectOf(objectOf(metadata).annotations)[ANNOTATION]);

function lastApplied(live: JsonObject): JsonObject | undefined {
  try {
    const found: unknown = JSON.parse(annotationOf(live));
    return isObject(found) ? found : undefined;
  } catch {
    // Anybody may write the annotation.
    return undefined;
  }
}

/** As Go writes maps. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)]));
}
