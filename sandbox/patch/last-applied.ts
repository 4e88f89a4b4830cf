/**
 * Migration from client-side to server-side apply (apiserver `fieldmanager` lastappliedmanager.go and lastappliedupdater.go): kubectl
 * records its client-side apply in an annotation. Fields that still match the annotation belong to kubectl, whoever is recorded as their
 * owner, and the annotation is updated with each apply, so that both ways can be used in turn.
 */
import { isObject, type JsonObject, objectOf, textOf, withPath } from '../json.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { decode } from '../write/decode.ts';
import { compare, EMPTY, type FieldSet, fieldsOf, without } from '../write/field-set.ts';
import { bare, ownable, type Writer } from '../write/managed-fields.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
const PATH = ['metadata', 'annotations', ANNOTATION];

/** Whether the writer is kubectl under its own name, the only manager with this behaviour. */
export const isKubectl = ({ manager }: Writer): boolean => manager === 'kubectl';

/** The fields of the annotation whose values still match it. */
export function lastAppliedFields(live: JsonObject, resource: Resource): FieldSet {
  const applied = lastApplied(live);
  if (applied === undefined || applied.apiVersion !== apiVersionOf(resource)) return EMPTY;
  const { schema } = resource;
  const configuration = bare(decode(resource, applied, true).object);
  const { changed, removed } = compare(configuration, bare(live), schema);
  return without(without(ownable(fieldsOf(configuration, schema)), changed), removed);
}

/** The object with its annotation updated, if it has one. */
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
