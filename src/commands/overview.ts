/** How everything stands that is or could be in maintenance, as far as the management cluster shows it. */
import { explainMachine } from '../capi/explain.ts';
import { clusterOf, hasHook } from '../capi/machines.ts';
import type { Observed } from '../capi/observed.ts';
import type { Explanation } from '../core/explanation.ts';
import {
  BARE_METAL_HOST,
  BARE_METAL_HOST_VERSIONS,
  type BareMetalHost,
  CLUSTER,
  CLUSTER_API_VERSIONS,
  type Cluster,
  MACHINE,
  type Machine,
} from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import { type KubeObject, NODE, type Node } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import type { ApiClient } from '../kube/api.ts';
import { discover } from '../kube/discovery.ts';
import { trimMeta, trimOf } from '../kube/trim.ts';
import { explainHost } from '../metal3/explain.ts';
import { declareIndexes } from '../metal3/wiring.ts';
import { explainNode } from '../tmm/explain.ts';
import { type DatedMachine, trimDatedMachine } from './dated-machine.ts';
import type { Settings } from './settings.ts';
import { View } from './view.ts';

export interface Scope {
  /** Of Machines and hosts; none means all. */
  readonly namespaces: readonly string[];
  readonly labelSelector?: string | undefined;
}

/** What a view can do whatever its kind is. */
type AnyView = Pick<View<KubeObject>, 'look' | 'follow' | 'onChange' | 'all'>;

export class Overview {
  readonly #nodes: View<Node>;
  readonly #machines: View<DatedMachine>;
  readonly #clusters: View<Cluster>;
  readonly #hosts: View<BareMetalHost>;
  /** The keys of what the label selector takes; absent where there is none. */
  readonly #chosen: Readonly<Record<'nodes' | 'machines' | 'hosts', View<KubeObject>>> | undefined;
  readonly #settings: Settings;
  /** A Node's explanation follows from the Node alone, and of thousands few change. */
  readonly #explained = new WeakMap<Node, Explanation>();

  private constructor(served: Served, { namespaces, labelSelector }: Scope, settings: Settings) {
    this.#settings = settings;
    this.#nodes = new View({ resource: NODE, namespaces: [], trim: trimOf(NODE) });
    this.#machines = new View<DatedMachine>({ resource: served.machines, namespaces, trim: trimDatedMachine });
    this.#clusters = new View({ resource: served.clusters, namespaces, trim: trimOf(CLUSTER) });
    this.#hosts = new View({ resource: served.hosts, namespaces, trim: trimOf(BARE_METAL_HOST) });
    declareIndexes({ machines: this.#machines.source, hosts: this.#hosts.source });
    if (labelSelector === undefined) return;
    // A list of its own, of metadata alone: a host is explained by its Machine, which the selector may not take.
    const chosen = (resource: Resource<KubeObject> | undefined, within: readonly string[]): View<KubeObject> =>
      new View({ resource, namespaces: within, trim: trimMeta, labelSelector, metadataOnly: true });
    this.#chosen = {
      nodes: chosen(NODE, []),
      machines: chosen(served.machines, namespaces),
      hosts: chosen(served.hosts, namespaces),
    };
  }

  /**
   * Finds out which kinds the cluster serves; nothing is read of them yet.
   *
   * @throws KubeError where the server does not say.
   */
  static async prepare(client: ApiClient, scope: Scope, settings: Settings, signal: AbortSignal): Promise<Overview> {
    return new Overview(await servedBy(client, signal), scope, settings);
  }

  /** Reads everything once. @returns what could not be read and why, one line each; it is left out then. */
  async look(client: ApiClient, signal: AbortSignal): Promise<readonly string[]> {
    const faults = await Promise.all(this.views.map((view) => view.look(client, signal)));
    return [...new Set(faults.flat())];
  }

  /** Everything that is read, to be followed or looked at. */
  get views(): readonly AnyView[] {
    const { nodes, machines, hosts } = this.#chosen ?? {};
    const chosen = [nodes, machines, hosts].flatMap((view) => view ?? []);
    return [this.#nodes, this.#machines, this.#clusters, this.#hosts, ...chosen];
  }

  /** Whether nothing is left out because it is not known. */
  isComplete(): boolean {
    return this.views.every((view) => view.all().is === 'known');
  }

  /** Of everything that is known; of a kind only where all that it is explained by is known as well. */
  explanations(nowMs: number): readonly Explanation[] {
    return [...this.#ofNodes(), ...this.#ofMachines(nowMs), ...this.#ofHosts(nowMs)];
  }

  #ofNodes(): readonly Explanation[] {
    return this.#shown(this.#nodes, this.#chosen?.nodes).map((node) => {
      const known = this.#explained.get(node) ?? explainNode(node, this.#settings.taints);
      this.#explained.set(node, known);
      return known;
    });
  }

  #ofMachines(nowMs: number): readonly Explanation[] {
    const clusters = this.#clusters.all();
    if (clusters.is === 'unknown') return [];
    const owners = new Map(clusters.value.map((cluster) => [keyOf(cluster), cluster]));
    return this.#shown(this.#machines, this.#chosen?.machines).map((machine) =>
      explainUnasked(machine, owners.get(clusterOf(machine) ?? ''), this.#settings, nowMs),
    );
  }

  #ofHosts(nowMs: number): readonly Explanation[] {
    if (this.#clusters.all().is === 'unknown' || this.#machines.all().is === 'unknown') return [];
    const readers = {
      hosts: this.#hosts.source,
      machines: this.#machines.source,
      clusters: this.#clusters.source,
    };
    return this.#shown(this.#hosts, this.#chosen?.hosts).map((host) =>
      explainHost(host, readers, this.#settings.metal3, nowMs),
    );
  }

  #shown<T extends KubeObject>(view: View<T>, chosen: View<KubeObject> | undefined): readonly T[] {
    const all = view.all();
    if (all.is === 'unknown') return [];
    if (chosen === undefined) return all.value;
    return all.value.filter((object) => chosen.source.get(keyOf(object)).is === 'present');
  }
}

interface Served {
  readonly machines: Resource<Machine> | undefined;
  readonly clusters: Resource<Cluster> | undefined;
  readonly hosts: Resource<BareMetalHost> | undefined;
}

async function servedBy(client: ApiClient, signal: AbortSignal): Promise<Served> {
  const [machines, clusters, hosts] = await Promise.all([
    serve(client, MACHINE, CLUSTER_API_VERSIONS, signal),
    serve(client, CLUSTER, CLUSTER_API_VERSIONS, signal),
    serve(client, BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS, signal),
  ]);
  return { machines, clusters, hosts };
}

/** @returns the kind in the best version that the cluster serves; undefined where it serves none. */
export async function serve<T>(
  client: ApiClient,
  resource: Resource<T>,
  versions: readonly string[],
  signal: AbortSignal,
): Promise<Resource<T> | undefined> {
  const found = await discover(client, resource, versions, signal);
  return found.is === 'served' ? { ...resource, version: found.version } : undefined;
}

/**
 * Without a word of the Node: whatever it had answered, the bridge would have written on the Machine at once. So the hook
 * tells whether the Node has the label of `capi.requireNodeLabel`.
 */
function explainUnasked(
  machine: DatedMachine,
  cluster: Cluster | undefined,
  { capi }: Settings,
  nowMs: number,
): Explanation {
  const { nodeName: name } = machine.status;
  const labels = hasHook(machine) ? { [capi.requireNodeLabel]: '' } : {};
  const node: Observed['node'] =
    name === undefined
      ? { is: 'none' }
      : { is: 'present', object: { metadata: { name, uid: '', resourceVersion: '', labels } } };
  return explainDated(machine, { cluster, node, connection: undefined, nowMs }, { capi });
}

/** @param look what was seen besides the Machine. */
export function explainDated(
  machine: DatedMachine,
  look: Pick<Observed, 'cluster' | 'node' | 'connection' | 'nowMs'>,
  { capi }: Pick<Settings, 'capi'>,
): Explanation {
  const { requestedAt } = machine;
  const observed: Observed = { machine, speaksForNode: true, ...look };
  return explainMachine({ observed, settings: capi, ...(requestedAt !== undefined && { requestedAt }) });
}
