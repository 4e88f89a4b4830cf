import type { Pod } from '../objects.ts';
import type { FitNode } from './node.ts';

/** Why a Node cannot take a Pod, in the scheduler's own words, so that what people know from `kubectl describe` is what they read. */
export type Refusal = readonly string[];

/**
 * What the placing of other Pods can do to a refusal: nothing (`never`), only bring it about (`worse`), or also lift it
 * (`either`).
 */
export type Change = 'never' | 'worse' | 'either';

/** One of the scheduler's predicates, prepared for one Pod. A predicate that has nothing to say about a Pod has no rule for it. */
export interface Rule {
  readonly change: Change;
  /** Set where no Node can take the Pod whatever it offers; the other members do not matter then. */
  readonly never?: string;
  /** @returns undefined where the Node can take the Pod as things stand. */
  refuse(node: FitNode): Refusal | undefined;
  /** Hears of each Pod that is put on a Node (1) or taken off again (-1), the Pod that it was made for among them. */
  moved?(pod: Pod, node: FitNode, by: 1 | -1): void;
}
