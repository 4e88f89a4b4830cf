/**
 * Whether Pods that have to leave a Node all fit on the others at once, by the scheduler's own rules.
 *
 * What is not modelled is decided in favour of the Pod and named: resource claims and devices (DRA), free storage for volumes
 * to be made, attachments that no Pod stands for, in-tree disks, Pod groups, which Pods of lower priority would be displaced,
 * and schedulers other than the default one.
 *
 * "They fit" is proven by an assignment that the scheduler could make. "They do not fit" is proven where the search ends within
 * its budget, or a Pod fits nowhere even alone, or more is asked for than there is; beyond that it is what several orders of
 * placing and a long search could not refute. A scheduler that meets the Pods one by one may still strand one that fits.
 */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import { Cluster, type ClusterInput } from './cluster.ts';
import { Displacement } from './displacement.ts';
import { type Mover, moversOf } from './mover.ts';
import { type Assignment, Placement, type Preference } from './placement.ts';

export interface FitInput extends ClusterInput {
  /** The Pods to be placed, together. Each stands for the one that its controller will make from the same template. */
  readonly pods: readonly Pod[];
}

export interface FitResult {
  /**
   * Names of Nodes by the keys of the Pods that fit there, in an order in which the scheduler could place them. A Pod for which
   * something is left out may be neither here nor in `unplaced`.
   */
  readonly placements: ReadonlyMap<string, string>;
  /** Empty where all fit. */
  readonly unplaced: readonly Unplaced[];
  /** What was left out in favour of the Pods, one sentence or phrase each, ordered. */
  readonly notModelled: readonly string[];
}

export interface Unplaced {
  /** Key of the Pod. */
  readonly pod: string;
  /** `0/5 nodes fit: 3 Insufficient cpu, 2 node(s) had untolerated taint(s)`, once the others have been placed. */
  readonly why: string;
}

/** Places the Pods together. The same objects, in whatever order, give the same answer to whether they fit. */
export function simulate(input: FitInput): FitResult {
  const cluster = new Cluster(
    input,
    [...input.pods].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  );
  const movers = moversOf(cluster);
  const placement = new Placement(movers);
  const judged = movers.filter(({ pod }) => pod.spec.scheduling?.schedulerName === undefined);
  const left = placeAll(judged, cluster, placement);
  const displacement = new Displacement(cluster.nodes);
  const stranded = left.filter((mover) => !displacement.canMakeRoomFor(mover));
  const foreign = movers.filter((mover) => !judged.includes(mover));
  // They take room as well; where there is none is for their own scheduler to say.
  placement.fill(foreign, mostRoom);
  for (const { pod, key } of movers) {
    for (const what of pod.spec.scheduling?.notModelled ?? []) cluster.noteNotModelled(`Pod ${key} ${what}`);
  }
  for (const { key } of left.filter((mover) => !stranded.includes(mover))) {
    cluster.noteNotModelled(`Pod ${key} fits only where it displaces Pods of lower priority`);
  }
  for (const { pod, key } of foreign) {
    cluster.noteNotModelled(`Pod ${key} is placed by scheduler ${pod.spec.scheduling?.schedulerName}`);
  }
  return {
    placements: new Map(placement.assignment.map(([{ key }, { name }]) => [key, name])),
    unplaced: stranded.map((mover) => ({ pod: mover.key, why: whyNot(mover, cluster) })),
    notModelled: cluster.notModelled,
  };
}

/** @returns those that could not be placed, where all others have been. */
function placeAll(movers: readonly Mover[], cluster: Cluster, placement: Placement): readonly Mover[] {
  const sizes = sizesOf(movers, cluster);
  const bySize = (a: Mover, b: Mover): number => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0);
  const byChoice = (a: Mover, b: Mover): number => a.kind.candidates.length - b.kind.candidates.length || bySize(a, b);
  const attempts: readonly (readonly [(a: Mover, b: Mover) => number, Preference])[] = [
    [byChoice, mostRoom],
    [byChoice, leastRoom],
    [bySize, leastRoom],
  ];
  let best: { readonly left: readonly Mover[]; readonly assignment: Assignment } | undefined;
  for (const [order, preference] of attempts) {
    placement.reset();
    const left = placement.fill([...movers].sort(order), preference);
    if (left.length === 0) return left;
    if (best === undefined || left.length < best.left.length) best = { left, assignment: placement.assignment };
    placement.reset();
    if (cannotFit(movers, left, cluster)) break;
  }
  if (!cannotFit(movers, best?.left ?? [], cluster) && placement.search([...movers].sort(byChoice), leastRoom))
    return [];
  placement.reset(best?.assignment);
  return best?.left ?? [];
}

/** With none of them placed: whether it is plain that no arrangement has room for all. */
function cannotFit(movers: readonly Mover[], left: readonly Mover[], cluster: Cluster): boolean {
  const isHopeless = ({ kind }: Mover): boolean =>
    !kind.canBeHelped && !kind.candidates.some((node) => kind.accepts(node));
  if (left.some(isHopeless)) return true;
  const wanted = new Map<string, number>();
  for (const { pod } of movers) {
    for (const [resource, amount] of Object.entries(pod.spec.scheduling?.requests ?? {})) {
      wanted.set(resource, (wanted.get(resource) ?? 0) + amount);
    }
  }
  const usable = [...new Set(movers.flatMap(({ kind }) => kind.candidates))];
  return [...wanted].some(([resource, amount]) => {
    if (cluster.leaving !== undefined && (cluster.leaving.allocatable[resource] ?? 0) === 0) return false;
    return usable.reduce((sum, node) => sum + Math.max(0, node.free(resource)), 0) < amount;
  });
}

/** The largest share that each Pod takes of any resource of the largest Node. */
function sizesOf(movers: readonly Mover[], { nodes }: Cluster): ReadonlyMap<Mover, number> {
  const largest = new Map<string, number>();
  for (const { allocatable } of nodes) {
    for (const resource in allocatable) {
      largest.set(resource, Math.max(largest.get(resource) ?? 0, allocatable[resource] ?? 0));
    }
  }
  return new Map(
    movers.map((mover) => {
      const requests = Object.entries(mover.pod.spec.scheduling?.requests ?? {});
      return [mover, Math.max(0, ...requests.map(([resource, amount]) => amount / (largest.get(resource) ?? 1)))];
    }),
  );
}

/** What would be left of the resources that the Pod asks for, as shares, and of places for Pods. */
const mostRoom: Preference = (node, { pod }) => {
  const { requests } = pod.spec.scheduling ?? {};
  let room = 1 - node.podCount / (node.allocatable.pods ?? 1);
  for (const resource in requests) {
    room += (node.free(resource) - (requests[resource] ?? 0)) / (node.allocatable[resource] ?? 1);
  }
  return room;
};

/** Fills Nodes up one by one, which keeps room together for the Pods that need much. */
const leastRoom: Preference = (node, mover) => -mostRoom(node, mover);

function whyNot({ kind }: Mover, { nodes }: Cluster): string {
  return `0/${nodes.length} nodes fit: ${kind.reasonsAgainst(nodes).join(', ')}`;
}
