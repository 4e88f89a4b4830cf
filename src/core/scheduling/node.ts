/** A Node during a simulation: what it offers, who stays on it, and which of the Pods to be moved have been put there. */
import { conditionOf, isFinished } from '../meta.ts';
import type { Node, Pod, ResourceAmounts, Taint } from '../objects.ts';

const NOTHING: ResourceAmounts = {};

export class FitNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly isCordoned: boolean;
  readonly isReady: boolean;
  readonly allocatable: ResourceAmounts;
  /** Those that stay, finished ones left out: they hold nothing. */
  readonly pods: readonly Pod[];
  /** Those of the Pods to be moved that are here now. */
  readonly placed: Pod[] = [];
  readonly #requested = new Map<string, number>();

  constructor({ metadata, spec, status }: Node, taints: readonly Taint[], pods: readonly Pod[]) {
    this.name = metadata.name;
    this.labels = metadata.labels ?? {};
    this.taints = taints;
    this.isCordoned = spec.unschedulable === true;
    this.isReady = conditionOf(status.conditions, 'Ready')?.status === 'True';
    this.allocatable = status.allocatable ?? NOTHING;
    this.pods = pods.some(isFinished) ? pods.filter((pod) => !isFinished(pod)) : pods;
    for (const { spec } of this.pods) this.#count(spec.scheduling?.held ?? spec.scheduling?.requests, 1);
  }

  /** Own labels only: a topology key may well be called `constructor`. */
  label(key: string): string | undefined {
    return Object.hasOwn(this.labels, key) ? this.labels[key] : undefined;
  }

  get podCount(): number {
    return this.pods.length + this.placed.length;
  }

  requested(resource: string): number {
    return this.#requested.get(resource) ?? 0;
  }

  /** What is left of a resource; negative where more is held than there is. */
  free(resource: string): number {
    return (this.allocatable[resource] ?? 0) - this.requested(resource);
  }

  put(pod: Pod): void {
    this.placed.push(pod);
    this.#count(pod.spec.scheduling?.requests, 1);
  }

  take(pod: Pod): void {
    this.placed.splice(this.placed.indexOf(pod), 1);
    this.#count(pod.spec.scheduling?.requests, -1);
  }

  #count(amounts: ResourceAmounts | undefined, by: 1 | -1): void {
    for (const resource in amounts) {
      this.#requested.set(resource, this.requested(resource) + by * (amounts[resource] ?? 0));
    }
  }
}
