/** Terms of affinity between Pods, with the namespaces that they apply to. */
import { keyOf } from '../meta.ts';
import type { LabelSelector, Namespace, Pod, PodAffinityTerm } from '../objects.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { Namespaces } from './census.ts';
import type { Cluster } from './cluster.ts';

export interface Term {
  readonly topologyKey: string;
  readonly namespaces: Namespaces;
  readonly selector: LabelSelector | undefined;
}

/** Whether the term matches this Pod. */
export function means({ namespaces, selector }: Term, { metadata }: Pod): boolean {
  return (
    (namespaces === 'all' || namespaces.has(metadata.namespace ?? '')) &&
    matchesLabelSelector(selector, metadata.labels)
  );
}

/**
 * The terms, resolved relative to their owner. If the Namespaces are not known, terms that select them by labels are left out, in favour of
 * the Pod that is to be placed, and noted.
 */
export function termsOf(owner: Pod, terms: readonly PodAffinityTerm[] | undefined, cluster: Cluster): readonly Term[] {
  return (terms ?? []).flatMap((term): Term[] => {
    const namespaces = namespacesOf(term, owner, cluster.namespaces);
    if (namespaces === undefined) {
      cluster.noteNotModelled(`Pod ${keyOf(owner)} selects namespaces by their labels, which are not watched`);
      return [];
    }
    return [{ topologyKey: term.topologyKey, namespaces, selector: term.labelSelector }];
  });
}

/** Without names and selector a term applies to its owner's namespace; an empty selector means all. */
function namespacesOf(
  { namespaces: names = [], namespaceSelector }: PodAffinityTerm,
  owner: Pod,
  known: readonly Namespace[] | undefined,
): Namespaces | undefined {
  if (namespaceSelector === undefined) return new Set(names.length === 0 ? [owner.metadata.namespace ?? ''] : names);
  const { matchLabels = {}, matchExpressions = [] } = namespaceSelector;
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return 'all';
  const selected = known?.filter(({ metadata }) => matchesLabelSelector(namespaceSelector, metadata.labels));
  return selected && new Set([...names, ...selected.map(({ metadata }) => metadata.name)]);
}
