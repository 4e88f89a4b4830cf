/**
 * Evaluates selectors as the API server and the scheduler do (apimachinery `labels.Requirement`, component-helpers `nodeaffinity`).
 *
 * The API server accepts no malformed selector. If one arrives nevertheless, it matches nothing: a budget or an affinity that we do not
 * understand is never applied to more objects than its author named.
 */
import type {
  LabelSelector,
  LabelSelectorRequirement,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from './objects.ts';

type Labels = Readonly<Record<string, string>>;

const NO_LABELS: Labels = {};
const INTEGER = /^[+-]?\d+$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Whether the labels satisfy every requirement of the selector. `{}` matches all objects, an absent selector none. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels = NO_LABELS): boolean {
  if (selector === undefined) return false;
  const { matchLabels, matchExpressions } = selector;
  if (matchLabels !== undefined) {
    for (const key of Object.keys(matchLabels)) {
      if (labelValue(labels, key) !== matchLabels[key]) return false;
    }
  }
  return matchExpressions?.every((requirement) => matchesSetRequirement(requirement, labels)) ?? true;
}

/** Whether one term matches the Node. A term without expressions and fields matches nothing, and so does a selector without terms. */
export function matchesNodeSelector(
  selector: NodeSelector,
  node: { readonly name: string; readonly labels?: Labels | undefined },
): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, node.name, node.labels ?? NO_LABELS));
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, name: string, labels: Labels) {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => matchesNodeRequirement(requirement, labels)) &&
    matchFields.every((requirement) => matchesField(requirement, name))
  );
}

function matchesNodeRequirement(requirement: NodeSelectorRequirement, labels: Labels): boolean {
  switch (requirement.operator) {
    case 'Gt':
    case 'Lt': {
      const found = integerOf(labelValue(labels, requirement.key));
      const bound = requirement.values?.length === 1 ? integerOf(requirement.values[0]) : undefined;
      if (found === undefined || bound === undefined) return false;
      return requirement.operator === 'Gt' ? found > bound : found < bound;
    }
    default:
      return matchesSetRequirement(requirement, labels);
  }
}

/** `NotIn` and `DoesNotExist` hold if the key is missing; `In` and `NotIn` need values, the other two must have none. */
function matchesSetRequirement({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  const found = labelValue(labels, key);
  switch (operator) {
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return values.length > 0 && (found === undefined || !values.includes(found));
    case 'Exists':
      return values.length === 0 && found !== undefined;
    case 'DoesNotExist':
      return values.length === 0 && found === undefined;
    default:
      return false;
  }
}

/** The only supported field is `metadata.name`, with `In` or `NotIn` and exactly one value. */
function matchesField({ key, operator, values = [] }: NodeSelectorRequirement, name: string): boolean {
  if (key !== 'metadata.name' || values.length !== 1) return false;
  switch (operator) {
    case 'In':
      return values[0] === name;
    case 'NotIn':
      return values[0] !== name;
    default:
      return false;
  }
}

/** Own keys only: a selector may well require a label called `constructor`. */
function labelValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Like Go's `strconv.ParseInt(text, 10, 64)`. */
function integerOf(text: string | undefined): bigint | undefined {
  if (text === undefined || !INTEGER.test(text)) return undefined;
  // BigInt() accepts no plus sign.
  const integer = BigInt(text.replace('+', ''));
  return integer >= INT64_MIN && integer <= INT64_MAX ? integer : undefined;
}
