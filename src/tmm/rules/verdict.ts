/**
 * The verdict on a Node before its first eviction: all or nothing. The rules are evaluated in their order and the first that applies wins;
 * rows are those of the design's table. A verdict of `later` is possible only if a missing member may become ready again, or if the
 * disruption controller has yet to count.
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
 * In the order of the table. Row 4, the repair case, is part of how `budgetShort` counts. Row 9, a pinned Pod whose budget allows its
 * absence, is the remaining case in which no rule applies: proceed.
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

/** Whether the verdict depends on room elsewhere: no earlier rule applies. */
export function asksForRoom(input: VerdictInput): boolean {
  return RULES.slice(0, RULES.indexOf(noRoom)).every((rule) => rule(input) === undefined);
}

/** Whether the Node has to wait, whatever its Pods' budgets, owners and volumes say. */
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
    // A Pod that may well be allowed to go must not hide one that is not.
    if (verdict.is === 'later' && verdict.otherwise === 'proceed') uncertain ??= verdict;
    else return verdict;
  }
  return uncertain ?? { is: 'proceed', because: 'every related Pod may leave' };
}
