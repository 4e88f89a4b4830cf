/**
 * Whether all Pods that have to leave a Node fit on the others at once, by the scheduler's own rules.
 *
 * Requirements that are not modelled are decided in favour of the Pod and named: resource claims and devices (DRA), free storage for
 * volumes to be created, attachments without a Pod, drivers that a CSIDriver requires, in-tree disks, Pod groups, which Pods of lower
 * priority would be displaced, and schedulers other than the default one.
 *
 * "They fit" is proven by an assignment that the scheduler could make; with another order of Pods it may still leave one over. "They do not
 * fit" is certain if a Pod fits nowhere even alone, if the requests exceed the capacity, or if an exhaustive search ended. Otherwise
 * several orders of placing and a long search have found no assignment, and the result is marked as uncertain: the scheduler may find one.
 */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import { Cluster, type ClusterInput } from './cluster.ts';
import { Displacement } from './displacement.ts';
import { type Mover, moversOf } from './mover.ts';
import { type Assignment, Placement, type Preference } from './placement.ts';
import { cannotFit } from './proof.ts';
import { finish, type Steps } from './steps.ts';

export interface FitInput extends ClusterInput {
  /** The Pods to be placed together. Each stands for the replacement that its controller creates from the same template. */
  readonly pods: readonly Pod[];
  /** Pods that look for room at the same time. If they find none even without `pods`, they are left out. */
  readonly others?: readonly Pod[];
}

export interface FitResult {
  /**
   * Names of Nodes by the keys of the Pods that fit there, in an order in which the scheduler could place them. A Pod with a requirement
   * that is left out may be neither here nor in `unplaced`.
   */
  readonly placements: ReadonlyMap<string, string>;
  /** Empty if all fit. */
  readonly unplaced: readonly Unplaced[];
  /** Whether `unplaced` is certain: no order of placing has room for all. True if all fit. */
  readonly isCertain: boolean;
  /** Whether `others` have been placed as well. */
  readonly withOthers: boolean;
  /** What was left out in favour of the Pods, one sentence or phrase each, sorted. */
  readonly notModelled: readonly string[];
}

export interface Unplaced {
  /** Key of the Pod. */
  readonly pod: string;
  /** `0/5 nodes fit: 3 Insufficient cpu, 2 node(s) had untolerated taint(s)`, after the other Pods were placed. */
  readonly why: string;
}

/** Like `simulation()`, but without pauses: takes seconds for many Pods in a large cluster. */
export function simulate(input: FitInput): FitResult {
  return finish(simulation(input));
}

/** Places the Pods together. The same objects, in whatever order, give the same answer about whether they fit. */
export function* simulation(input: FitInput): Steps<FitResult> {
  const cluster = yield* Cluster.prepare(input, [...input.pods, ...(input.others ?? [])].sort(byKey));
  const movers = yield* moversOf(cluster);
  const placement = new Placement();
  const own = new Set(input.pods);
  const judged = movers.filter(({ pod }) => pod.spec.scheduling?.schedulerName === undefined);
  const attempt = yield* placeWithOthers(judged, (mover) => own.has(mover.pod), cluster, placement);
  const displacement = new Displacement(cluster);
  const stranded: Mover[] = [];
  for (const mover of attempt.left) {
    if (displacement.canMakeRoomFor(mover))
      cluster.noteNotModelled(`Pod ${mover.key} fits only where it displaces Pods of lower priority`);
    else stranded.push(mover);
    yield;
  }
  // They take room as well; their own scheduler judges whether they find any.
  const foreign = movers.filter((mover) => mover.pod.spec.scheduling?.schedulerName !== undefined);
  yield* placement.fill(foreign, mostRoom);
  for (const { pod, key } of movers) {
    for (const what of pod.spec.scheduling?.notModelled ?? []) cluster.noteNotModelled(`Pod ${key} ${what}`);
  }
  for (const { pod, key } of foreign) {
    cluster.noteNotModelled(`Pod ${key} is placed by scheduler ${pod.spec.scheduling?.schedulerName}`);
  }
  const unplaced: Unplaced[] = [];
  for (const mover of stranded) {
    unplaced.push({ pod: mover.key, why: whyNot(mover, cluster) });
    yield;
  }
  const isCertain = unplaced.length === 0 || attempt.isCertain;
  if (!isCertain) cluster.noteNotModelled(`Whether another order of placing has room for all ${judged.length} Pods`);
  return {
    placements: new Map(placement.assignment.map(([{ key }, { node }]) => [key, node.name])),
    unplaced,
    isCertain,
    withOthers: attempt.withOthers,
    notModelled: cluster.notModelled,
  };
}

const byKey = (a: Pod, b: Pod): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** The result of placing some Pods: those that are left over, and the Nodes of the others. */
interface Attempt {
  readonly left: readonly Mover[];
  readonly isCertain: boolean;
  readonly assignment: Assignment;
}

/** Leaves the Pods placed as in the attempt. */
function* placeWithOthers(
  movers: readonly Mover[],
  isOwn: (mover: Mover) => boolean,
  cluster: Cluster,
  placement: Placement,
): Steps<Attempt & { readonly withOthers: boolean }> {
  const [own, others] = [movers.filter(isOwn), movers.filter((mover) => !isOwn(mover))];
  const together = yield* placeAll(movers, cluster, placement);
  let answer = { ...together, withOthers: others.length > 0 };
  if (together.left.length > 0 && others.length > 0) {
    const alone = yield* placeAll(own, cluster, placement);
    const isOthersFault = alone.left.length === 0 && (yield* placeAll(others, cluster, placement)).left.length > 0;
    // Without the others, a Pod that one of them could have made possible proves nothing.
    const isCertain = alone.isCertain && !alone.left.some(({ kind }) => kind.canBeHelped);
    if (alone.left.length > 0 || isOthersFault) answer = { ...alone, isCertain, withOthers: false };
  }
  placement.reset(answer.assignment);
  return answer;
}

/** Leaves no Pod placed. */
function* placeAll(movers: readonly Mover[], cluster: Cluster, placement: Placement): Steps<Attempt> {
  const sizes = sizesOf(movers, cluster);
  const bySize = (a: Mover, b: Mover): number => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0);
  const byChoice = (a: Mover, b: Mover): number => a.kind.candidates.length - b.kind.candidates.length || bySize(a, b);
  const attempts: readonly (readonly [(a: Mover, b: Mover) => number, Preference])[] = [
    [byChoice, mostRoom],
    [byChoice, leastRoom],
    [bySize, leastRoom],
  ];
  const found = (): Attempt => {
    const { assignment } = placement;
    placement.reset();
    return { left: [], isCertain: true, assignment };
  };
  let best: Attempt | undefined;
  placement.reset();
  for (const [order, preference] of attempts) {
    const left = yield* placement.fill([...movers].sort(order), preference);
    if (left.length === 0) return found();
    if (best === undefined || left.length < best.left.length) {
      best = { left, isCertain: false, assignment: placement.assignment };
    }
    placement.reset();
    if (yield* cannotFit(movers, left, cluster)) return { ...best, isCertain: true };
  }
  if (best === undefined) throw new Error('There is at least one attempt');
  placement.reset(best.assignment);
  if (yield* placement.repair(best.left, leastRoom)) return found();
  placement.reset();
  const outcome = yield* placement.search([...movers].sort(byChoice), leastRoom);
  return outcome === 'found' ? found() : { ...best, isCertain: outcome === 'none' };
}

/** The largest share that each Pod takes of any resource of the largest Node. */
function sizesOf(movers: readonly Mover[], { nodes, resources }: Cluster): ReadonlyMap<Mover, number> {
  const largest = resources.map((_, at) => nodes.reduce((most, { capacity }) => Math.max(most, capacity[at] ?? 0), 0));
  return new Map(
    movers.map((mover) => {
      const shares = mover.kind.amounts.map((amount, at) => (amount === 0 ? 0 : amount / (largest[at] || 1)));
      return [mover, Math.max(0, ...shares)];
    }),
  );
}

/** The part of the requested resources, and of the places for Pods, that would be left. */
const mostRoom: Preference = (node, { kind: { amounts } }) => {
  let room = node.freePods / (node.allocatable.pods ?? 1);
  for (let at = 0; at < amounts.length; at += 1) {
    const amount = amounts[at] ?? 0;
    if (amount > 0) room += ((node.free[at] ?? 0) - amount) / (node.capacity[at] || 1);
  }
  return room;
};

/** Fills Nodes one by one, which keeps contiguous room for the Pods that need much. */
const leastRoom: Preference = (node, mover) => -mostRoom(node, mover);

function whyNot({ kind }: Mover, { nodes }: Cluster): string {
  return `0/${nodes.length} nodes fit: ${kind.reasonsAgainst(nodes).join(', ')}`;
}
