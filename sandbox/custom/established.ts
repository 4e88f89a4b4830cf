/** CustomResourceDefinitions as the server completes them. */
import { timeText } from '../context.ts';
import { type JsonObject, listOf, objectOf, textOf } from '../json.ts';

export const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
/** Holds a definition until its objects have gone. */
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

/** A new definition with what the server's controllers add to it: names, conditions, stored versions. */
export function established(definition: JsonObject, now: number): JsonObject {
  const spec = objectOf(definition.spec);
  const names = objectOf(spec.names);
  const kind = textOf(names.kind);
  const accepted = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...names };
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    lastTransitionTime: timeText(now),
    reason,
    message,
  });
  const stored = listOf(spec.versions)
    .map(objectOf)
    .find(({ storage }) => storage === true);
  const meta = objectOf(definition.metadata);
  return {
    ...definition,
    metadata: { ...meta, finalizers: [...new Set([...listOf(meta.finalizers), CLEANUP])] },
    spec: { ...spec, names: accepted },
    status: {
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      acceptedNames: accepted,
      storedVersions: [textOf(stored?.name)],
    },
  };
}
