/** Marks on Pods that the API server has refused: what was refused a moment ago is not asked again with each pass of a drain. */
import type { Action, PatchMeta } from '../core/action.ts';
import { type Backoff, backoffMs } from '../core/backoff.ts';
import { POD } from '../core/objects.ts';

const PATIENCE: Backoff = { baseMs: 1000, maxMs: 60_000 };

interface Refusal {
  readonly resourceVersion: string | undefined;
  readonly atMs: number;
  /** How often in a row. */
  readonly count: number;
}

export class Refusals {
  /** By Node, then by the Pod's UID. */
  readonly #refused = new Map<string, Map<string, Refusal>>();

  add(nodeName: string, { target, resourceVersion }: PatchMeta, nowMs: number): void {
    const ofNode = this.#refused.get(nodeName) ?? new Map<string, Refusal>();
    const count = (ofNode.get(target.uid)?.count ?? 0) + 1;
    this.#refused.set(nodeName, ofNode.set(target.uid, { resourceVersion, atMs: nowMs, count }));
  }

  /**
   * Splits off what is not to be asked again yet; a Pod that has changed since is asked at once. What `actions` do not want any
   * more is forgotten.
   */
  hold(nodeName: string, actions: readonly Action[], nowMs: number): Held {
    const before = this.#refused.get(nodeName);
    const known = new Map<string, Refusal>();
    const times: number[] = [];
    const due = actions.filter((action) => {
      if (!isMark(action)) return true;
      const last = before?.get(action.target.uid);
      if (last === undefined) return true;
      known.set(action.target.uid, last);
      const afterMs = last.atMs + backoffMs(PATIENCE, last.count - 1) - nowMs;
      // A clock that was set back holds nothing.
      if (last.resourceVersion !== action.resourceVersion || nowMs < last.atMs || afterMs <= 0) return true;
      times.push(afterMs);
      return false;
    });
    if (known.size > 0) this.#refused.set(nodeName, known);
    else this.#refused.delete(nodeName);
    return { due, ...(times.length > 0 && { againAfterMs: Math.min(...times) }) };
  }
}

export interface Held {
  readonly due: readonly Action[];
  /** When the first of the others is. */
  readonly againAfterMs?: number;
}

/** Whether it tells a Pod of a rejection, or takes that away. */
export function isMark(action: Action): action is PatchMeta {
  return action.do === 'patchMeta' && action.target.resource === POD;
}
