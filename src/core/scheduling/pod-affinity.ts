/**
 * Required affinity and anti-affinity between Pods (scheduler plugin InterPodAffinity): this Pod's own terms. Other Pods' terms that keep
 * this Pod away are in `keepers.ts`.
 */
import type { Pod } from '../objects.ts';
import type { Census } from './census.ts';
import type { Cluster } from './cluster.ts';
import { means, type Term, termsOf } from './pod-terms.ts';
import type { Rule } from './rule.ts';
import { DomainCounts, NO_DOMAIN } from './topology.ts';

const NOT_NEAR = ["node(s) didn't match pod affinity rules"];
const TOO_NEAR = ["node(s) didn't match pod anti-affinity rules"];

/** The domains of the Pods that this one requires nearby. Another Pod counts only if it matches all terms. */
export function nearRule(pod: Pod, cluster: Cluster, census: Census): Rule | undefined {
  const terms = termsOf(pod, pod.spec.scheduling?.podAffinity, cluster);
  const [first] = terms;
  if (first === undefined) return undefined;
  const wanted = terms.map(({ topologyKey }) => new DomainCounts(cluster.topology(topologyKey)));
  const isWanted = (other: Pod): boolean => terms.every((term) => means(term, other));
  const isOwnNeighbour = isWanted(pod);
  census.ask(first.namespaces, first.selector, (other, node) => {
    if (isWanted(other)) for (const counts of wanted) counts.add(node, 1);
  });
  return {
    change: 'either',
    refuse: (node) => {
      if (wanted.every((counts) => counts.at(node) > 0)) return undefined;
      if (wanted.some(({ topology }) => topology.domainOf(node) === NO_DOMAIN)) return NOT_NEAR;
      // The first of a group of Pods that require one another finds none, and may go to any Node with the topologies.
      return isOwnNeighbour && wanted.every(({ isEmpty }) => isEmpty) ? undefined : NOT_NEAR;
    },
    effectOf: (other) => {
      if (!isWanted(other)) return undefined;
      return (node, by) => {
        for (const counts of wanted) counts.add(node, by);
      };
    },
  };
}

/** The domains of the Pods that this one must keep away from. */
export function awayRule(pod: Pod, cluster: Cluster, census: Census): Rule | undefined {
  const terms = termsOf(pod, pod.spec.scheduling?.podAntiAffinity, cluster);
  if (terms.length === 0) return undefined;
  const unwanted = terms.map((term) => ({ term, counts: new DomainCounts(cluster.topology(term.topologyKey)) }));
  for (const { term, counts } of unwanted) {
    census.ask(term.namespaces, term.selector, (_, node) => counts.add(node, 1));
  }
  return {
    change: 'worse',
    refuse: (node) => {
      for (const { counts } of unwanted) if (counts.at(node) > 0) return TOO_NEAR;
      return undefined;
    },
    effectOf: (other) => {
      const meant = unwanted.filter(({ term }) => means(term, other));
      if (meant.length === 0) return undefined;
      return (node, by) => {
        for (const { counts } of meant) counts.add(node, by);
      };
    },
  };
}

/** The topologies of which each domain can hold only one such Pod. */
export function keysOfSelfAversion(pod: Pod, cluster: Cluster): readonly string[] {
  const isOwn = (term: Term): boolean => means(term, pod);
  return termsOf(pod, pod.spec.scheduling?.podAntiAffinity, cluster)
    .filter(isOwn)
    .map(({ topologyKey }) => topologyKey);
}
