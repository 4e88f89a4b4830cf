/** The state of a simulation that its rules share. */

import { isSameTaint } from '../meta.ts';
import type { Namespace, Node, Pod, Taint } from '../objects.ts';
import type { CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../storage-objects.ts';
import { loadOf } from './load.ts';
import { FitNode } from './node.ts';
import type { Steps } from './steps.ts';
import { Topology } from './topology.ts';

export interface NodeState {
  readonly node: Node;
  /** Every Pod that is bound to the Node, except those that are to be placed. The array must not be changed later. */
  readonly pods: readonly Pod[];
}

/** Looks up storage objects; returns undefined for an unknown name. */
export interface StorageLookup {
  /** @param key `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumesOfClass(className: string): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  csiNode(name: string): CsiNode | undefined;
}

/** The Node that is to be drained. Its labels still count for topology spread; no Pod is placed there. */
export interface LeavingNode {
  readonly name: string;
  /** The maintenance taint, for a Node that does not carry it yet. */
  readonly taint?: Taint;
}

export interface ClusterInput {
  /** All Nodes, including the leaving one, for which only the Pods that stay on it should be given, such as those of DaemonSets. */
  readonly nodes: readonly NodeState[];
  readonly leaving?: LeavingNode;
  /** Names of other Nodes that are in maintenance or about to be. */
  readonly unavailable?: ReadonlySet<string>;
  readonly storage: StorageLookup;
  /** If absent, terms with a namespace selector are not judged. */
  readonly namespaces?: readonly Namespace[];
}

/** Further notes are only counted. */
const MAX_NOTES = 50;
const NODES_A_STEP = 200;
const ALWAYS_COUNTED = ['cpu', 'memory'];

export class Cluster {
  /** Sorted by name, so that equal input in another order gives the same result. */
  readonly nodes: readonly FitNode[];
  readonly leaving: FitNode | undefined;
  readonly storage: StorageLookup;
  readonly namespaces: readonly Namespace[] | undefined;
  /** The Pods to be placed. */
  readonly movable: readonly Pod[];
  /** The resources that are counted: those that any Pod requests, and those by which Nodes are compared. */
  readonly resources: readonly string[];
  /** Volumes that placed Pods have taken for unbound claims: keys of the claims by names of the volumes. */
  readonly takenVolumes = new Map<string, string>();
  readonly #unavailable: ReadonlySet<string>;
  readonly #topologies = new Map<string, Topology>();
  readonly #notModelled = new Set<string>();

  static *prepare(input: ClusterInput, movable: readonly Pod[]): Steps<Cluster> {
    yield;
    const asked = movable.flatMap(({ spec }) => Object.keys(spec.scheduling?.requests ?? {}));
    const resources = [...new Set([...ALWAYS_COUNTED, ...asked])].sort();
    const moving = new Set(movable.map(({ metadata }) => metadata.uid));
    const stays = ({ metadata }: Pod): boolean => !moving.has(metadata.uid);
    // If every Pod's Node is known, all other Nodes keep their Pods.
    const homes = movable.every(({ spec }) => spec.nodeName !== undefined)
      ? new Set(movable.map(({ spec }) => spec.nodeName))
      : undefined;
    const states = [...input.nodes].sort((a, b) => (a.node.metadata.name < b.node.metadata.name ? -1 : 1));
    yield;
    const nodes: FitNode[] = [];
    for (const [index, { node, pods }] of states.entries()) {
      const taint = node.metadata.name === input.leaving?.name ? input.leaving.taint : undefined;
      const isLeft = homes?.has(node.metadata.name) !== false && !pods.every(stays);
      const load = loadOf(isLeft ? pods.filter(stays) : pods);
      nodes.push(new FitNode({ node, taints: withTaint(node.spec.taints ?? [], taint), load, index, resources }));
      if (index % NODES_A_STEP === NODES_A_STEP - 1) yield;
    }
    return new Cluster(input, movable, resources, nodes);
  }

  private constructor(
    { leaving, unavailable, storage, namespaces }: ClusterInput,
    movable: readonly Pod[],
    resources: readonly string[],
    nodes: readonly FitNode[],
  ) {
    this.nodes = nodes;
    this.leaving = nodes.find(({ name }) => name === leaving?.name);
    this.movable = movable;
    this.resources = resources;
    this.storage = storage;
    this.namespaces = namespaces;
    this.#unavailable = unavailable ?? new Set();
  }

  /** Whether the Node is in maintenance or about to be, the leaving one or another. */
  isUnavailable(node: FitNode): boolean {
    return node === this.leaving || this.#unavailable.has(node.name);
  }

  topology(key: string): Topology {
    let topology = this.#topologies.get(key);
    if (topology === undefined) {
      topology = new Topology(key, this.nodes);
      this.#topologies.set(key, topology);
    }
    return topology;
  }

  /** Notes a requirement that the scheduler checks and this simulation leaves out, in favour of the Pod. */
  noteNotModelled(what: string): void {
    this.#notModelled.add(what);
  }

  get notModelled(): readonly string[] {
    const notes = [...this.#notModelled].sort();
    if (notes.length <= MAX_NOTES) return notes;
    return [...notes.slice(0, MAX_NOTES), `and ${notes.length - MAX_NOTES} more`];
  }
}

function withTaint(taints: readonly Taint[], extra: Taint | undefined): readonly Taint[] {
  return extra === undefined || taints.some((taint) => isSameTaint(taint, extra)) ? taints : [...taints, extra];
}
