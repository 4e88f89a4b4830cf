/** Temporary Maintenance Mode in one cluster: its watches, and the ports through which it writes. */
import type { Node } from '../core/objects.ts';
import type { EvictionOutcome, Log } from '../core/ports.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { makeApply } from '../kube/write/apply.ts';
import { podsBoundTo } from '../kube/write/bound-pods.ts';
import { EvictionProber } from '../kube/write/eviction-probe.ts';
import { PodEvictor } from '../kube/write/evictor.ts';
import { BackgroundPodMarker } from '../kube/write/pod-marker.ts';
import type { PodKeeper } from '../kube/write/pod-store.ts';
import type { Runnable } from '../runtime/manager.ts';
import type { EventRecorder } from '../runtime/recorder.ts';
import { TmmMetrics } from '../tmm/metrics.ts';
import { askingTaint, heldTaint } from '../tmm/model/taints.ts';
import { NodeMemory } from '../tmm/node-memory.ts';
import type { TmmCluster } from '../tmm/reconcile.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import { setupWatches, type TmmSources } from '../tmm/watches.ts';
import type { Parts } from './parts.ts';

/** Shared by all clusters, since its gauges count the Nodes of all of them. */
export function tmmMeterOf(parts: Parts): TmmMetrics {
  const known = parts.offers.tmmMeter;
  if (known !== undefined) return known;
  const meter = new TmmMetrics(parts.registry);
  parts.registry.beforeExposition(() => meter.collect(Date.now()));
  parts.offers.tmmMeter = meter;
  return meter;
}

export interface TmmSite {
  readonly client: ApiClient;
  readonly sources: TmmSources;
  /** See `TmmCluster`. */
  readonly isOurs: (node: Node) => boolean;
  readonly recorder: EventRecorder;
  readonly settings: TmmSettings;
  readonly meter: TmmCluster['meter'];
  readonly log: Log;
  readonly dryRun: boolean;
  readonly onEviction: (outcome: EvictionOutcome) => void;
  /** Kinds whose caches may be stale, for people; empty while all are followed. */
  readonly unseen: () => readonly string[];
  /** Enqueues a Node. */
  readonly enqueue: (nodeName: string) => void;
  /** Only with `unmanagedPods: recreate`. */
  readonly keeper?: PodKeeper;
}

/** Declares the handlers of the watches. @returns the cluster, and the parts that have to run with it. */
export function makeTmmCluster(site: TmmSite): {
  readonly cluster: TmmCluster;
  readonly runnables: readonly Runnable[];
} {
  const { client, sources, isOurs, recorder, settings, log, dryRun, unseen, enqueue, keeper } = site;
  const isAsked = (nodeName: string): boolean => {
    const seen = sources.nodes.get(nodeName);
    return seen.is === 'present' && isOurs(seen.object) && askingTaint(seen.object, settings.taints) !== undefined;
  };
  const maxParallel = settings.maxParallelEvictions;
  const evictor = new PodEvictor({
    client,
    clock: Date,
    log,
    dryRun,
    maxParallel,
    isStillWanted: (nodeName) => isAsked(nodeName) && unseen().length === 0,
    onWithheld: enqueue,
    onResult: enqueue,
    onOutcome: site.onEviction,
  });
  const probe = new EvictionProber({ client, log, dryRun, maxParallel, isStillWanted: isAsked, onAnswer: enqueue });
  const marker = new BackgroundPodMarker({ client, clock: Date, log, dryRun, onDue: enqueue });
  const memory = new NodeMemory();
  const enqueueQueued = setupWatches(sources, settings, enqueue, (nodeName) => memory.withdraw(nodeName));
  const cluster: TmmCluster = {
    readers: sources,
    isOurs,
    source: (node) => askingTaint(node, settings.taints) ?? heldTaint(node),
    unseen,
    podsBoundTo: (nodeName) => podsBoundTo(client, nodeName),
    slotChanged: enqueueQueued,
    apply: makeApply({ client, recorder, clock: Date, dryRun, ...(keeper !== undefined && { keeper }) }),
    evictor,
    probe,
    marker,
    ...(keeper !== undefined && { keeper }),
    memory,
    meter: site.meter,
  };
  return { cluster, runnables: [evictor, probe, marker] };
}
