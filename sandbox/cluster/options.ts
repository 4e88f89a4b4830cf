/** The options of a simulated cluster. All times are in milliseconds of the sandbox's clock. */
import type { ClusterAccess } from './base/cluster-access.ts';
import type { OnError } from './base/work-loop.ts';

export interface SimulationOptions extends Partial<Timing> {
  /** Whether the StorageClasses `standard` and `local` are created. @default true */
  readonly storageClasses?: boolean;
  /** PEM, for the ConfigMap `kube-root-ca.crt` of each Namespace. If absent, there is no such ConfigMap. */
  readonly rootCertificate?: string;
  /** Serves Cluster API's kinds and deletes Machines like its controller. */
  readonly clusterApi?: ClusterApiOptions;
  /** Serves BareMetalHosts and switches them like Metal3. */
  readonly metal3?: Metal3Options;
  /** Approves maintenance and deletion on the Nodes of this API server, like a controller of a workload cluster. */
  readonly approver?: ApproverOptions;
  /** Called for each failed pass of a controller, which is retried. @default failures are not reported */
  readonly onError?: OnError;
}

export interface Timing {
  /** From the binding of a Pod to its readiness. @default 300 */
  readonly podStartMs: number;
  /** The maximum time that a Pod takes to end; a shorter grace period takes precedence. @default 300 */
  readonly podStopMs: number;
  /** The run time of a Pod that runs to completion. @default 1000 */
  readonly podRunMs: number;
  /** @default 10 000 */
  readonly leaseRenewMs: number;
  /** After this time without a renewed Lease the state of a Node is unknown. @default 50 000, as kube-controller-manager's */
  readonly nodeMonitorGraceMs: number;
  /** How long the Pods of a removed Node are kept. @default 40 000, as kube-controller-manager's */
  readonly orphanedPodMs: number;
}

export interface ClusterApiOptions {
  /**
   * The API server of a Cluster's Nodes; undefined if it cannot be reached.
   *
   * @default this one
   */
  readonly workload?: (cluster: { readonly namespace: string; readonly name: string }) => ClusterAccess | undefined;
}

export interface Metal3Options {
  /** From the request to the host being off. @default 2000 */
  readonly powerOffMs?: number;
  /** From the request to the host being on again. @default 2000 */
  readonly powerOnMs?: number;
}

/** A Node's annotation `sandbox.maintenance-bridge.io/approve` (`true`, `false`) takes precedence for that Node. */
export interface ApproverOptions {
  /** From the moment at which a Node may be approved. @default 500 */
  readonly delayMs?: number;
  /** Approves only once the only Pods left on the Node are those of DaemonSets and mirror Pods. @default false */
  readonly waitsForDrain?: boolean;
  /** Approves nothing unless the annotation says so. @default false */
  readonly holds?: boolean;
}

export const DEFAULT_TIMING: Timing = {
  podStartMs: 300,
  podStopMs: 300,
  podRunMs: 1000,
  leaseRenewMs: 10_000,
  nodeMonitorGraceMs: 50_000,
  orphanedPodMs: 40_000,
};

/** The defaults, overridden by the options. */
export function timingOf(options: SimulationOptions): Timing {
  const entries = Object.entries(DEFAULT_TIMING).map(([name, value]) => [name, options[name as keyof Timing] ?? value]);
  return Object.fromEntries(entries) as Timing;
}
