/**
 * Which of the staying Pods does a rule apply to? Every rule asks by namespaces and a selector, and then all Pods are examined once for all
 * rules. A Pod is compared only with the selectors that require one of its labels, so that the cost hardly grows with the number of Pods to
 * be placed.
 */
import type { LabelSelector, Pod } from '../objects.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { FitNode } from './node.ts';
import type { Steps } from './steps.ts';

export type Namespaces = ReadonlySet<string> | 'all';

/** Called for each matching Pod, with the Node that it is on. */
export type Hear = (pod: Pod, node: FitNode) => void;

interface Question {
  readonly selector: LabelSelector;
  readonly hearers: Hear[];
}

/** Pods that are examined in one step. */
const PODS_A_STEP = 4000;

export class Census {
  readonly #everywhere = new Questions();
  readonly #byNamespace = new Map<string, Questions>();
  readonly #asked = new Map<string, Question>();

  /** @param selector if absent, no Pod matches. */
  ask(namespaces: Namespaces, selector: LabelSelector | undefined, hear: Hear): void {
    if (selector === undefined) return;
    if (namespaces === 'all') this.#ask('', this.#everywhere, selector, hear);
    else for (const namespace of namespaces) this.#ask(namespace, this.#indexOf(namespace), selector, hear);
  }

  /** Asks all questions about all Pods that stay on these Nodes. */
  *count(nodes: readonly FitNode[]): Steps<void> {
    if (this.#asked.size === 0) return;
    let looked = 0;
    for (const node of nodes) {
      for (const pod of node.pods) this.#tell(pod, node);
      looked += node.pods.length;
      if (looked < PODS_A_STEP) continue;
      looked = 0;
      yield;
    }
  }

  #tell(pod: Pod, node: FitNode): void {
    const { namespace = '' } = pod.metadata;
    this.#byNamespace.get(namespace)?.tell(pod, node);
    this.#everywhere.tell(pod, node);
  }

  #ask(scope: string, index: Questions, selector: LabelSelector, hear: Hear): void {
    const identity = JSON.stringify([scope, selector]);
    const known = this.#asked.get(identity);
    if (known !== undefined) {
      known.hearers.push(hear);
      return;
    }
    const question = { selector, hearers: [hear] };
    this.#asked.set(identity, question);
    index.add(question);
  }

  #indexOf(namespace: string): Questions {
    let index = this.#byNamespace.get(namespace);
    if (index === undefined) {
      index = new Questions();
      this.#byNamespace.set(namespace, index);
    }
    return index;
  }
}

/** Finds the questions that could match a Pod, by one label that each of them requires. */
class Questions {
  readonly #byLabel = new Map<string, Map<string, Question[]>>();
  /** Questions that do not require a value of any label. */
  readonly #others: Question[] = [];

  add(question: Question): void {
    const demand = demandOf(question.selector);
    if (demand === undefined) {
      this.#others.push(question);
      return;
    }
    let byValue = this.#byLabel.get(demand.key);
    if (byValue === undefined) {
      byValue = new Map();
      this.#byLabel.set(demand.key, byValue);
    }
    for (const value of demand.values) {
      const questions = byValue.get(value);
      if (questions === undefined) byValue.set(value, [question]);
      else questions.push(question);
    }
  }

  /** Called for every Pod of the cluster: anything allocated here is allocated a hundred thousand times. */
  tell(pod: Pod, node: FitNode): void {
    const { labels } = pod.metadata;
    for (const question of this.#others) tell(question, pod, node);
    if (labels === undefined) return;
    for (const [key, byValue] of this.#byLabel) {
      if (!Object.hasOwn(labels, key)) continue;
      const questions = byValue.get(labels[key] ?? '');
      if (questions !== undefined) for (const question of questions) tell(question, pod, node);
    }
  }
}

function tell({ selector, hearers }: Question, pod: Pod, node: FitNode): void {
  if (matchesLabelSelector(selector, pod.metadata.labels)) for (const hear of hearers) hear(pod, node);
}

/** A label that every object matched by the selector must have, and its possible values. */
export function demandOf({
  matchLabels = {},
  matchExpressions = [],
}: LabelSelector): { readonly key: string; readonly values: ReadonlySet<string> } | undefined {
  for (const key in matchLabels) return { key, values: new Set([matchLabels[key] ?? '']) };
  const among = matchExpressions.find(({ operator }) => operator === 'In');
  return among && { key: among.key, values: new Set(among.values) };
}
