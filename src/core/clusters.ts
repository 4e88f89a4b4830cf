/** Workload clusters as a feature sees them: by name, connected or not, with a view of their Nodes' metadata. */
import type { Action } from './action.ts';
import type { KubeObject } from './objects.ts';
import type { Known, Log, Seen } from './ports.ts';

/** `namespace/name` of the Cluster object; a cluster is never known by its bare name. */
export type ClusterKey = string;

/**
 * - `Connecting`: the first attempt is under way; nothing is known yet.
 * - `Connected`: the Nodes' cache has synced and the health probe answers.
 * - `Unreachable`: the probe fails or no connection can be opened.
 * - `Unauthorized`: the API server refuses the credentials; the Secret is read again.
 * - `Refused`: the kubeconfig is missing, malformed, oversized, or of a kind that we do not use; only its change helps.
 *
 * The last three stay while new attempts are made, until one succeeds or fails in another way.
 */
export const CONNECTION_STATES = ['Connecting', 'Connected', 'Unreachable', 'Unauthorized', 'Refused'] as const;
export type ConnectionState = (typeof CONNECTION_STATES)[number];

export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** The reason, for people; never content of a Secret. */
  readonly detail?: string;
}

export interface WorkloadClusters {
  /** Replaces the set of clusters that are needed: new ones are connected, others closed at once. */
  want(clusters: ReadonlySet<ClusterKey>): void;
  /**
   * The cached metadata of a Node. `unknown` unless the cluster is `Connected`: a view that may be stale must not lead to a decision.
   * Annotations of Nodes are never kept, because they are not trusted.
   */
  node(cluster: ClusterKey, name: string): Seen<KubeObject>;
  /** The cached metadata of all Nodes, in no particular order; none unless the cluster is `Connected`. */
  nodes(cluster: ClusterKey): readonly KubeObject[];
  /** Asks the API server itself, for conclusions that cannot be taken back. Any failure is `unknown`. */
  confirmNode(cluster: ClusterKey, name: string): Promise<Seen<KubeObject>>;
  /** Carries out actions in that cluster. @throws KubeError, with reason `Unreachable` if there is no connection. */
  apply(cluster: ClusterKey, actions: readonly Action[], log: Log): Promise<void>;
  /** undefined for a cluster that is not wanted. */
  status(cluster: ClusterKey): ConnectionStatus | undefined;
}

/** Occasional questions to a workload cluster about one Node. Any failure is `unknown`; nothing throws. */
export interface NodeReadings {
  /** Whether the Node's condition `Drained` is True; a Node without that condition is not drained. */
  isDrained(cluster: ClusterKey, nodeName: string): Promise<Known<boolean>>;
  /**
   * `namespace/name` of the Pods on the Node that would end with its power: not finished, not mirror Pods, and not owned by a DaemonSet,
   * whatever they tolerate.
   */
  stayingPods(cluster: ClusterKey, nodeName: string): Promise<Known<readonly string[]>>;
  /** Whether a VolumeAttachment names the Node. */
  hasVolumes(cluster: ClusterKey, nodeName: string): Promise<Known<boolean>>;
}
