/** Where each Pod is placed, and the algorithms that place them. */
import type { Kind, Mover } from './mover.ts';
import type { FitNode } from './node.ts';
import type { Steps } from './steps.ts';
import type { Way } from './volumes.ts';

/** A larger number is the better Node. */
export type Preference = (node: FitNode, mover: Mover) => number;

/** A Node, and the volumes that are taken for the Pod's open claims. */
interface Spot {
  readonly node: FitNode;
  readonly way: Way;
}

export type Assignment = readonly (readonly [Mover, Spot])[];

/** How many times a search may ask "can this Node take this Pod", which bounds it to a fraction of a second. */
const SEARCH_BUDGET = 200_000;
const QUESTIONS_A_STEP = 2000;
const NO_VOLUMES: Way = [];

export class Placement {
  readonly #where = new Map<Mover, Spot>();
  #asked = 0;

  /** In the order in which the Pods were placed, which spread and affinity depend on. */
  get assignment(): Assignment {
    return [...this.#where];
  }

  put(mover: Mover, node: FitNode, way?: Way): void {
    const { pod, kind } = mover;
    const taken = way ?? kind.binding?.waysOn(node)[0] ?? NO_VOLUMES;
    node.put(pod, kind.amounts);
    kind.binding?.take(taken);
    this.#where.set(mover, { node, way: taken });
    for (const effect of kind.effects) effect(node, 1);
  }

  take(mover: Mover): void {
    const { pod, kind } = mover;
    const spot = this.#where.get(mover);
    if (spot === undefined) return;
    this.#where.delete(mover);
    spot.node.remove(pod, kind.amounts);
    kind.binding?.release();
    for (const effect of kind.effects) effect(spot.node, -1);
  }

  /** Places the Pods as in `assignment`, and removes all others. */
  reset(assignment: Assignment = []): void {
    for (const mover of [...this.#where.keys()]) this.take(mover);
    for (const [mover, { node, way }] of assignment) this.put(mover, node, way);
  }

  /**
   * Places one Pod after another on the preferred Node, and retries those that a later one may have made possible.
   *
   * @returns those that no Node can take.
   */
  *fill(movers: readonly Mover[], preference: Preference): Steps<readonly Mover[]> {
    const full = new Set<Kind>();
    let waiting = movers;
    for (;;) {
      const left: Mover[] = [];
      for (const mover of waiting) {
        if (!full.has(mover.kind) && (yield* this.#putOnBest(mover, preference))) continue;
        left.push(mover);
        if (!mover.kind.canBeHelped) full.add(mover.kind);
      }
      if (left.length === waiting.length || !left.some(({ kind }) => kind.canBeHelped)) return left;
      waiting = left;
    }
  }

  /**
   * Makes room for the Pods that are left by moving, for each, one of the placed Pods elsewhere.
   *
   * @returns whether all are placed, in an order in which the scheduler could place them.
   */
  *repair(left: readonly Mover[], preference: Preference): Steps<boolean> {
    for (const mover of left) if (!(yield* this.#putInPlaceOfAnother(mover, preference))) return false;
    return yield* this.#replay();
  }

  /**
   * Searches with backtracking for a way to place all of them, beside those that are placed already. Within its budget it is exhaustive: it
   * covers every Node, every order if the order matters, and every choice of volumes.
   *
   * @returns `found`: all are placed. `none`: there is no way. `gaveUp`: the budget was spent. In the last two cases none is placed.
   */
  *search(movers: readonly Mover[], preference: Preference): Steps<'found' | 'none' | 'gaveUp'> {
    let budget = SEARCH_BUDGET;
    const numbers = new Map([...new Set(movers.map(({ kind }) => kind))].map((kind, number) => [kind, number]));
    const seen = new Set<string>();
    const isNew = (): boolean => {
      budget -= this.#where.size;
      // Pods of one kind are interchangeable, and the order in which a state was reached does not matter.
      const state = [...this.#where].map(([{ kind }, { node, way }]) => {
        const volumes = way.map(({ volume }) => volume).join();
        return `${numbers.get(kind)} ${node.index} ${volumes}`;
      });
      const key = state.sort().join(';');
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    };
    const putRest = function* (this: Placement, waiting: readonly Mover[]): Steps<boolean> {
      if (waiting.length === 0) return true;
      const options: { readonly mover: Mover; readonly spots: readonly Spot[] }[] = [];
      for (const mover of oneOfEachKind(waiting)) {
        budget -= mover.kind.candidates.length;
        const nodes = mover.kind.candidates.filter((node) => mover.kind.accepts(node));
        nodes.sort((a, b) => preference(b, mover) - preference(a, mover));
        options.push({ mover, spots: nodes.flatMap((node) => spotsOn(node, mover.kind)) });
        if (this.#isStepOver(mover.kind.candidates.length)) yield;
      }
      if (budget <= 0 || options.some(({ mover, spots }) => spots.length === 0 && !mover.kind.canBeHelped))
        return false;
      options.sort((a, b) => a.spots.length - b.spots.length);
      // If the order does not matter, the Pod with the fewest choices must go to one of them, now or later.
      for (const { mover, spots } of doesOrderMatter(waiting) ? options : options.slice(0, 1)) {
        const rest = waiting.filter((each) => each !== mover);
        for (const { node, way } of spots) {
          this.put(mover, node, way);
          if (isNew() && (yield* putRest.call(this, rest))) return true;
          this.take(mover);
          if (budget <= 0) return false;
        }
      }
      return false;
    };
    if (yield* putRest.call(this, movers)) return 'found';
    return budget > 0 ? 'none' : 'gaveUp';
  }

  *#putOnBest(mover: Mover, preference: Preference): Steps<boolean> {
    const { kind } = mover;
    // Looking at a Node's room costs a fraction of the whole question.
    if (this.#isStepOver(kind.candidates.length / 4)) yield;
    let best: FitNode | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const node of kind.candidates) {
      const value = preference(node, mover);
      if (best !== undefined && value <= most) continue;
      if (this.#isStepOver(1)) yield;
      if (!kind.accepts(node)) continue;
      best = node;
      most = value;
    }
    if (best !== undefined) this.put(mover, best);
    return best !== undefined;
  }

  *#putInPlaceOfAnother(mover: Mover, preference: Preference): Steps<boolean> {
    const candidates = new Set(mover.kind.candidates);
    for (const [other, { node, way }] of this.assignment) {
      if (!candidates.has(node)) continue;
      this.take(other);
      if (mover.kind.accepts(node)) {
        this.put(mover, node);
        if (yield* this.#putOnBest(other, preference)) return true;
        this.take(mover);
      }
      this.put(other, node, way);
    }
    return false;
  }

  /** Places all Pods again on their Nodes, each when its Node accepts it. @returns whether there is such an order. */
  *#replay(): Steps<boolean> {
    let waiting = this.assignment;
    this.reset();
    while (waiting.length > 0) {
      const left = waiting.filter(([mover, { node, way }]) => {
        if (!mover.kind.accepts(node) || !isPossible(way, node, mover.kind)) return true;
        this.put(mover, node, way);
        return false;
      });
      if (left.length === waiting.length) return false;
      waiting = left;
      yield;
    }
    return true;
  }

  #isStepOver(questions: number): boolean {
    this.#asked += questions;
    if (this.#asked < QUESTIONS_A_STEP) return false;
    this.#asked = 0;
    return true;
  }
}

function oneOfEachKind(movers: readonly Mover[]): readonly Mover[] {
  return [...new Map(movers.map((mover) => [mover.kind, mover])).values()];
}

function spotsOn(node: FitNode, { binding }: Kind): readonly Spot[] {
  return binding === undefined ? [{ node, way: NO_VOLUMES }] : binding.waysOn(node).map((way) => ({ node, way }));
}

/** The first Pod may determine whether another can be placed, and which volumes are left. */
function doesOrderMatter(movers: readonly Mover[]): boolean {
  return (
    movers.some(({ kind }) => kind.canBeHelped) || movers.filter(({ kind }) => kind.binding !== undefined).length > 1
  );
}

function isPossible(way: Way, node: FitNode, { binding }: Kind): boolean {
  if (binding === undefined) return true;
  const wanted = JSON.stringify(way);
  return binding.waysOn(node).some((each) => JSON.stringify(each) === wanted);
}
