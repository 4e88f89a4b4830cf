/**
 * Room that the scheduler makes by force: a Pod that fits nowhere displaces Pods of lower priority (plugin DefaultPreemption).
 * Clusters keep such Pods as headroom. Which ones go is not modelled, only that there are enough of them on one Node.
 */
import type { Pod } from '../objects.ts';
import type { Mover } from './mover.ts';
import type { FitNode } from './node.ts';

/** Whether the Pod's requests fit on a Node that nothing lasting speaks against, once lower priorities have left it. */
export function canDisplace({ pod: { spec }, kind }: Mover): boolean {
  const { scheduling } = spec;
  if (scheduling?.neverPreempts === true) return false;
  const priority = priorityOf({ spec });
  return kind.candidates.some((node) => {
    const lower = node.pods.filter((other) => priorityOf(other) < priority);
    return lower.length > 0 && hasRoomWithout(lower, node, scheduling?.requests ?? {});
  });
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
