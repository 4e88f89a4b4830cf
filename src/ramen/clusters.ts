/** What passes know about the managed clusters besides their objects: after an outage, works come before views. */
import type { ClusterCondition, ManagedClusterAccess } from '../core/managed-clusters.ts';

export interface ClusterPorts {
  /** undefined for a namespace that is not a cluster of ours. */
  cluster(name: string): ManagedClusterAccess | undefined;
  /** UID of kube-system of the hub; undefined while it is not known. */
  hubId(): string | undefined;
}

/**
 * When a cluster answers again, its pending works are applied before its views are answered. While the primary was down, its work has been
 * changed to secondary on the hub; a view that reports `primary` again, even for half a second, leads to two primaries (observed with
 * Ramen). A work counts once it was tried, whatever the result: the views then show the actual state.
 */
export class Settling {
  readonly #pending = new Map<string, Set<string>>();
  readonly #onSettled: (cluster: string) => void;

  constructor(onSettled: (cluster: string) => void) {
    this.#onSettled = onSettled;
  }

  /** @param works the keys of the works that are due. */
  begin(cluster: string, works: Iterable<string>): void {
    const pending = new Set(works);
    if (pending.size > 0) this.#pending.set(cluster, pending);
    else {
      this.#pending.delete(cluster);
      this.#onSettled(cluster);
    }
  }

  /** The cluster is gone again; the waiting views learn of it by other means. */
  end(cluster: string): void {
    this.#pending.delete(cluster);
  }

  tried(cluster: string, work: string): void {
    const pending = this.#pending.get(cluster);
    if (pending?.delete(work) !== true || pending.size > 0) return;
    this.#pending.delete(cluster);
    this.#onSettled(cluster);
  }

  isSettled(cluster: string): boolean {
    return !this.#pending.has(cluster);
  }
}

/** Why a cluster cannot be asked; undefined if it can. */
export function whyNot(condition: ClusterCondition): string | undefined {
  switch (condition.is) {
    case 'connected':
      return undefined;
    case 'connecting':
      return 'the cluster is being connected';
    case 'lost':
      return `the cluster cannot be asked: ${condition.detail}`;
  }
}
