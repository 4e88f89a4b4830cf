/**
 * ReplicaSets: as many active Pods as wanted (pkg/controller/replicaset).
 *
 * - A finished or terminating Pod does not count, and is replaced at once.
 * - Surplus Pods are removed in this order: not bound, not running, not ready, cheap by `controller.kubernetes.io/pod-deletion-cost`, on
 *   the Node with most others of their kind, ready for the shortest time, youngest.
 * - The status counts Pods that exist, are ready, and have been ready for `minReadySeconds`.
 * - A ReplicaSet that is being deleted is left to the garbage collector.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { matchesLabelSelector } from '../../../src/core/selectors.ts';
import { ApiError } from '../../api.ts';
import { conditionIn } from '../base/conditions.ts';
import type { Pod, ReplicaSet } from '../base/kinds.ts';
import { isActive, isReady, isTerminating, msUntilAvailable } from '../base/pods.ts';
import { podFrom } from '../base/template.ts';
import type { World } from '../base/world.ts';
import { claimPods, watchPodsOf } from './claim-pods.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SOURCE = 'replicaset-controller';
const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

export function startReplicaSets(world: World): void {
  const work = world.controller('ReplicaSet', (key) => {
    const replicaSet = world.fresh('replicasets.apps', key);
    if (replicaSet === undefined) return;
    const waitMs = reconcile(world, replicaSet);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  world.mirror('replicasets.apps').onChange(({ object }) => work.add(keyOf(object)));
  watchPodsOf(world, 'replicasets.apps', 'ReplicaSet', work);
}

/** @returns after how many milliseconds a ready Pod becomes available. */
function reconcile(world: World, replicaSet: ReplicaSet): number | undefined {
  const { namespace = '' } = replicaSet.metadata;
  const { replicas = 1, selector, template } = replicaSet.spec;
  let pods = claimPods(world, replicaSet, selector).filter(isActive);
  let failure: ApiError | undefined;
  if (!isTerminating(replicaSet)) {
    failure = create(world, replicaSet, Math.max(0, replicas - pods.length));
    for (const pod of surplusOf(pods, pods.length - replicas, world.nowMs())) {
      world.delete('pods', pod);
      note(world, replicaSet, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    pods = claimPods(world, replicaSet, selector).filter(isActive);
  }
  const waits = pods.map((pod) => msUntilAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, world.nowMs()));
  const current = world.mirror('replicasets.apps').get(`${namespace}/${replicaSet.metadata.name}`);
  if (current !== undefined) {
    world.patchStatus('replicasets.apps', current, {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter((pod) => hasLabels(pod, template.metadata?.labels)).length,
      readyReplicas: pods.filter(isReady).length,
      availableReplicas: waits.filter((ms) => ms === 0).length,
      terminatingReplicas: claimPods(world, replicaSet, selector).filter(isTerminating).length,
      observedGeneration: replicaSet.metadata.generation ?? 0,
    });
  }
  if (failure !== undefined) throw failure;
  const pending = waits.filter((ms): ms is number => ms !== undefined && ms > 0);
  return pending.length === 0 ? undefined : Math.min(...pending);
}

/** @returns why not all could be created. */
function create(world: World, replicaSet: ReplicaSet, count: number): ApiError | undefined {
  const { namespace } = replicaSet.metadata;
  const draft = podFrom(replicaSet, replicaSet.spec.template);
  for (let made = 0; made < count; made += 1) {
    try {
      const pod = world.create('pods', draft, namespace);
      note(world, replicaSet, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      note(world, replicaSet, 'FailedCreate', `Error creating: ${error.message}`);
      return error;
    }
  }
  return undefined;
}

function note(world: World, about: ReplicaSet, reason: string, message: string): void {
  world.record({ about, type: reason.startsWith('Failed') ? 'Warning' : 'Normal', source: SOURCE, reason, message });
}

function hasLabels({ metadata }: Pod, matchLabels: Readonly<Record<string, string>> = {}): boolean {
  return matchesLabelSelector({ matchLabels }, metadata.labels);
}

/** Controller utilities' `ActivePodsWithRanks`. */
function surplusOf(pods: readonly Pod[], count: number, nowMs: number): readonly Pod[] {
  if (count <= 0) return [];
  const perNode = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec.nodeName !== undefined) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  const ranks = new Map(pods.map((pod) => [pod, rankOf(pod, perNode.get(pod.spec.nodeName ?? '') ?? 0, nowMs)]));
  const ranksOf = (pod: Pod): readonly number[] => ranks.get(pod) ?? [];
  return [...pods].sort((a, b) => compare(ranksOf(a), ranksOf(b)) || (keyOf(a) < keyOf(b) ? -1 : 1)).slice(0, count);
}

/** Lower ranks go first. */
function rankOf(pod: Pod, neighbours: number, nowMs: number): readonly number[] {
  const { spec, status, metadata } = pod;
  const readySince = conditionIn(status?.conditions, 'Ready')?.lastTransitionTime;
  return [
    spec.nodeName === undefined ? 0 : 1,
    PHASES[status?.phase ?? ''] ?? 0,
    isReady(pod) ? 1 : 0,
    Number(metadata.annotations?.[DELETION_COST] ?? 0) || 0,
    -neighbours,
    isReady(pod) ? nowMs - Date.parse(readySince ?? '') || 0 : 0,
    nowMs - Date.parse(metadata.creationTimestamp),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
