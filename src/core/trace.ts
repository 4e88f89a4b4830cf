/** The marks that a feature leaves on objects of the management cluster, and their effect when no running feature handles them. */
import type { ReadKind } from './explained.ts';
import type { KubeObject } from './objects.ts';

export interface Trace extends ReadKind {
  /** A phrase for the sentence "Machines carry … (3)". */
  readonly what: string;
  readonly labelSelector?: string;
  /** Whether it exists in our own namespace only. @default false */
  readonly isInOwnNamespace?: boolean;
  /** Called with the object's metadata. */
  readonly isLeft: (object: KubeObject) => boolean;
  /** Whether something stays blocked forever unless somebody removes the mark. */
  readonly isGrave: boolean;
  readonly remedy: string;
}
