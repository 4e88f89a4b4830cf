/** The composition root of `run`: puts adapters and features together and hands them to the manager. */
import { randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import type { RunOptions } from '../config/schema.ts';
import type { Log } from '../core/ports.ts';
import { type Credentials, loadKubeConfig } from '../kube/auth/credentials.ts';
import { Outages } from '../kube/cache/outages.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { ByteBudget } from '../kube/http/byte-budget.ts';
import { DEFAULT_LIMITS, makeClient } from '../kube/http/client.ts';
import { makeLeaseStore } from '../kube/write/leases.ts';
import { Endpoints } from '../obs/health.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { LeaderElector } from '../runtime/leader.ts';
import { type Check, type Election, Manager } from '../runtime/manager.ts';
import { sleep } from '../runtime/sleep.ts';
import { VERSION } from '../version.ts';
import { watchClusterApi } from './caches.ts';
import { FEATURES, WATCHED, wireFeatures } from './features.ts';
import { addLeftovers } from './leftovers.ts';
import { ALL_METRICS, makeObservers } from './metrics.ts';
import type { ClusterApiKinds, Observers, Parts, Watch } from './parts.ts';

/** The environment that the process provides. */
export interface ProcessContext {
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  readonly hostname: string;
  /** Aborts when the process has to end. */
  readonly stop: AbortSignal;
}

/** No cluster is configured: an error of the configuration, not of a cluster. */
export class NoCluster extends Error {
  override readonly name = 'NoCluster';
}

/**
 * Runs until `stop` aborts, then resolves when everything has ended.
 *
 * @throws NoCluster if no usable kubeconfig is found; otherwise the first failure of a part, including lost leadership.
 */
export async function run(options: RunOptions, context: ProcessContext): Promise<void> {
  const { log, env, hostname, stop } = context;
  const credentials = findCluster(options, context);
  const registry = new MetricRegistry(ALL_METRICS);
  registry.collectProcessMetrics();
  const observers = makeObservers(registry);
  // For all kinds together: a few hundred KiB may decompress to more than the container's memory.
  const limits = { ...DEFAULT_LIMITS, inAll: new ByteBudget(getHeapStatistics().heap_size_limit / 2) };
  const requests = { userAgent: `maintenance-bridge/${VERSION}`, onRequest: observers.request, limits };
  const unfenced = makeClient(credentials, requests);
  const identity = `${env.POD_NAME ?? hostname}_${randomUUID()}`;
  const namespace = options.leaderElection.namespace ?? credentials.namespace ?? 'default';
  // Other requests may wait for minutes, for instance behind a slow webhook, and occupy every connection of their pool.
  const ofLease = makeClient(findCluster(options, context, LEASE_SOCKETS), requests);
  const { election, isLeader } = elect(options, namespace, ofLease, identity, log);
  const client = makeClient(credentials, { ...requests, mayWrite: isLeader });
  const manager = new Manager({ log, ...(election !== undefined && { election }) });

  log.info('Starting', { version: VERSION, cluster: credentials.describe(), identity, dryRun: options.dryRun });
  const watches: Watch[] = [];
  const { dryRun } = options;
  const outages = new Outages({ log, clock: Date });
  let clusterApi: ClusterApiKinds | undefined;
  const parts: Parts = {
    manager,
    client,
    unfenced,
    mayWrite: isLeader,
    observers,
    registry,
    log,
    outages,
    env,
    homedir: context.homedir,
    access: options,
    leaseName: options.leaderElection.id,
    dryRun,
    identity,
    namespace,
    namespaces: options.namespaces,
    machinesAreSwitchedOff: FEATURES.some(
      ({ name, switchesMachinesOff = false }) => switchesMachinesOff && options[name].enabled,
    ),
    workloadLabels: FEATURES.flatMap(({ name, workloadLabels = [] }) => (options[name].enabled ? workloadLabels : [])),
    watches,
    clusterApi: () => {
      clusterApi ??= watchClusterApi(parts);
      return clusterApi;
    },
    offers: {},
  };
  await wireFeatures(parts, options);
  addLeftovers(parts, options);
  registry.beforeExposition(() => {
    observers.leading(isLeader());
    reportStaleness(watches, observers);
  });
  manager.add(
    new Endpoints({
      metricsAddress: options.metrics.bindAddress,
      healthAddress: options.health.bindAddress,
      healthz: () => manager.healthz(),
      readyz: () => [...manager.readyz(), freshness(watches)],
      exposition: () => registry.exposition(),
      log,
    }),
  );
  await manager.start(stop);
  log.info('Stopped');
}

/** If one request hangs, a second connection is left for the next. */
const LEASE_SOCKETS = 2;

function findCluster(
  { kubeconfig, context }: RunOptions,
  { env, homedir }: ProcessContext,
  maxSockets?: number,
): Credentials {
  try {
    return loadKubeConfig({ kubeconfig, context, env, homedir, ...(maxSockets !== undefined && { maxSockets }) });
  } catch (cause) {
    throw new NoCluster(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function elect(
  { leaderElection, dryRun }: RunOptions,
  namespace: string,
  client: ApiClient,
  identity: string,
  log: Log,
): { readonly election?: Election; readonly isLeader: () => boolean } {
  // A dry run writes nothing, not even a Lease, and does not disturb the leader.
  if (!leaderElection.enabled || dryRun) return { isLeader: () => true };
  const election = new LeaderElector({
    store: makeLeaseStore({ client, namespace, name: leaderElection.id }),
    identity,
    log,
    time: { monotonicMs: () => performance.now(), wallMs: () => Date.now(), sleep },
    leaseDurationMs: leaderElection.leaseDurationMs,
    renewDeadlineMs: leaderElection.renewDeadlineMs,
    retryPeriodMs: leaderElection.retryPeriodMs,
  });
  return { election, isLeader: () => election.isLeader() };
}

/** Not ready when every active watch is stale: the process needs a restart, or the network is down. */
function freshness(watches: readonly Watch[]): Check {
  return {
    name: 'watches',
    check: () => {
      const running = watches.filter(({ mirror }) => mirror.isWatching());
      const isStale = running.length > 0 && running.every(({ mirror }) => mirror.isStale(Date.now()));
      return isStale ? 'every watch is stale' : undefined;
    },
  };
}

/** If a kind is watched in several namespaces, the watch that has been silent longest counts. */
function reportStaleness(watches: readonly Watch[], observers: Observers): void {
  for (const kind of WATCHED) {
    const silent = watches.filter(({ resource }) => resource === kind).map(({ mirror }) => mirror.silentMs(Date.now()));
    observers.watchStaleness(kind, Math.max(0, ...silent));
  }
}
