/** The domains of one topology key: which Nodes share a value of that label. */
import type { FitNode } from './node.ts';

/** Stands for a Node that lacks the label. */
export const NO_DOMAIN = -1;

export class Topology {
  /** How many domains there are. */
  readonly size: number;
  readonly #domains: Int32Array;

  constructor(key: string, nodes: readonly FitNode[]) {
    const numbers = new Map<string, number>();
    this.#domains = new Int32Array(nodes.length);
    for (const node of nodes) {
      const value = node.label(key);
      const number = value === undefined ? NO_DOMAIN : (numbers.get(value) ?? numbers.size);
      if (value !== undefined) numbers.set(value, number);
      this.#domains[node.index] = number;
    }
    this.size = numbers.size;
  }

  /** The number of the Node's domain, from 0; `NO_DOMAIN` where it has none. */
  domainOf(node: FitNode): number {
    return this.#domains[node.index] ?? NO_DOMAIN;
  }
}

/** How many matching Pods each domain has: most of thousands of domains have none. */
export class DomainCounts {
  readonly topology: Topology;
  readonly #counts = new Map<number, number>();

  constructor(topology: Topology) {
    this.topology = topology;
  }

  add(node: FitNode, by: number): void {
    const domain = this.topology.domainOf(node);
    if (domain === NO_DOMAIN) return;
    const count = (this.#counts.get(domain) ?? 0) + by;
    if (count === 0) this.#counts.delete(domain);
    else this.#counts.set(domain, count);
  }

  /** In the Node's domain. */
  at(node: FitNode): number {
    if (this.#counts.size === 0) return 0;
    const domain = this.topology.domainOf(node);
    return domain === NO_DOMAIN ? 0 : (this.#counts.get(domain) ?? 0);
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** The smallest number in any of `domains` domains, including those that have none. */
  smallestOf(domains: number): number {
    if (this.#counts.size < domains) return 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (const count of this.#counts.values()) smallest = Math.min(smallest, count);
    return smallest;
  }
}
