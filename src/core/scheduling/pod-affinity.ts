/**
 * Required affinity and anti-affinity between Pods, both ways (scheduler plugin InterPodAffinity): what this Pod demands of
 * others, and what others demand that keeps this Pod away.
 */
import type { Pod } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import { boundMeantBy, type Keepers, type Term, termsOf } from './pod-terms.ts';
import type { Rule } from './rule.ts';

const NOT_NEAR = ["node(s) didn't match pod affinity rules"];
const TOO_NEAR = ["node(s) didn't match pod anti-affinity rules"];
const KEPT_AWAY = ["node(s) didn't satisfy existing pods anti-affinity rules"];

/** @param keepers the staying Pods with anti-affinity, see `keepersOf()`. */
export function podAffinityRule(pod: Pod, cluster: Cluster, keepers: readonly Keepers[]): Rule | undefined {
  const near = termsOf(pod, pod.spec.scheduling?.podAffinity, cluster);
  const away = termsOf(pod, pod.spec.scheduling?.podAntiAffinity, cluster);
  const keepingAway = new TopologyCounts();
  for (const { terms, nodes } of keepers) {
    for (const term of terms.filter((each) => each.matches(pod))) {
      for (const node of nodes) keepingAway.add(node, term.topologyKey, 1);
    }
  }
  const othersMayKeepAway = cluster.movable.some(({ spec }) => spec.scheduling?.podAntiAffinity !== undefined);
  if (near.length === 0 && away.length === 0 && keepingAway.isEmpty && !othersMayKeepAway) return undefined;

  const nearby = new Neighbours(near, away);
  for (const { pod: other, node } of boundMeantBy([...near, ...away], cluster)) nearby.count(other, node, 1);
  return {
    change: near.length > 0 ? 'either' : 'worse',
    refuse: (node) => {
      if (!nearby.isNear(node, pod)) return NOT_NEAR;
      if (nearby.isTooNear(node)) return TOO_NEAR;
      return keepingAway.isAny(node) ? KEPT_AWAY : undefined;
    },
    moved: (other, node, by) => {
      nearby.count(other, node, by);
      for (const term of termsOf(other, other.spec.scheduling?.podAntiAffinity, cluster)) {
        if (term.matches(pod)) keepingAway.add(node, term.topologyKey, by);
      }
    },
  };
}

/** Where the Pods are that the terms of one Pod mean. */
class Neighbours {
  readonly #near: readonly Term[];
  readonly #away: readonly Term[];
  readonly #wanted = new TopologyCounts();
  readonly #unwanted = new TopologyCounts();

  constructor(near: readonly Term[], away: readonly Term[]) {
    this.#near = near;
    this.#away = away;
  }

  /** A Pod is wanted for one term only where it satisfies all of them. */
  count(other: Pod, node: FitNode, by: 1 | -1): void {
    if (this.#near.length > 0 && this.#near.every((term) => term.matches(other))) {
      for (const { topologyKey } of this.#near) this.#wanted.add(node, topologyKey, by);
    }
    for (const term of this.#away) {
      if (term.matches(other)) this.#unwanted.add(node, term.topologyKey, by);
    }
  }

  /** The first of a group that wants to be together finds nobody, and may go anywhere that has the topologies. */
  isNear(node: FitNode, pod: Pod): boolean {
    const near = this.#near;
    if (near.every(({ topologyKey }) => this.#wanted.at(node, topologyKey) > 0)) return true;
    if (!near.every(({ topologyKey }) => node.label(topologyKey) !== undefined)) return false;
    return this.#wanted.isEmpty && near.every((term) => term.matches(pod));
  }

  isTooNear(node: FitNode): boolean {
    return this.#away.some(({ topologyKey }) => this.#unwanted.at(node, topologyKey) > 0);
  }
}

/** How many Pods there are, by topology key and the value of that label. */
class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();
  #total = 0;

  add(node: FitNode, key: string, by: 1 | -1): void {
    const value = node.label(key);
    if (value === undefined) return;
    let counts = this.#byKey.get(key);
    if (counts === undefined) {
      counts = new Map();
      this.#byKey.set(key, counts);
    }
    counts.set(value, (counts.get(value) ?? 0) + by);
    this.#total += by;
  }

  /** In the Node's domain of that key. */
  at(node: FitNode, key: string): number {
    const value = node.label(key);
    return value === undefined ? 0 : (this.#byKey.get(key)?.get(value) ?? 0);
  }

  /** In the Node's domain of any key. */
  isAny(node: FitNode): boolean {
    if (this.isEmpty) return false;
    for (const key of this.#byKey.keys()) if (this.at(node, key) > 0) return true;
    return false;
  }

  get isEmpty(): boolean {
    return this.#total === 0;
  }
}
