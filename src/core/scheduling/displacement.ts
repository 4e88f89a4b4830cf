/**
 * Preemption: a Pod that fits nowhere displaces Pods of lower priority (plugin DefaultPreemption). Clusters keep such Pods as headroom.
 * Which ones are displaced is not modelled, only that there are enough of them on one Node.
 */
import type { Pod } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { Mover } from './mover.ts';
import type { FitNode } from './node.ts';

/** The resources that Pods of lower priority would free together. */
interface Freed {
  readonly pods: number;
  /** One amount for each of the cluster's resources. */
  readonly amounts: readonly number[];
}

/** Computes what could be displaced, from the state at construction. */
export class Displacement {
  readonly #cluster: Cluster;
  /** By priority: what Pods of lower priority would free, for Nodes that have any. Many Pods ask, with few different priorities. */
  readonly #lower = new Map<number, ReadonlyMap<FitNode, Freed>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Whether the Pod's requests fit on an otherwise suitable Node once Pods of lower priority have left it. */
  canMakeRoomFor({ pod, kind }: Mover): boolean {
    if (pod.spec.scheduling?.neverPreempts === true) return false;
    const lower = this.#lowerThan(priorityOf(pod));
    return kind.candidates.some((node) => {
      const freed = lower.get(node);
      if (freed === undefined || node.freePods + freed.pods < 1) return false;
      return kind.amounts.every(
        (amount, at) => amount === 0 || amount <= (node.free[at] ?? 0) + (freed.amounts[at] ?? 0),
      );
    });
  }

  #lowerThan(priority: number): ReadonlyMap<FitNode, Freed> {
    const known = this.#lower.get(priority);
    if (known !== undefined) return known;
    const found = new Map<FitNode, Freed>();
    for (const node of this.#cluster.nodes) {
      const pods = node.pods.filter((other) => priorityOf(other) < priority);
      if (pods.length > 0) found.set(node, { pods: pods.length, amounts: this.#heldBy(pods) });
    }
    this.#lower.set(priority, found);
    return found;
  }

  #heldBy(pods: readonly Pod[]): readonly number[] {
    return this.#cluster.resources.map((resource) =>
      pods.reduce(
        (sum, { spec: { scheduling } }) => sum + ((scheduling?.held ?? scheduling?.requests)?.[resource] ?? 0),
        0,
      ),
    );
  }
}

function priorityOf({ spec }: Pod): number {
  return spec.scheduling?.priority ?? 0;
}
