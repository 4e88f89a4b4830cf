/**
 * The resources that a Pod requests from a Node.
 *
 * Containers run together, init containers one after another before them, and sidecars (init containers that restart always) from their
 * turn on until the end. So a Pod needs, for each resource, the larger of the sum of containers and sidecars and of the maximum that any
 * init container needs beside the sidecars started before it. Pod-level requests replace that for the resources that support them; overhead
 * is added. Source: component-helpers `resource.PodRequests`.
 */
import type { ResourceAmounts } from '../objects.ts';
import { milliUnitsOf, parseQuantity, type Quantity, unitsOf } from '../quantity.ts';

/** As the API has them: quantities as text, by resource. */
export type Quantities = Readonly<Record<string, string>>;

export interface ContainerDemand {
  readonly requests?: Quantities | undefined;
  /** For an init container, `restartPolicy: Always`. */
  readonly isSidecar?: boolean | undefined;
  /** What the kubelet reports; absent until it does, and for init containers that end. */
  readonly status?: ReportedDemand | undefined;
}

/** A resize in place shows as a difference between the requested and the reported resources. */
export interface ReportedDemand {
  readonly actuated?: Quantities | undefined;
  readonly allocated?: Quantities | undefined;
}

export interface PodDemand {
  readonly containers: readonly ContainerDemand[];
  /** In the order in which they run. */
  readonly initContainers: readonly ContainerDemand[];
  /** `spec.resources.requests` and the reported part of them. */
  readonly podLevel?: ContainerDemand | undefined;
  readonly overhead?: Quantities | undefined;
  /** The kubelet has refused the resize permanently, so the requested resources do not count. */
  readonly isResizeInfeasible?: boolean | undefined;
}

type Exact = Map<string, Quantity>;
type RequestsOf = (container: ContainerDemand) => Quantities | Exact;

/** The requests of a new Pod with this specification. Resources without a request are left out. */
export function requestsOf(pod: PodDemand): ResourceAmounts {
  return amountsOf(combine(pod, ({ requests = {} }) => requests));
}

/** What this Pod holds on its Node: during a resize, the maximum of the desired, allocated and actual amounts. */
export function heldBy(pod: PodDemand): ResourceAmounts {
  return amountsOf(
    combine(pod, ({ requests = {}, status }) => {
      if (status?.actuated === undefined) return requests;
      const held: Exact = new Map();
      if (pod.isResizeInfeasible !== true) raise(held, requests);
      raise(held, status.actuated);
      raise(held, status.allocated ?? {});
      return held;
    }),
  );
}

/** Amounts as the scheduler counts them. A quantity that cannot be parsed counts as zero: the API server accepts none. */
export function amountsOf(quantities: Quantities | Exact): ResourceAmounts {
  const amounts: Record<string, number> = {};
  for (const [resource, quantity] of exactly(quantities)) {
    const amount = resource === 'cpu' ? milliUnitsOf(quantity) : unitsOf(quantity);
    if (amount !== 0n) amounts[resource] = Number(amount);
  }
  return amounts;
}

function combine({ containers, initContainers, podLevel, overhead }: PodDemand, demandOf: RequestsOf): Exact {
  const total: Exact = new Map();
  const peak: Exact = new Map();
  const sidecars: Exact = new Map();
  for (const container of containers) add(total, demandOf(container));
  for (const container of initContainers) {
    const demand = demandOf(container);
    if (container.isSidecar === true) {
      add(total, demand);
      add(sidecars, demand);
      raise(peak, sidecars);
    } else {
      const beside = new Map(sidecars);
      add(beside, demand);
      raise(peak, beside);
    }
  }
  raise(total, peak);
  if (podLevel !== undefined) {
    for (const [resource, quantity] of exactly(demandOf(podLevel))) {
      if (hasPodLevel(resource)) total.set(resource, quantity);
    }
  }
  if (overhead !== undefined) add(total, overhead);
  return total;
}

function hasPodLevel(resource: string): boolean {
  return resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-');
}

function add(to: Exact, more: Quantities | Exact): void {
  for (const [resource, quantity] of exactly(more)) to.set(resource, (to.get(resource) ?? 0n) + quantity);
}

function raise(to: Exact, other: Quantities | Exact): void {
  for (const [resource, quantity] of exactly(other)) {
    const present = to.get(resource);
    if (present === undefined || quantity > present) to.set(resource, quantity);
  }
}

function* exactly(quantities: Quantities | Exact): Iterable<readonly [string, Quantity]> {
  if (quantities instanceof Map) {
    yield* quantities;
    return;
  }
  for (const [resource, text] of Object.entries(quantities)) {
    const quantity = parseQuantity(text);
    if (quantity !== undefined) yield [resource, quantity];
  }
}
