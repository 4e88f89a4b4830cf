/** Node selector and required node affinity (scheduler plugin NodeAffinity). */
import type { Pod } from '../objects.ts';
import { matchesNodeSelector } from '../selectors.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const REFUSAL = ["node(s) didn't match Pod's node affinity/selector"];

export function nodeAffinityRule(pod: Pod): Rule | undefined {
  if (pod.spec.nodeSelector === undefined && pod.spec.requiredNodeAffinity === undefined) return undefined;
  return { change: 'never', refuse: (node) => (admitsByAffinity(pod, node) ? undefined : REFUSAL) };
}

export function admitsByAffinity({ spec: { nodeSelector, requiredNodeAffinity } }: Pod, node: FitNode): boolean {
  for (const key in nodeSelector) if (node.label(key) !== nodeSelector[key]) return false;
  return requiredNodeAffinity === undefined || matchesNodeSelector(requiredNodeAffinity, node);
}
