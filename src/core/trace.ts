/** What a feature leaves on objects of the management cluster, and what becomes of it when nobody looks after it any more. */
import type { ReadKind } from './explained.ts';
import type { KubeObject } from './objects.ts';

export interface Trace extends ReadKind {
  /** As the sentence goes on: "3 Machines carry …". */
  readonly what: string;
  readonly labelSelector?: string;
  /** Whether it is in our own namespace alone. @default false */
  readonly isInOwnNamespace?: boolean;
  /** Asked of the object's metadata. */
  readonly isLeft: (object: KubeObject) => boolean;
  /** Whether something stands still for ever where nobody takes it away. */
  readonly isGrave: boolean;
  readonly remedy: string;
}
