/**
 * Room that the scheduler makes by force: a Pod that fits nowhere displaces Pods of lower priority (plugin DefaultPreemption).
 * Clusters keep such Pods as headroom. Which ones go is not modelled, only that there are enough of them on one Node.
 */
import type { Pod } from '../objects.ts';
import type { Mover } from './mover.ts';
import type { FitNode } from './node.ts';

/** What could be displaced, as the Pods stand when this is made. */
export class Displacement {
  readonly #nodes: readonly FitNode[];
  /** By priority: the Pods below it, of Nodes that have any. Many Pods ask, of few priorities. */
  readonly #lower = new Map<number, ReadonlyMap<FitNode, readonly Pod[]>>();

  constructor(nodes: readonly FitNode[]) {
    this.#nodes = nodes;
  }

  /** Whether the Pod's requests fit on a Node that nothing lasting speaks against, once lower priorities have left it. */
  canMakeRoomFor({ pod: { spec }, kind }: Mover): boolean {
    const { scheduling } = spec;
    if (scheduling?.neverPreempts === true) return false;
    const lower = this.#lowerThan(priorityOf({ spec }));
    return kind.candidates.some((node) => {
      const pods = lower.get(node);
      return pods !== undefined && hasRoomWithout(pods, node, scheduling?.requests ?? {});
    });
  }

  #lowerThan(priority: number): ReadonlyMap<FitNode, readonly Pod[]> {
    const known = this.#lower.get(priority);
    if (known !== undefined) return known;
    const found = new Map(
      this.#nodes.flatMap((node) => {
        const pods = node.pods.filter((other) => priorityOf(other) < priority);
        return pods.length === 0 ? [] : [[node, pods] as const];
      }),
    );
    this.#lower.set(priority, found);
    return found;
  }
}

function hasRoomWithout(lower: readonly Pod[], node: FitNode, requests: Readonly<Record<string, number>>): boolean {
  if (node.podCount - lower.length + 1 > (node.allocatable.pods ?? 0)) return false;
  return Object.entries(requests).every(([resource, amount]) => {
    const freed = lower.reduce((sum, { spec: { scheduling } }) => {
      return sum + ((scheduling?.held ?? scheduling?.requests)?.[resource] ?? 0);
    }, 0);
    return amount <= node.free(resource) + freed;
  });
}

function priorityOf({ spec }: Pick<Pod, 'spec'>): number {
  return spec.scheduling?.priority ?? 0;
}
