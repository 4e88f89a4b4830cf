/** `meta.k8s.io/v1` PartialObjectMetadata. */
import { withoutTemplateGeneration } from '../admission/workload-additions.ts';
import { type JsonObject, objectOf } from '../json.ts';

export const metadataOnly = ({ metadata }: JsonObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: withoutTemplateGeneration(objectOf(metadata)),
});
