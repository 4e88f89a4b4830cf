/** What the wirings of the features share: the management cluster's client, the manager, and what each feature adds and offers. */
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
  /** For Events: they tell of what was done, and may come late. */
  readonly unfenced: ApiClient;
  readonly mayWrite: () => boolean;
  readonly observers: Observers;
  readonly registry: MetricRegistry;
  readonly log: Log;
  /** Collects the outages of the watches over `client`. */
  readonly outages: Outages;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  /** Which kubeconfig, and which of its contexts, leads to the cluster that we run against. */
  readonly access: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined };
  /** Name of our Lease. */
  readonly leaseName: string;
  readonly dryRun: boolean;
  /** The identity of this process, as in the Lease. */
  readonly identity: string;
  /** Our own: where the Lease is, and stored Pods are. */
  readonly namespace: string;
  /** To which Machines, hosts and the like are limited; none means all. */
  readonly namespaces: readonly string[];
  /** Whether a feature that runs switches machines off. */
  readonly machinesAreSwitchedOff: boolean;
  /** Labels of workload Nodes that the enabled features read, besides those of the Cluster API bridge. */
  readonly workloadLabels: readonly string[];
  /** Each cache that was added, for probes and metrics. */
  readonly watches: Watch[];
  /** Cluster API's kinds, whose caches the first call adds. */
  readonly clusterApi: () => ClusterApiKinds;
  /** What features offer to those that are started after them. */
  readonly offers: {
    /** The connections of the Cluster API bridge. */
    workload?: ClusterSet;
    /** Of Temporary Maintenance Mode, in whichever clusters. */
    tmmMeter?: TmmMetrics;
    /** Told, besides the Cluster API bridge itself, of what these report. */
    workloadListeners?: ClusterListener[];
  };
}

export interface Watch {
  /** Plural name of the kind; one of `WATCHED` in `features.ts`. */
  readonly resource: string;
  readonly mirror: Pick<OptionalKind<KubeObject>, 'isWatching' | 'isStale' | 'silentMs' | 'disconnectedMs'>;
}

/** A kind that is there when what defines it is installed. */
export interface WatchedKind<T extends KubeObject> {
  readonly source: Source<T>;
  /** In the version that is served. */
  resource(): Resource<T>;
}

/** What the features that read Machines share. */
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
