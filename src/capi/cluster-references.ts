/** Which Machines need their workload cluster, and which clusters may still carry our marks: these are connected. */
import type { ClusterKey, WorkloadClusters } from '../core/clusters.ts';
import type { Machine } from '../core/machine-objects.ts';
import { clusterOf } from './machines.ts';

/**
 * Tracks Machines: a Machine is added when it takes part, and removed only when a pass has found none of our marks left on its Node. So the
 * last Machine of a cluster that is disabled can still be cleaned up. The set of wanted clusters changes with the first and the last
 * Machine of each, and with the Nodes recorded on Cluster objects (`known-clusters.ts`).
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
   * @param exists whether there is a Cluster object: anyone who may create a Machine can invent a cluster's name.
   * @param onIdle called when the last Machine of a cluster was removed.
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

  /** Records whether the Cluster object is marked because we have written to its workload cluster, so that marks may be left there. */
  remember(cluster: ClusterKey, isRemembered: boolean): void {
    if (isRemembered === this.#remembered.has(cluster)) return;
    if (isRemembered) this.#remembered.add(cluster);
    else this.#remembered.delete(cluster);
    this.#changed();
  }

  /** The remaining marks cannot be removed: no connection is kept for them alone. The next process tries again. */
  giveUp(cluster: ClusterKey): void {
    this.#givenUp.add(cluster);
    this.#changed();
  }

  /** Call this when a Cluster object came or went. */
  clusterChanged(cluster: ClusterKey): void {
    if (this.#counts.has(cluster)) this.#changed();
  }

  has(machineKey: string): boolean {
    return this.#clusterOf.has(machineKey);
  }

  /** The Node that the Machine last named, if the Machine is tracked. */
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
