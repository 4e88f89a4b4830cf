import type { Node, Pod } from '../core/objects.ts';
import type { EvictionAttempt } from '../core/ports.ts';
import type { PodFacts } from './pods.ts';
import type { ReportSeen } from './report.ts';

/** What the caches said of one Node at one moment. */
export interface Observed {
  readonly nodeName: string;
  readonly node: { readonly is: 'present'; readonly object: Node } | { readonly is: 'absent' };
  readonly report: ReportSeen;
  /** Every Pod that is bound to the Node. */
  readonly pods: readonly PodFacts[];
  /** Pods that carry a rejection marker of this Node, wherever they are, and marked Pods on this Node. */
  readonly marked: readonly Pod[];
  /** Keys of budgets with a member that cannot be scheduled (and is not pinned to this Node), and that member's key. */
  readonly unschedulable: ReadonlyMap<string, string>;
  readonly attempts: ReadonlyMap<string, EvictionAttempt>;
  readonly nowMs: number;
}
