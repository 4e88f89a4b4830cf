/** Which Machines need their workload cluster, and which clusters may hold something of ours: these are connected. */
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Machine } from '../core/machine-objects.ts';
import { clusterOf } from './machines.ts';

/**
 * A Machine is put on the roster when it takes part, and struck off only when a pass has found nothing of ours left on
 * its Node: so the last Machine of a cluster that is disabled can still be cleaned up. The clusters that are wanted
 * change with the first and the last Machine of each, and with what Cluster objects remember (`known-clusters.ts`).
 */
export class ClusterReferences {
  readonly #clusters: Pick<WorkloadClusters, 'want'>;
  readonly #exists: (cluster: ClusterKey) => boolean;
  readonly #onIdle: (cluster: ClusterKey) => void;
  readonly #clusterOf = new Map<string, ClusterKey>();
  readonly #nodeOf = new Map<string, string>();
  readonly #counts = new Map<ClusterKey, number>();
  readonly #remembered = new Set<ClusterKey>();
  readonly #givenUp = new Set<ClusterKey>();

  /**
   * @param exists whether there is a Cluster object: anybody who may create a Machine can invent a cluster's name.
   * @param onIdle called when the last Machine of a cluster was struck off.
   */
  constructor(
    clusters: Pick<WorkloadClusters, 'want'>,
    exists: (cluster: ClusterKey) => boolean,
    onIdle: (cluster: ClusterKey) => void = () => undefined,
  ) {
    this.#clusters = clusters;
    this.#exists = exists;
    this.#onIdle = onIdle;
  }

  /** Whether a Machine takes part in that cluster. */
  needs(cluster: ClusterKey): boolean {
    return this.#counts.has(cluster);
  }

  /** Whether the Cluster object says that we have been there, so that something of ours may be left. */
  remember(cluster: ClusterKey, isRemembered: boolean): void {
    if (isRemembered === this.#remembered.has(cluster)) return;
    if (isRemembered) this.#remembered.add(cluster);
    else this.#remembered.delete(cluster);
    this.#changed();
  }

  /** What is left there cannot be cleaned: no connection is kept for it alone. The next process tries again. */
  giveUp(cluster: ClusterKey): void {
    this.#givenUp.add(cluster);
    this.#changed();
  }

  /** To be called when a Cluster object came or went. */
  clusterChanged(cluster: ClusterKey): void {
    if (this.#counts.has(cluster)) this.#changed();
  }

  has(machineKey: string): boolean {
    return this.#clusterOf.has(machineKey);
  }

  /** The Node that the Machine last named, where it is on the roster. */
  nodeOf(machineKey: string): { readonly cluster: ClusterKey; readonly name: string } | undefined {
    const [cluster, name] = [this.#clusterOf.get(machineKey), this.#nodeOf.get(machineKey)];
    return cluster === undefined || name === undefined ? undefined : { cluster, name };
  }

  engage(machineKey: string, machine: Machine): void {
    const cluster = clusterOf(machine);
    const { nodeName } = machine.status;
    if (nodeName !== undefined) this.#nodeOf.set(machineKey, nodeName);
    const before = this.#clusterOf.get(machineKey);
    if (cluster === before) return;
    if (before !== undefined) this.release(machineKey);
    if (cluster === undefined) return;
    if (nodeName !== undefined) this.#nodeOf.set(machineKey, nodeName);
    this.#clusterOf.set(machineKey, cluster);
    const count = this.#counts.get(cluster) ?? 0;
    this.#counts.set(cluster, count + 1);
    if (count === 0) this.#changed();
  }

  release(machineKey: string): void {
    const cluster = this.#clusterOf.get(machineKey);
    if (cluster === undefined) return;
    this.#nodeOf.delete(machineKey);
    this.#clusterOf.delete(machineKey);
    const count = this.#counts.get(cluster) ?? 0;
    if (count > 1) {
      this.#counts.set(cluster, count - 1);
      return;
    }
    this.#counts.delete(cluster);
    this.#changed();
    this.#onIdle(cluster);
  }

  #changed(): void {
    const left = [...this.#remembered].filter((cluster) => !this.#givenUp.has(cluster));
    this.#clusters.want(new Set([...this.#counts.keys(), ...left].filter(this.#exists)));
  }
}
