import type { Pod } from '../objects.ts';
import type { FitNode } from './node.ts';

/** Why a Node cannot take a Pod, in the scheduler's own words, so that what people know from `kubectl describe` is what they read. */
export type Refusal = readonly string[];

/**
 * What the placing of other Pods can do to a refusal: nothing (`never`), only bring it about (`worse`), or also lift it
 * (`either`).
 */
export type Change = 'never' | 'worse' | 'either';

/** To be called for each Pod that is put on a Node (1) or taken off again (-1). */
export type Effect = (node: FitNode, by: 1 | -1) => void;

/** One of the scheduler's predicates, prepared for one Pod. A predicate that has nothing to say about a Pod has no rule for it. */
export interface Rule {
  readonly change: Change;
  /** @returns undefined where the Node can take the Pod as things stand. */
  refuse(node: FitNode): Refusal | undefined;
  /** What it does to this rule that such a Pod is placed; undefined where it does nothing. The Pod itself is asked about, too. */
  effectOf?(pod: Pod): Effect | undefined;
}
