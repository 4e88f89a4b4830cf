/**
 * The verdict on a Node before its first eviction: all or nothing. The rules are asked in their order and the first that
 * has something to say wins; rows are those of the design's table. A verdict of `later` is possible only where a
 * missing member may become ready again, or where the disruption controller has yet to speak.
 */
import {
  budgetImpossible,
  budgetNotObserved,
  budgetShort,
  othersFirst,
  otherToolFirst,
  turnNotCome,
} from './budgets.ts';
import { noRoom, nothingRelated, quorumLost, unevictable } from './pods.ts';
import type { Rule, Verdict, VerdictInput } from './rule.ts';

/**
 * In the order of the table. Row 4, the repair case, is how `budgetShort` counts. Row 9, a pinned Pod whose budget allows its
 * absence, is what remains when no rule speaks: proceed.
 */
const RULES: readonly Rule[] = [
  otherToolFirst,
  nothingRelated,
  othersFirst,
  noRoom,
  budgetNotObserved,
  budgetShort,
  quorumLost,
  budgetImpossible,
  unevictable,
];

/** Whether the verdict comes down to room elsewhere: no rule that is asked before it has something to say. */
export function asksForRoom(input: VerdictInput): boolean {
  return RULES.slice(0, RULES.indexOf(noRoom)).every((rule) => rule(input) === undefined);
}

/** Whether the Node has to wait whatever is known of its Pods' budgets, owners and volumes. */
export function isQueuedAnyway(input: VerdictInput): boolean {
  for (const rule of [otherToolFirst, nothingRelated, turnNotCome]) {
    const verdict = rule(input);
    if (verdict !== undefined) return verdict.is === 'queue';
  }
  return false;
}

/** Judges all related Pods of one Node together. */
export function judge(input: VerdictInput): Verdict {
  let uncertain: Verdict | undefined;
  for (const rule of RULES) {
    const verdict = rule(input);
    if (verdict === undefined) continue;
    // What may well go must not hide what may not.
    if (verdict.is === 'later' && verdict.otherwise === 'proceed') uncertain ??= verdict;
    else return verdict;
  }
  return uncertain ?? { is: 'proceed', because: 'every related Pod may leave' };
}
