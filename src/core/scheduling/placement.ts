/** Which Pod has been put where, and the ways to put them. */

import type { Kind, Mover } from './mover.ts';
import type { FitNode } from './node.ts';

/** A larger number is the better Node. */
export type Preference = (node: FitNode, mover: Mover) => number;

export type Assignment = readonly (readonly [Mover, FitNode])[];

/** How many questions "can this Node take this Pod" a search may ask, which bounds it to a fraction of a second. */
const SEARCH_BUDGET = 100_000;

export class Placement {
  readonly #where = new Map<Mover, FitNode>();
  readonly #listeners: readonly NonNullable<Kind['rules'][number]['moved']>[];

  constructor(movers: readonly Mover[]) {
    const kinds = new Set(movers.map(({ kind }) => kind));
    this.#listeners = [...kinds].flatMap(({ rules }) => rules.flatMap((rule) => rule.moved?.bind(rule) ?? []));
  }

  /** In the order in which the Pods were put, which spread and affinity depend on. */
  get assignment(): Assignment {
    return [...this.#where];
  }

  put(mover: Mover, node: FitNode): void {
    node.put(mover.pod);
    this.#where.set(mover, node);
    for (const moved of this.#listeners) moved(mover.pod, node, 1);
  }

  take(mover: Mover): void {
    const node = this.#where.get(mover);
    if (node === undefined) return;
    this.#where.delete(mover);
    node.take(mover.pod);
    for (const moved of this.#listeners) moved(mover.pod, node, -1);
  }

  /** Puts the Pods as they were in `assignment`, and takes all others away. */
  reset(assignment: Assignment = []): void {
    for (const mover of [...this.#where.keys()]) this.take(mover);
    for (const [mover, node] of assignment) this.put(mover, node);
  }

  /**
   * Puts one Pod after another on the Node that is preferred, and comes back to those that a later one may have helped.
   *
   * @returns those that no Node can take.
   */
  fill(movers: readonly Mover[], preference: Preference): readonly Mover[] {
    let waiting = movers;
    for (;;) {
      const left = waiting.filter((mover) => !this.#putOnBest(mover, preference));
      if (left.length === waiting.length || !left.some(({ kind }) => kind.canBeHelped)) return left;
      waiting = left;
    }
  }

  /**
   * Looks for a way to put all of them, beside those that have been put already, by trying one after another and taking back.
   * Complete within its budget: up to the budget it misses nothing.
   *
   * @returns whether all have been put; else none of them has.
   */
  search(movers: readonly Mover[], preference: Preference): boolean {
    let budget = SEARCH_BUDGET;
    const kinds = [...new Set(movers.map(({ kind }) => kind))];
    const seen = new Set<string>();
    const isNew = (): boolean => {
      // Pods of one kind are interchangeable, and it does not matter in which order a state was reached.
      const state = this.assignment.map(([{ kind }, { name }]) => `${kinds.indexOf(kind)} ${name}`).sort();
      const key = state.join();
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    };
    const putRest = (waiting: readonly Mover[]): boolean => {
      if (waiting.length === 0) return true;
      const options = oneOfEachKind(waiting).map((mover) => {
        budget -= mover.kind.candidates.length;
        const nodes = mover.kind.candidates.filter((node) => mover.kind.accepts(node));
        return { mover, nodes: nodes.sort((a, b) => preference(b, mover) - preference(a, mover)) };
      });
      if (budget <= 0 || options.some(({ mover, nodes }) => nodes.length === 0 && !mover.kind.canBeHelped))
        return false;
      options.sort((a, b) => a.nodes.length - b.nodes.length);
      // Where the order does not matter, the Pod with the fewest choices must go to one of them, now or later.
      const orderMatters = waiting.some(({ kind }) => kind.canBeHelped);
      for (const { mover, nodes } of orderMatters ? options : options.slice(0, 1)) {
        const rest = waiting.filter((each) => each !== mover);
        for (const node of nodes) {
          this.put(mover, node);
          if (isNew() && putRest(rest)) return true;
          this.take(mover);
          if (budget <= 0) return false;
        }
      }
      return false;
    };
    return putRest(movers);
  }

  #putOnBest(mover: Mover, preference: Preference): boolean {
    let best: FitNode | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const node of mover.kind.candidates) {
      if (!mover.kind.accepts(node)) continue;
      const value = preference(node, mover);
      if (best !== undefined && value <= most) continue;
      best = node;
      most = value;
    }
    if (best !== undefined) this.put(mover, best);
    return best !== undefined;
  }
}

function oneOfEachKind(movers: readonly Mover[]): readonly Mover[] {
  return [...new Map(movers.map((mover) => [mover.kind, mover])).values()];
}
