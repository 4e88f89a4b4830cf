/** Computes which objects have appeared, changed or ended between two states. Pure. */
import type { Explanation } from '../core/explanation.ts';
import { byKindAndName, keyOf } from './render.ts';

/** The terms of a Kubernetes watch. `DELETED`: it is not under way any more, or does not exist at all. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The current explanation; for an object that is gone, the last one. */
  readonly object: Explanation;
}

/** The explanations that were shown, by key. */
export type Shown = ReadonlyMap<string, Explanation>;

export const NOTHING_SHOWN: Shown = new Map();

/**
 * @param all explanations, including hidden ones, so that an end can be reported with the state after it.
 * @param isShown whether an explanation belongs to the view.
 */
export function compare(
  before: Shown,
  all: readonly Explanation[],
  isShown: (explanation: Explanation) => boolean,
): { readonly shown: Shown; readonly changes: readonly Change[] } {
  const now = new Map(all.map((each) => [keyOf(each), each]));
  const shown = new Map([...now].filter(([, each]) => isShown(each)));
  const changes: Change[] = [];
  for (const [key, object] of shown) {
    const old = before.get(key);
    if (old === undefined) changes.push({ type: 'ADDED', object });
    else if (!isSame(old, object)) changes.push({ type: 'MODIFIED', object });
  }
  for (const [key, last] of before) {
    if (!shown.has(key)) changes.push({ type: 'DELETED', object: now.get(key) ?? last });
  }
  return { shown, changes: changes.sort((a, b) => byKindAndName(a.object, b.object)) };
}

/** Explanations are plain data whose keys come in a fixed order. */
function isSame(a: Explanation, b: Explanation): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
