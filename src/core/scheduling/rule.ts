import type { Pod } from '../objects.ts';
import type { FitNode } from './node.ts';

/** Why a Node cannot take a Pod, in the scheduler's own words, so that people recognise the text from `kubectl describe`. */
export type Refusal = readonly string[];

/** How placing other Pods can change a refusal: not at all (`never`), only cause it (`worse`), or also lift it (`either`). */
export type Change = 'never' | 'worse' | 'either';

/** Call it for each Pod that is placed on a Node (1) or removed again (-1). */
export type Effect = (node: FitNode, by: 1 | -1) => void;

/** One of the scheduler's predicates, prepared for one Pod. A predicate that does not apply to a Pod has no rule for it. */
export interface Rule {
  readonly change: Change;
  /** @returns undefined if the Node can take the Pod in the current state. */
  refuse(node: FitNode): Refusal | undefined;
  /** The effect on this rule of placing such a Pod; undefined if there is none. Also called for the rule's own Pod. */
  effectOf?(pod: Pod): Effect | undefined;
}
