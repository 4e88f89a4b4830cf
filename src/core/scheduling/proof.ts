/** Short proofs that Pods cannot all be placed, in any order: if one holds, no search is needed. */
import type { Cluster } from './cluster.ts';
import type { Kind, Mover } from './mover.ts';
import type { FitNode } from './node.ts';
import type { Steps } from './steps.ts';
import { NO_DOMAIN } from './topology.ts';

/**
 * Call it while none of them is placed.
 *
 * @param left those that an attempt could not place.
 */
export function* cannotFit(movers: readonly Mover[], left: readonly Mover[], cluster: Cluster): Steps<boolean> {
  for (const kind of new Set(left.map((mover) => mover.kind))) {
    const open = kind.candidates.filter((node) => !kind.refusesAnyway(node));
    const count = movers.filter((mover) => mover.kind === kind).length;
    if (open.length < placesNeeded(kind, count) || hasTooFewDomains(kind, count, open, cluster)) return true;
    yield;
  }
  return isShortOfRoom(movers, cluster);
}

/** Pods of one kind with a host port need a Node each. */
function placesNeeded({ pod }: Kind, count: number): number {
  return pod.spec.scheduling?.hostPorts === undefined ? 1 : count;
}

/** Pods that keep away from others of their kind need a domain each. */
function hasTooFewDomains({ aloneIn }: Kind, count: number, open: readonly FitNode[], cluster: Cluster): boolean {
  return aloneIn.some((key) => {
    const topology = cluster.topology(key);
    // Nodes without a domain take any number of them.
    const domains = new Set(open.map((node) => topology.domainOf(node)));
    return !domains.has(NO_DOMAIN) && domains.size < count;
  });
}

/** Whether the requests exceed the capacity of a resource, or even the smallest Pods are more than the Nodes take. */
function isShortOfRoom(movers: readonly Mover[], cluster: Cluster): boolean {
  const usable = [...new Set(movers.flatMap(({ kind }) => kind.candidates))];
  return cluster.resources.some((_, at) => {
    const sizes = movers.map(({ kind }) => kind.amounts[at] ?? 0).sort((a, b) => a - b);
    // The sums of the smallest Pods, in ascending order.
    const sums: number[] = [];
    for (const size of sizes) sums.push((sums.at(-1) ?? 0) + size);
    const smallest = sizes.find((size) => size > 0) ?? 0;
    let room = 0;
    let places = 0;
    for (const node of usable) {
      const free = node.free[at] ?? 0;
      if (free >= smallest) room += free;
      // An overcommitted Node still takes Pods that request nothing of the resource.
      places += Math.max(0, Math.min(node.freePods, countUpTo(free, sums)));
    }
    return room < (sums.at(-1) ?? 0) || places < movers.length;
  });
}

/** How many of the ascending sums are at most `limit`. */
function countUpTo(limit: number, sums: readonly number[]): number {
  let [low, high] = [0, sums.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
