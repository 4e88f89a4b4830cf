/** Trims the selectors inside objects. See `trim.ts`. */
import type { LabelSelector, LabelSelectorRequirement, NodeSelector, NodeSelectorTerm } from '../../core/objects.ts';
import { fields, listOf, present, type Raw, strings, text, textMap } from '../http/json.ts';

/** An empty term stays: it matches nothing, which differs from the absence of terms. */
export function nodeSelectorOf(raw: unknown): NodeSelector | undefined {
  const nodeSelectorTerms = listOf(fields(raw)?.nodeSelectorTerms, nodeSelectorTermOf);
  return nodeSelectorTerms && { nodeSelectorTerms };
}

export function labelSelectorOf(raw: unknown): LabelSelector | undefined {
  const selector = fields(raw);
  if (selector === undefined) return undefined;
  return present({
    matchLabels: textMap(selector.matchLabels),
    matchExpressions: listOf(selector.matchExpressions, requirementOf),
  });
}

function nodeSelectorTermOf(raw: Raw): NodeSelectorTerm {
  return present({
    matchExpressions: listOf(raw.matchExpressions, requirementOf),
    matchFields: listOf(raw.matchFields, requirementOf),
  });
}

/** Requirements of label and of node selectors have the same fields. */
function requirementOf(raw: Raw): LabelSelectorRequirement | undefined {
  const [key, operator] = [text(raw.key), text(raw.operator)];
  if (key === undefined || operator === undefined) return undefined;
  return present({ key, operator, values: strings(raw.values) });
}
