/** The composition root of `run`: puts adapters and features together and hands them to the manager. */
import { randomUUID } from 'node:crypto';
import type { RunOptions } from './config-schema.ts';
import type { Log } from './core/ports.ts';
import type { ApiClient } from './kube/api.ts';
import { makeClient } from './kube/client.ts';
import { type Credentials, loadKubeConfig } from './kube/credentials.ts';
import { makeLeaseStore } from './kube/leases.ts';
import { Outages } from './kube/outages.ts';
import { ALL_METRICS, makeObservers, type Observers, WATCHED } from './metrics.ts';
import { Endpoints } from './obs/health.ts';
import { MetricRegistry } from './obs/metrics.ts';
import { addCapi } from './run-capi.ts';
import { addMetal3 } from './run-metal3.ts';
import { type Parts, type Watch, watchClusterApi } from './run-parts.ts';
import { addTmm } from './run-tmm.ts';
import { LeaderElector } from './runtime/leader.ts';
import { type Check, type Election, Manager } from './runtime/manager.ts';
import { sleep } from './runtime/sleep.ts';
import { VERSION } from './version.ts';

/** What the process around it provides. */
export interface Surroundings {
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  readonly hostname: string;
  /** Aborts when the process shall end. */
  readonly stop: AbortSignal;
}

/** No cluster to work on: a matter of configuration, not of the cluster. */
export class NoCluster extends Error {
  override readonly name = 'NoCluster';
}

/**
 * Runs until `stop` aborts, then resolves when everything has ended.
 *
 * @throws NoCluster where no usable kubeconfig is found; otherwise the first failure of a part, lost leadership among them.
 */
export async function run(options: RunOptions, surroundings: Surroundings): Promise<void> {
  const { log, env, hostname, stop } = surroundings;
  const credentials = findCluster(options, surroundings);
  const registry = new MetricRegistry(ALL_METRICS);
  registry.collectProcessMetrics();
  const observers = makeObservers(registry);
  const requests = { userAgent: `maintenance-bridge/${VERSION}`, onRequest: observers.request };
  const unfenced = makeClient(credentials, requests);
  const identity = `${env.POD_NAME ?? hostname}_${randomUUID()}`;
  const namespace = options.leaderElection.namespace ?? credentials.namespace ?? 'default';
  const { election, isLeader } = elect(options, namespace, unfenced, identity, log);
  const client = makeClient(credentials, { ...requests, mayWrite: isLeader });
  const manager = new Manager({ log, ...(election !== undefined && { election }) });

  log.info('Starting', { version: VERSION, cluster: credentials.describe(), identity, dryRun: options.dryRun });
  const watches: Watch[] = [];
  const { dryRun } = options;
  const outages = new Outages({ log, clock: Date });
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
    dryRun,
    identity,
    namespace,
    watches,
  };
  if (options.tmm.enabled) addTmm(parts, options);
  if (options.capi.enabled || options.metal3.enabled) {
    const kinds = watchClusterApi(parts, options.namespaces);
    const workload = options.capi.enabled ? addCapi(parts, options, kinds) : undefined;
    if (options.metal3.enabled) addMetal3(parts, options, kinds, workload);
  }
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

function findCluster({ kubeconfig, context }: RunOptions, { env, homedir }: Surroundings): Credentials {
  try {
    return loadKubeConfig({ kubeconfig, context, env, homedir });
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
  // A dry run writes nothing, not even a Lease, and disturbs nobody who leads.
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

/** Red when no watch that should be running has heard anything: what is left is to be restarted, or the network. */
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

/** Of a kind that is watched in several namespaces, the watch that has been silent longest counts. */
function reportStaleness(watches: readonly Watch[], observers: Observers): void {
  for (const kind of WATCHED) {
    const silent = watches.filter(({ resource }) => resource === kind).map(({ mirror }) => mirror.silentMs(Date.now()));
    observers.watchStaleness(kind, Math.max(0, ...silent));
  }
}
