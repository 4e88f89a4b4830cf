/**
 * The verdict on a Node before its first eviction: all or nothing. The rules are asked in their order and the first that
 * has something to say wins; rows are those of the design's table. A verdict of `later` is possible only where a
 * missing member may become ready again, or where the disruption controller has yet to speak.
 */
import { budgetImpossible, budgetNotObserved, budgetShort, othersFirst } from './budget-rules.ts';
import { noRoom, nothingRelated, quorumLost, unevictable } from './pod-rules.ts';
import type { Rule, Verdict, VerdictInput } from './rule.ts';

/**
 * In the order of the table. Row 4, the repair case, is how `budgetShort` counts. Row 9, a pinned Pod whose budget allows its
 * absence, is what remains when no rule speaks: proceed.
 */
const RULES: readonly Rule[] = [
  nothingRelated,
  othersFirst,
  noRoom,
  budgetNotObserved,
  budgetShort,
  quorumLost,
  budgetImpossible,
  unevictable,
];

/** Judges all related Pods of one Node together. */
export function judge(input: VerdictInput): Verdict {
  for (const rule of RULES) {
    const verdict = rule(input);
    if (verdict !== undefined) return verdict;
  }
  return { is: 'proceed', because: 'every related Pod may leave' };
}
