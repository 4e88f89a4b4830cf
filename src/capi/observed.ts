/** The input of the decision of one pass over a Machine. */
import type { ConnectionStatus } from '../core/clusters.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Seen } from '../core/ports.ts';

/** `none`: the Machine names no Node (yet). `taken`: a younger Machine names the same Node, so it is not this one's any more. */
export type NodeSeen =
  | Seen<KubeObject>
  | { readonly is: 'none' }
  | { readonly is: 'taken' /** `namespace/name` of the younger one. */; readonly by: string };

/** The facts about one Machine at one moment. */
export interface Observed {
  readonly machine: Machine;
  /** undefined if there is none: a Machine may be created before its Cluster. */
  readonly cluster: Cluster | undefined;
  readonly node: NodeSeen;
  /** Whether the requests of this Machine are the ones that are written on the Node. */
  readonly ownsNode: boolean;
  /** Whether an older Machine names the Node as well: an approval on it may be meant for that one. */
  readonly hasPredecessor: boolean;
  /** undefined while the connection is not wanted. */
  readonly connection: ConnectionStatus | undefined;
  readonly nowMs: number;
}
