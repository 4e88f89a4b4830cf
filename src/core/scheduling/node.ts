/** A Node during a simulation: its resources, the Pods that stay on it, and the moved Pods that have been placed there. */
import { conditionOf } from '../meta.ts';
import type { Node, Pod, ResourceAmounts, Taint } from '../objects.ts';
import type { Load } from './load.ts';

const NOTHING: ResourceAmounts = {};

export interface FitNodeParts {
  readonly node: Node;
  readonly taints: readonly Taint[];
  readonly load: Load;
  /** Its position in the order of all Nodes. */
  readonly index: number;
  /** The resources that are counted, in the order of `free`. */
  readonly resources: readonly string[];
}

export class FitNode {
  readonly index: number;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly isCordoned: boolean;
  readonly isReady: boolean;
  readonly allocatable: ResourceAmounts;
  readonly declaredFeatures: readonly string[];
  /** The Pods that stay, without finished ones. */
  readonly pods: readonly Pod[];
  /** Those of `pods` that keep others away. */
  readonly keepers: readonly Pod[];
  /** The moved Pods that are placed here now. */
  readonly placed: Pod[] = [];
  /** Its capacity of each counted resource. */
  readonly capacity: readonly number[];
  /** The rest of each resource; negative if more is held than there is. */
  readonly free: number[];
  readonly #resources: readonly string[];

  constructor({ node: { metadata, spec, status }, taints, load, index, resources }: FitNodeParts) {
    this.index = index;
    this.name = metadata.name;
    this.labels = metadata.labels ?? {};
    this.isCordoned = spec.unschedulable === true;
    this.isReady = conditionOf(status.conditions, 'Ready')?.status === 'True';
    this.taints = taints;
    this.allocatable = status.allocatable ?? NOTHING;
    this.declaredFeatures = status.declaredFeatures ?? [];
    this.pods = load.pods;
    this.keepers = load.keepers;
    this.#resources = resources;
    this.capacity = resources.map((resource) => this.allocatable[resource] ?? 0);
    this.free = resources.map((resource, at) => (this.capacity[at] ?? 0) - (load.requested.get(resource) ?? 0));
  }

  /** Own labels only: a topology key may well be called `constructor`. */
  label(key: string): string | undefined {
    return Object.hasOwn(this.labels, key) ? this.labels[key] : undefined;
  }

  /** How many more Pods it takes, whatever they request. */
  get freePods(): number {
    return (this.allocatable.pods ?? 0) - this.pods.length - this.placed.length;
  }

  /** The share of a counted resource that is left; negative if more is held than there is. */
  freeShare(resource: string): number {
    const at = this.#resources.indexOf(resource);
    return (this.free[at] ?? 0) / (this.capacity[at] || 1);
  }

  /** @param amounts the Pod's amount of each counted resource. */
  put(pod: Pod, amounts: readonly number[]): void {
    this.placed.push(pod);
    this.#take(amounts, 1);
  }

  remove(pod: Pod, amounts: readonly number[]): void {
    this.placed.splice(this.placed.indexOf(pod), 1);
    this.#take(amounts, -1);
  }

  #take(amounts: readonly number[], by: 1 | -1): void {
    for (const [at, amount] of amounts.entries()) this.free[at] = (this.free[at] ?? 0) - by * amount;
  }
}
