/** The composition root of `run`: puts adapters and features together and hands them to the manager. */
import { randomUUID } from 'node:crypto';
import type { RunOptions } from './config-schema.ts';
import {
  type KubeObject,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
} from './core/objects.ts';
import type { Log } from './core/ports.ts';
import type { Resource } from './core/resources.ts';
import type { ApiClient } from './kube/api.ts';
import { makeApply } from './kube/apply.ts';
import { makeClient } from './kube/client.ts';
import { type Credentials, loadKubeConfig } from './kube/credentials.ts';
import { isKubeError } from './kube/errors.ts';
import { makeEventSink } from './kube/events.ts';
import { PodEvictor } from './kube/evictor.ts';
import { makeLeaseStore } from './kube/leases.ts';
import { Mirror } from './kube/mirror.ts';
import { ALL_METRICS, makeObservers, type Observers, type Watched } from './metrics.ts';
import { Endpoints } from './obs/health.ts';
import { MetricRegistry } from './obs/metrics.ts';
import { Controller } from './runtime/controller.ts';
import { LeaderElector } from './runtime/leader.ts';
import { type Election, Manager } from './runtime/manager.ts';
import { EventRecorder } from './runtime/recorder.ts';
import { sleep } from './runtime/sleep.ts';
import { makeReconcile } from './tmm/reconcile.ts';
import { needsNamespaces, wire } from './tmm/wiring.ts';
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

/** Nodes are few and passes short; more workers than this would only compete for the same API server. */
const WORKERS = 4;

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
  const client = makeClient(credentials, { userAgent: `maintenance-bridge/${VERSION}`, onRequest: observers.request });
  const identity = `${env.POD_NAME ?? hostname}_${randomUUID()}`;
  const { election, isLeader } = elect(options, credentials, client, identity, log);
  const manager = new Manager({ log, ...(election !== undefined && { election }) });

  log.info('Starting', { version: VERSION, cluster: credentials.describe(), identity, dryRun: options.dryRun });
  const recorder = new EventRecorder({
    sink: makeEventSink({ client, controller: 'tmm', instance: identity }),
    clock: Date,
    log,
    onDropped: observers.eventDropped,
  });
  manager.add(recorder);
  const mirrors = options.tmm.enabled
    ? addTmm(manager, options, surroundings, { client, observers, registry, recorder })
    : [];
  registry.beforeExposition(() => {
    observers.leading(isLeader());
    for (const { resource, mirror } of mirrors) observers.watchStaleness(resource, mirror.silentMs(Date.now()));
  });
  const watches = {
    name: 'watches',
    check: () =>
      mirrors.length > 0 && mirrors.every(({ mirror }) => mirror.isStale(Date.now()))
        ? 'every watch is stale'
        : undefined,
  };
  manager.add(
    new Endpoints({
      metricsAddress: options.metrics.bindAddress,
      healthAddress: options.health.bindAddress,
      healthz: () => manager.healthz(),
      readyz: () => [...manager.readyz(), watches],
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
  credentials: Credentials,
  client: ApiClient,
  identity: string,
  log: Log,
): { readonly election?: Election; readonly isLeader: () => boolean } {
  // A dry run writes nothing, not even a Lease, and disturbs nobody who leads.
  if (!leaderElection.enabled || dryRun) return { isLeader: () => true };
  const namespace = leaderElection.namespace ?? credentials.namespace ?? 'default';
  const election = new LeaderElector({
    store: makeLeaseStore({ client, namespace, name: leaderElection.id }),
    identity,
    log,
    time: { monotonicMs: () => performance.now(), wallMs: () => Date.now(), sleep },
  });
  return { election, isLeader: () => election.isLeader() };
}

interface Parts {
  readonly client: ApiClient;
  readonly observers: Observers;
  readonly registry: MetricRegistry;
  readonly recorder: EventRecorder;
}

interface Watching {
  readonly resource: Watched;
  readonly mirror: Mirror<KubeObject>;
}

/** Adds Temporary Maintenance Mode for one cluster. */
function addTmm(
  manager: Manager,
  { dryRun, tmm: { settings } }: RunOptions,
  { log, env }: Surroundings,
  { client, observers, registry, recorder }: Parts,
): readonly Watching[] {
  const watching: Watching[] = [];
  const watch = <T extends KubeObject>(resource: Resource<T> & { readonly plural: string }): Mirror<T> => {
    const plural = resource.plural as Watched;
    const mirror = new Mirror<T>({
      client,
      resource,
      clock: Date,
      log,
      onRestart: (reason) => observers.watchRestart(plural, reason),
      onHandlerError: () => observers.handlerError(plural),
    });
    manager.add(mirror);
    watching.push({ resource: plural, mirror: mirror as unknown as Mirror<KubeObject> });
    return mirror;
  };
  const sources = {
    nodes: watch(NODE).informer,
    pods: watch(POD).informer,
    budgets: watch(POD_DISRUPTION_BUDGET).informer,
    claims: watch(PERSISTENT_VOLUME_CLAIM).informer,
    volumes: watch(PERSISTENT_VOLUME).informer,
    ...(needsNamespaces(settings) && { namespaces: watch(NAMESPACE).informer }),
  };
  const evictor = new PodEvictor({
    client,
    clock: Date,
    log,
    dryRun,
    maxParallel: settings.maxParallelEvictions,
    onResult: (nodeName) => controller.enqueue(nodeName),
    onOutcome: observers.eviction,
  });
  const ownPod = env.POD_NAME && env.POD_NAMESPACE ? `${env.POD_NAMESPACE}/${env.POD_NAME}` : undefined;
  const controller = new Controller({
    name: 'tmm',
    kind: NODE.kind,
    reconcile: makeReconcile({
      readers: sources,
      apply: makeApply({ client, recorder, clock: Date, dryRun }),
      evictor,
      clock: Date,
      metrics: registry,
      settings,
      ...(ownPod !== undefined && { ownPod }),
    }),
    log,
    metrics: observers.controllers,
    isConflict: (error) => isKubeError(error, 'Conflict'),
    workers: WORKERS,
  });
  wire(sources, settings, (nodeName) => controller.enqueue(nodeName));
  manager.add(evictor);
  manager.add(controller);
  return watching;
}
