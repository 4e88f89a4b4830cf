/** What the features' wiring shares: the management cluster's client, the manager, and what each feature adds and offers. */
import type { ClusterListener } from '../capi/watches.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import type { KubeObject } from '../core/objects.ts';
import type { EvictionOutcome, Log, Source } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import type { RestartReason } from '../kube/cache/list-watch.ts';
import type { OptionalKind } from '../kube/cache/optional-kind.ts';
import type { Outages } from '../kube/cache/outages.ts';
import type { ApiClient } from '../kube/http/api.ts';
import type { RequestReport } from '../kube/http/client.ts';
import type { ClusterSet } from '../kube/workload/clusters.ts';
import type { MetricRegistry } from '../obs/metrics.ts';
import type { ControllerMetrics } from '../runtime/controller.ts';
import type { Manager } from '../runtime/manager.ts';
import type { DropReason } from '../runtime/recorder.ts';
import type { TmmMetrics } from '../tmm/metrics.ts';

export interface Parts {
  readonly manager: Manager;
  /** Writes only while this process leads. */
  readonly client: ApiClient;
  /** For Events: they report completed work, and may be sent late. */
  readonly unfenced: ApiClient;
  readonly mayWrite: () => boolean;
  readonly observers: Observers;
  readonly registry: MetricRegistry;
  readonly log: Log;
  /** Collects the outages of the watches over `client`. */
  readonly outages: Outages;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  /** The kubeconfig and its context for the cluster that we run against. */
  readonly access: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined };
  /** Name of our Lease. */
  readonly leaseName: string;
  readonly dryRun: boolean;
  /** The identity of this process, as in the Lease. */
  readonly identity: string;
  /** Our own namespace, which holds the Lease and stored Pods. */
  readonly namespace: string;
  /** The namespaces to which Machines, hosts and similar kinds are limited; empty means all. */
  readonly namespaces: readonly string[];
  /** Whether an enabled feature switches machines off. */
  readonly machinesAreSwitchedOff: boolean;
  /** Labels of workload Nodes that the enabled features read, besides those of the Cluster API bridge. */
  readonly workloadLabels: readonly string[];
  /** Each cache that was added, for probes and metrics. */
  readonly watches: Watch[];
  /** The caches of Cluster API's kinds, which the first call adds. */
  readonly clusterApi: () => ClusterApiKinds;
  /** What features offer to those that start after them. */
  readonly offers: {
    /** The connections of the Cluster API bridge. */
    workload?: ClusterSet;
    /** The metrics of Temporary Maintenance Mode in all clusters. */
    tmmMeter?: TmmMetrics;
    /** Further listeners for the events of workload clusters, besides the Cluster API bridge itself. */
    workloadListeners?: ClusterListener[];
  };
}

export interface Watch {
  /** Plural name of the kind; one of `WATCHED` in `features.ts`. */
  readonly resource: string;
  readonly mirror: Pick<OptionalKind<KubeObject>, 'isWatching' | 'isStale' | 'silentMs' | 'disconnectedMs'>;
}

/** A kind that exists only if its definition is installed. */
export interface WatchedKind<T extends KubeObject> {
  readonly source: Source<T>;
  /** The resource in the version that is served. */
  resource(): Resource<T>;
}

/** The caches that the features which read Machines share. */
export interface ClusterApiKinds {
  readonly machines: WatchedKind<Machine>;
  readonly clusters: WatchedKind<Cluster>;
}

/** The callbacks that the adapters take. */
export interface Observers {
  readonly controllers: ControllerMetrics;
  readonly request: (report: RequestReport) => void;
  readonly leading: (isLeader: boolean) => void;
  readonly watchRestart: (resource: string, reason: RestartReason) => void;
  readonly watchStaleness: (resource: string, ms: number) => void;
  readonly handlerError: (resource: string) => void;
  readonly eviction: (outcome: EvictionOutcome) => void;
  readonly eventDropped: (reason: DropReason) => void;
}
