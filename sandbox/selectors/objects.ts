/** Selectors inside objects, converted for `core/selectors.ts`. */
import type { LabelSelector } from '../../src/core/objects.ts';
import { isObject, listOf, objectOf, textOf } from '../json.ts';

/** @returns undefined if it is not an object. */
export function selectorOf(raw: unknown): LabelSelector | undefined {
  if (!isObject(raw)) return undefined;
  const expressions = listOf(raw.matchExpressions).map((expression) => {
    const { key, operator, values } = objectOf(expression);
    return { key: textOf(key), operator: textOf(operator), values: listOf(values).map(textOf) };
  });
  return {
    ...(isObject(raw.matchLabels) && { matchLabels: labelsOf(raw.matchLabels) }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  };
}

function labelsOf(raw: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(objectOf(raw)).map(([key, value]) => [key, String(value)]));
}
