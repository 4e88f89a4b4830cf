/** Pods whose anti-affinity keeps others away (scheduler plugin InterPodAffinity, the symmetric part). */
import type { LabelSelector, Pod } from '../objects.ts';
import { demandOf } from './census.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import { means, type Term, termsOf } from './pod-terms.ts';
import type { Rule } from './rule.ts';
import type { Steps } from './steps.ts';
import { DomainCounts } from './topology.ts';

const KEPT_AWAY = ["node(s) didn't satisfy existing pods anti-affinity rules"];
const KEEPERS_A_STEP = 4000;

/** The domains from which one Pod is kept away. */
export class KeptAway {
  readonly #pod: Pod;
  readonly #cluster: Cluster;
  readonly #byKey = new Map<string, DomainCounts>();

  constructor(pod: Pod, cluster: Cluster) {
    this.#pod = pod;
    this.#cluster = cluster;
  }

  get pod(): Pod {
    return this.#pod;
  }

  add({ topologyKey }: Term, node: FitNode, by: 1 | -1): void {
    let counts = this.#byKey.get(topologyKey);
    if (counts === undefined) {
      counts = new DomainCounts(this.#cluster.topology(topologyKey));
      this.#byKey.set(topologyKey, counts);
    }
    counts.add(node, by);
  }

  rule(): Rule {
    return {
      change: 'worse',
      refuse: (node) => {
        for (const counts of this.#byKey.values()) if (counts.at(node) > 0) return KEPT_AWAY;
        return undefined;
      },
      effectOf: (other) => {
        const meant = termsOf(other, other.spec.scheduling?.podAntiAffinity, this.#cluster).filter((term) =>
          means(term, this.#pod),
        );
        if (meant.length === 0) return undefined;
        return (node, by) => {
          for (const term of meant) this.add(term, node, by);
        };
      },
    };
  }
}

/** Finds, among a few Pods, those that a term matches, without testing each of them. */
class Wanted {
  readonly #all: readonly KeptAway[];
  readonly #namespaces: ReadonlySet<string>;
  readonly #byLabel = new Map<string, Map<string, KeptAway[]>>();

  constructor(all: readonly KeptAway[]) {
    this.#all = all;
    this.#namespaces = new Set(all.map(({ pod }) => pod.metadata.namespace ?? ''));
    for (const each of all) {
      for (const [key, value] of Object.entries(each.pod.metadata.labels ?? {})) this.#add(key, value, each);
    }
  }

  /** Whether a Pod with such terms could match any of them at all. */
  concerns({ metadata, spec }: Pod): boolean {
    const home = metadata.namespace ?? '';
    return (spec.scheduling?.podAntiAffinity ?? []).some(({ namespaces, namespaceSelector, labelSelector }) => {
      if (namespaceSelector === undefined) {
        const isMeant = namespaces?.some((name) => this.#namespaces.has(name)) ?? this.#namespaces.has(home);
        if (!isMeant) return false;
      }
      return labelSelector !== undefined && this.#couldBeMeantBy(labelSelector);
    });
  }

  /** Called for every such Pod of the cluster, and nearly always decided by one label. */
  #couldBeMeantBy(selector: LabelSelector): boolean {
    for (const key in selector.matchLabels)
      return this.#byLabel.get(key)?.has(selector.matchLabels[key] ?? '') === true;
    const demand = demandOf(selector);
    if (demand === undefined) return true;
    const byValue = this.#byLabel.get(demand.key);
    return byValue !== undefined && [...demand.values].some((value) => byValue.has(value));
  }

  meantBy(term: Term): readonly KeptAway[] {
    const demand = term.selector && demandOf(term.selector);
    const possible =
      demand === undefined
        ? this.#all
        : [...demand.values].flatMap((value) => this.#byLabel.get(demand.key)?.get(value) ?? []);
    return possible.filter(({ pod }) => means(term, pod));
  }

  #add(key: string, value: string, each: KeptAway): void {
    let byValue = this.#byLabel.get(key);
    if (byValue === undefined) {
      byValue = new Map();
      this.#byLabel.set(key, byValue);
    }
    const entries = byValue.get(value);
    if (entries === undefined) byValue.set(value, [each]);
    else entries.push(each);
  }
}

/** Counts the staying Pods that keep some of these away. */
export function* countKeepers(all: readonly KeptAway[], cluster: Cluster): Steps<void> {
  if (all.length === 0) return;
  const wanted = new Wanted(all);
  let looked = 0;
  for (const node of cluster.nodes) {
    for (const keeper of node.keepers) {
      if (!wanted.concerns(keeper)) continue;
      for (const term of termsOf(keeper, keeper.spec.scheduling?.podAntiAffinity, cluster)) {
        for (const each of wanted.meantBy(term)) each.add(term, node, 1);
      }
    }
    looked += node.keepers.length;
    if (looked < KEEPERS_A_STEP) continue;
    looked = 0;
    yield;
  }
}
