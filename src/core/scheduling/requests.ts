/**
 * What a Pod asks of a Node's resources.
 *
 * Containers run together, init containers one after another before them, and sidecars (init containers that restart
 * always) from their turn on until the end. So a Pod needs, for each resource, the larger of the sum of containers and
 * sidecars and of the most that any init container needs beside the sidecars started before it. Requests of the Pod as a
 * whole replace that for the resources that know such requests; overhead comes on top. Source: component-helpers
 * `resource.PodRequests`.
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

/** A resize in place shows itself as a difference between what is asked for and what is reported. */
export interface ReportedDemand {
  readonly actuated?: Quantities | undefined;
  readonly allocated?: Quantities | undefined;
}

export interface PodDemand {
  readonly containers: readonly ContainerDemand[];
  /** In the order in which they run. */
  readonly initContainers: readonly ContainerDemand[];
  /** `spec.resources.requests` and what is reported of them. */
  readonly podLevel?: ContainerDemand | undefined;
  readonly overhead?: Quantities | undefined;
  /** The kubelet has refused the resize for good, so what was asked for does not count. */
  readonly isResizeInfeasible?: boolean | undefined;
}

type Exact = Map<string, Quantity>;
type RequestsOf = (container: ContainerDemand) => Quantities | Exact;

/** What a new Pod with this specification asks for. Resources that nothing is asked of are left out. */
export function requestsOf(pod: PodDemand): ResourceAmounts {
  return amountsOf(combine(pod, ({ requests = {} }) => requests));
}

/** What this Pod holds on the Node that it runs on: while it is resized, the most of what is wanted, allocated and in effect. */
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

/** As the scheduler counts them. A quantity that cannot be read counts as nothing: the API server lets none in. */
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
