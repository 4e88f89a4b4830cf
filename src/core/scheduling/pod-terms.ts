/** Terms of affinity between Pods, with the namespaces that they mean. */
import { keyOf } from '../meta.ts';
import type { Namespace, Pod, PodAffinityTerm } from '../objects.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { Bound, Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';

export interface Term {
  readonly topologyKey: string;
  /** Names, or all there are. */
  readonly namespaces: ReadonlySet<string> | 'all';
  matches(pod: Pod): boolean;
}

/** Pods that keep others away by the same terms, by where they are. */
export interface Keepers {
  readonly terms: readonly Term[];
  readonly nodes: readonly FitNode[];
}

/**
 * The terms as their owner means them. Where the Namespaces are not known, terms that select them by labels are left out, in
 * favour of the Pod that is to be placed, and noted.
 */
export function termsOf(owner: Pod, terms: readonly PodAffinityTerm[] | undefined, cluster: Cluster): readonly Term[] {
  return (terms ?? []).flatMap((term): Term[] => {
    const namespaces = namespacesOf(term, owner, cluster.namespaces);
    if (namespaces === undefined) {
      cluster.noteNotModelled(`Pod ${keyOf(owner)} selects namespaces by their labels, which are not watched`);
      return [];
    }
    const { topologyKey, labelSelector } = term;
    const isMeant = (namespace: string): boolean => namespaces === 'all' || namespaces.has(namespace);
    return [
      {
        topologyKey,
        namespaces,
        matches: ({ metadata }) =>
          isMeant(metadata.namespace ?? '') && matchesLabelSelector(labelSelector, metadata.labels),
      },
    ];
  });
}

/** Without names and selector a term means its owner's namespace; an empty selector means all. */
function namespacesOf(
  { namespaces: names = [], namespaceSelector }: PodAffinityTerm,
  owner: Pod,
  known: readonly Namespace[] | undefined,
): Term['namespaces'] | undefined {
  if (namespaceSelector === undefined) return new Set(names.length === 0 ? [owner.metadata.namespace ?? ''] : names);
  const { matchLabels = {}, matchExpressions = [] } = namespaceSelector;
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return 'all';
  const selected = known?.filter(({ metadata }) => matchesLabelSelector(namespaceSelector, metadata.labels));
  return selected && new Set([...names, ...selected.map(({ metadata }) => metadata.name)]);
}

/** Those of the staying Pods that the terms could mean: all that are in their namespaces. */
export function* boundMeantBy(terms: readonly Term[], cluster: Cluster): Iterable<Bound> {
  const namespaces = new Set<string>();
  for (const term of terms) {
    if (term.namespaces === 'all') {
      yield* cluster.bound();
      return;
    }
    for (const namespace of term.namespaces) namespaces.add(namespace);
  }
  for (const namespace of namespaces) yield* cluster.boundIn(namespace);
}

/**
 * The staying Pods with anti-affinity. The Pods of a template share their terms, so that a large cluster has few groups, and
 * whether a Pod is kept away needs asking once for each.
 */
export function keepersOf(cluster: Cluster): readonly Keepers[] {
  const groups = new Map<readonly PodAffinityTerm[], Map<string, { terms: readonly Term[]; nodes: FitNode[] }>>();
  for (const { pod, node } of cluster.bound()) {
    const raw = pod.spec.scheduling?.podAntiAffinity;
    if (raw === undefined) continue;
    const byNamespace = groups.get(raw) ?? new Map();
    groups.set(raw, byNamespace);
    const namespace = pod.metadata.namespace ?? '';
    const group = byNamespace.get(namespace);
    if (group === undefined) byNamespace.set(namespace, { terms: termsOf(pod, raw, cluster), nodes: [node] });
    else group.nodes.push(node);
  }
  return [...groups.values()].flatMap((byNamespace) => [...byNamespace.values()]);
}
