/** The additions of the server to workloads: labels and selectors from their templates, and the legacy template generation. */
import { at, isSame, type JsonObject, objectOf, textOf, withField, withPath } from '../json.ts';

/** A Job's Pods are selected by its UID. */
export function withJobSelector(job: JsonObject): JsonObject {
  const spec = objectOf(job.spec);
  if (spec.manualSelector === true || spec.selector !== undefined) return job;
  const { uid, name } = objectOf(job.metadata);
  const own = { 'batch.kubernetes.io/controller-uid': uid };
  const labels = { ...own, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  const template = objectOf(spec.template);
  const meta = objectOf(template.metadata);
  const labelled = { ...template, metadata: { ...meta, labels: { ...objectOf(meta.labels), ...labels } } };
  return { ...job, spec: { ...spec, selector: { matchLabels: own }, template: labelled } };
}

/** An object without labels of its own gets those of its Pods. */
export function withTemplateLabels(object: JsonObject): JsonObject {
  const { labels } = objectOf(objectOf(objectOf(object.spec).template).metadata);
  if (labels === undefined || Object.keys(objectOf(objectOf(object.metadata).labels)).length > 0) return object;
  return withPath(object, ['metadata', 'labels'], labels);
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** A DaemonSet counts its templates in an annotation, which only the server changes. */
export function withTemplateGeneration(set: JsonObject, before?: JsonObject): JsonObject {
  const path = ['metadata', 'annotations', TEMPLATE_GENERATION];
  if (before === undefined) return withPath(set, path, '1');
  const count = Number(textOf(at(before, ...path)));
  const isTheSame = isSame(objectOf(set.spec).template, objectOf(before.spec).template);
  return withPath(set, path, String(isTheSame ? count : count + 1));
}

/** The metadata for partial answers: the generation belongs to the spec, and is not shown as an annotation. */
export function withoutTemplateGeneration(metadata: JsonObject): JsonObject {
  if (!Object.hasOwn(objectOf(metadata.annotations), TEMPLATE_GENERATION)) return metadata;
  const { [TEMPLATE_GENERATION]: _, ...annotations } = objectOf(metadata.annotations);
  return withField(metadata, 'annotations', Object.keys(annotations).length === 0 ? undefined : annotations);
}
