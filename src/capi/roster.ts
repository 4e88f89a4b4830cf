/** Which Machines need their workload cluster, and thereby which clusters are connected. */
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Machine } from '../core/machine-objects.ts';
import { clusterOf } from './machines.ts';

/**
 * A Machine is put on the roster when it takes part, and struck off only when a pass has found nothing of ours left on
 * its Node: so the last Machine of a cluster that is disabled can still be cleaned up. The clusters that are wanted
 * change with the first and the last Machine of each.
 */
export class Roster {
  readonly #clusters: Pick<WorkloadClusters, 'want'>;
  readonly #clusterOf = new Map<string, ClusterKey>();
  readonly #counts = new Map<ClusterKey, number>();

  constructor(clusters: Pick<WorkloadClusters, 'want'>) {
    this.#clusters = clusters;
  }

  has(machineKey: string): boolean {
    return this.#clusterOf.has(machineKey);
  }

  engage(machineKey: string, machine: Machine): void {
    const cluster = clusterOf(machine);
    const before = this.#clusterOf.get(machineKey);
    if (cluster === before) return;
    if (before !== undefined) this.release(machineKey);
    if (cluster === undefined) return;
    this.#clusterOf.set(machineKey, cluster);
    const count = this.#counts.get(cluster) ?? 0;
    this.#counts.set(cluster, count + 1);
    if (count === 0) this.#changed();
  }

  release(machineKey: string): void {
    const cluster = this.#clusterOf.get(machineKey);
    if (cluster === undefined) return;
    this.#clusterOf.delete(machineKey);
    const count = this.#counts.get(cluster) ?? 0;
    if (count > 1) {
      this.#counts.set(cluster, count - 1);
      return;
    }
    this.#counts.delete(cluster);
    this.#changed();
  }

  #changed(): void {
    this.#clusters.want(new Set(this.#counts.keys()));
  }
}
