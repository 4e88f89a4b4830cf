/**
 * Chooses the best of the Nodes that can take a Pod, weighted like the scheduler's default plugins: free room (NodeResourcesFit, least
 * allocated), few Pods of the same owner on the Node and in its zone (PodTopologySpread), no taint that prefers other Nodes
 * (TaintToleration). Equal Nodes are ordered by name, so that the same cluster always gives the same placement.
 */
import { controllerOf } from '../../../src/core/meta.ts';
import type { Pod } from '../../../src/core/objects.ts';
import type { FitNode } from '../../../src/core/scheduling/node.ts';
import { isTolerated } from '../../../src/core/scheduling/taints.ts';

const ZONE = 'topology.kubernetes.io/zone';
const SPREAD_WEIGHT = 2;
const TAINT_WEIGHT = 3;
const COUNTED = ['cpu', 'memory'];

/** How many Pods of one owner there are, by Node and by zone. */
export class Siblings {
  readonly #onNode = new Map<string, number>();
  readonly #inZone = new Map<string, number>();
  #most = 0;

  add({ name, labels }: Pick<FitNode, 'name' | 'labels'>): void {
    const count = (this.#onNode.get(name) ?? 0) + 1;
    this.#onNode.set(name, count);
    this.#most = Math.max(this.#most, count);
    const zone = labels[ZONE];
    if (zone !== undefined) this.#inZone.set(zone, (this.#inZone.get(zone) ?? 0) + 1);
  }

  /** 1 if there is none, falling towards 0. */
  spread({ name, labels }: FitNode): number {
    const onNode = this.#most === 0 ? 1 : 1 - (this.#onNode.get(name) ?? 0) / (this.#most + 1);
    const zone = labels[ZONE];
    if (zone === undefined || this.#inZone.size === 0) return onNode;
    const mostInZone = Math.max(...this.#inZone.values());
    return (onNode + 2 * (1 - (this.#inZone.get(zone) ?? 0) / (mostInZone + 1))) / 3;
  }
}

/** A larger score is better. */
export function scoreOf(pod: Pod, node: FitNode, siblings: Siblings | undefined): number {
  const avoided = node.taints.filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.spec.tolerations ?? []),
  );
  return roomOn(node) + SPREAD_WEIGHT * (siblings?.spread(node) ?? 0) - TAINT_WEIGHT * avoided.length;
}

/** Undefined for a Pod that no controller would recreate. */
export function ownerOf(pod: Pod): string | undefined {
  return controllerOf(pod)?.uid;
}

/** Between 0 and 1. Pods without requests still take a place. */
function roomOn(node: FitNode): number {
  let room = node.freePods / (node.allocatable.pods ?? 1);
  for (const resource of COUNTED) room += node.freeShare(resource);
  return room / (COUNTED.length + 1);
}
