/** What passes know of the managed clusters besides their objects: works come before views after an outage. */
import type { ClusterCondition, ManagedClusterAccess } from '../core/managed-clusters.ts';

export interface ClusterPorts {
  /** undefined for a namespace that is no cluster of ours. */
  cluster(name: string): ManagedClusterAccess | undefined;
  /** UID of kube-system of the hub; undefined while it is not known. */
  hubId(): string | undefined;
}

/**
 * When a cluster answers again, its pending works are applied before its views are answered: with the primary dead its work
 * has been turned to secondary on the hub, and a view that says `primary` again, if only for half a second, makes two of them
 * (seen with Ramen). A work counts once it was tried, however that went: the views then show what is.
 */
export class Settling {
  readonly #pending = new Map<string, Set<string>>();
  readonly #onSettled: (cluster: string) => void;

  constructor(onSettled: (cluster: string) => void) {
    this.#onSettled = onSettled;
  }

  /** @param works the keys of those that are due. */
  begin(cluster: string, works: Iterable<string>): void {
    const pending = new Set(works);
    if (pending.size > 0) this.#pending.set(cluster, pending);
    else {
      this.#pending.delete(cluster);
      this.#onSettled(cluster);
    }
  }

  /** The cluster is gone again; whoever waits is told otherwise. */
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

/** Of a cluster that cannot be asked, why; undefined where it can. */
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
