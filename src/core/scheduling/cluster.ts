/** The state of a simulation that rules share. */

import { isSameTaint } from '../meta.ts';
import type {
  CsiNode,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  Taint,
} from '../objects.ts';
import { FitNode } from './node.ts';

export interface NodeState {
  readonly node: Node;
  /** Every Pod that is bound to it. Those that are to be placed are not counted here. */
  readonly pods: readonly Pod[];
}

/** Looks storage up; a name that is not there gives undefined. */
export interface StorageLookup {
  /** @param key `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumesOfClass(className: string): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  csiNode(name: string): CsiNode | undefined;
}

/** The Node that is to be left. Its labels still count for topology spread; nothing is placed there. */
export interface LeavingNode {
  readonly name: string;
  /** The maintenance taint, for a Node that does not carry it yet. */
  readonly taint?: Taint;
}

export interface ClusterInput {
  /** All Nodes, the leaving one among them. Of that one only the Pods that stay on it, say of DaemonSets, should be given. */
  readonly nodes: readonly NodeState[];
  readonly leaving?: LeavingNode;
  /** Names of other Nodes that are in maintenance or about to be. */
  readonly unavailable?: ReadonlySet<string>;
  readonly storage: StorageLookup;
  /** Where they are not given, terms with a namespace selector are not judged. */
  readonly namespaces?: readonly Namespace[];
}

/** A Pod that stays, and where it is. */
export interface Bound {
  readonly pod: Pod;
  readonly node: FitNode;
}

export class Cluster {
  /** Ordered by name, so that equal input in another order gives the same result. */
  readonly nodes: readonly FitNode[];
  readonly leaving: FitNode | undefined;
  readonly storage: StorageLookup;
  readonly namespaces: readonly Namespace[] | undefined;
  /** The Pods to be placed. */
  readonly movable: readonly Pod[];
  /** Volumes that placed Pods have taken for claims that were not bound: keys of the claims by names of the volumes. */
  readonly takenVolumes = new Map<string, string>();
  readonly #unavailable: ReadonlySet<string>;
  readonly #notModelled = new Set<string>();
  #byNamespace: ReadonlyMap<string, readonly Bound[]> | undefined;

  constructor({ nodes, leaving, unavailable, storage, namespaces }: ClusterInput, movable: readonly Pod[]) {
    const moving = new Set(movable.map(({ metadata }) => metadata.uid));
    const stays = ({ metadata }: Pod): boolean => !moving.has(metadata.uid);
    this.nodes = nodes
      .map(({ node, pods }) => {
        const taint = node.metadata.name === leaving?.name ? leaving.taint : undefined;
        const staying = pods.every(stays) ? pods : pods.filter(stays);
        return new FitNode(node, withTaint(node.spec.taints ?? [], taint), staying);
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    this.leaving = this.nodes.find(({ name }) => name === leaving?.name);
    this.movable = movable;
    this.storage = storage;
    this.namespaces = namespaces;
    this.#unavailable = unavailable ?? new Set();
  }

  /** Whether the Node is in maintenance or about to be, the leaving one or another. */
  isUnavailable(node: FitNode): boolean {
    return node === this.leaving || this.#unavailable.has(node.name);
  }

  /** The Pods of a namespace that stay. */
  boundIn(namespace: string): readonly Bound[] {
    this.#byNamespace ??= groupByNamespace(this.nodes);
    return this.#byNamespace.get(namespace) ?? [];
  }

  /** All Pods that stay. */
  *bound(): Iterable<Bound> {
    for (const node of this.nodes) {
      for (const pod of node.pods) yield { pod, node };
    }
  }

  /** Names something that the scheduler heeds and this simulation leaves out, in favour of the Pod. */
  noteNotModelled(what: string): void {
    this.#notModelled.add(what);
  }

  get notModelled(): readonly string[] {
    return [...this.#notModelled].sort();
  }
}

function withTaint(taints: readonly Taint[], extra: Taint | undefined): readonly Taint[] {
  return extra === undefined || taints.some((taint) => isSameTaint(taint, extra)) ? taints : [...taints, extra];
}

function groupByNamespace(nodes: readonly FitNode[]): ReadonlyMap<string, readonly Bound[]> {
  const groups = new Map<string, Bound[]>();
  for (const node of nodes) {
    for (const pod of node.pods) {
      const namespace = pod.metadata.namespace ?? '';
      const group = groups.get(namespace);
      if (group === undefined) groups.set(namespace, [{ pod, node }]);
      else group.push({ pod, node });
    }
  }
  return groups;
}
