/**
 * StatefulSets: Pods with stable names (pkg/controller/statefulset).
 *
 * - `OrderedReady`: a Pod is created once all before it are running and ready, and removed once all after it are gone; one step at a time.
 *   `Parallel`: all at once.
 * - A finished Pod is replaced under its name. A terminating one is waited for.
 * - Claims of the templates are created before their Pod, and stay when it is removed, unless the retention policy says otherwise. A claim
 *   that is being deleted is waited for, and created again.
 * - A rolling update replaces from the highest ordinal down to the partition, each when the one before is healthy.
 */
import { keyOf } from '../../../src/core/meta.ts';
import type { Pod, StatefulSet } from '../base/kinds.ts';
import { isActive, isFinished, isReady, isTerminating, msUntilAvailable } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import { claimPods, watchPodsOf } from './claim-pods.ts';
import { pruneRevisions, REVISION_LABEL, recordRevision, SET_HASH_LABEL } from './revisions.ts';
import { createMember, ensureClaims, hasClaim, ordinalOf } from './stateful-set-member.ts';

const RESOURCE = 'statefulsets.apps';

export function startStatefulSets(world: World): void {
  const work = world.controller('StatefulSet', (key) => {
    const set = world.fresh(RESOURCE, key);
    if (set === undefined) return;
    const waitMs = reconcile(world, set);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  world.mirror(RESOURCE).onChange(({ object }) => work.add(keyOf(object)));
  watchPodsOf(world, RESOURCE, 'StatefulSet', work);
  const inNamespace = world.mirror(RESOURCE).index('namespace', ({ metadata }) => metadata.namespace);
  world.mirror('persistentvolumeclaims').onChange(({ type, object: { metadata } }) => {
    if (type !== 'DELETED') return;
    for (const set of inNamespace.get(metadata.namespace ?? '')) if (hasClaim(set, metadata.name)) work.add(keyOf(set));
  });
}

interface Revisions {
  /** The revision of the Pods that must not be updated yet. */
  readonly current: string;
  readonly update: string;
}

function reconcile(world: World, set: StatefulSet): number | undefined {
  const update = `${set.metadata.name}-${recordRevision(world, set, SET_HASH_LABEL)}`;
  const revisions = { update, current: set.status?.currentRevision ?? update };
  if (!isTerminating(set)) bringNearer(world, set, revisions);
  return writeStatus(world, set, revisions);
}

/** Takes one step; its changes trigger the next. */
function bringNearer(world: World, set: StatefulSet, revisions: Revisions): void {
  const { replicas = 1, selector, ordinals, podManagementPolicy } = set.spec;
  const isOrdered = podManagementPolicy !== 'Parallel';
  const first = ordinals?.start ?? 0;
  const pods = new Map(claimPods(world, set, selector).map((pod) => [ordinalOf(pod, set), pod]));
  for (let ordinal = first; ordinal < first + replicas; ordinal += 1) {
    const pod = pods.get(ordinal);
    if (pod === undefined) createMember(world, set, ordinal, revisionFor(set, ordinal, revisions));
    else if (isFinished(pod) && !isTerminating(pod)) remove(world, set, pod);
    else if (isHealthy(pod)) continue;
    else if (pod.status?.phase === 'Pending' && !isTerminating(pod)) ensureClaims(world, set, pod.metadata.name);
    if (isOrdered) return;
  }
  const surplus = [...pods].filter(([ordinal]) => ordinal < first || ordinal >= first + replicas);
  surplus.sort(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (!isTerminating(pod)) remove(world, set, pod);
    if (isOrdered) return;
  }
  if (surplus.length === 0) updateOne(world, set, pods, revisions);
}

function updateOne(world: World, set: StatefulSet, pods: ReadonlyMap<number, Pod>, { update }: Revisions): void {
  const { replicas = 1, ordinals, updateStrategy } = set.spec;
  if (updateStrategy?.type === 'OnDelete') return;
  const first = ordinals?.start ?? 0;
  const lowest = first + (updateStrategy?.rollingUpdate?.partition ?? 0);
  for (let ordinal = first + replicas - 1; ordinal >= lowest; ordinal -= 1) {
    const pod = pods.get(ordinal);
    if (pod === undefined) return;
    if (pod.metadata.labels?.[REVISION_LABEL] !== update && !isTerminating(pod)) {
      remove(world, set, pod);
      return;
    }
    if (!isHealthy(pod)) return;
  }
}

function revisionFor({ spec }: StatefulSet, ordinal: number, { current, update }: Revisions): string {
  const { ordinals, updateStrategy } = spec;
  const partition = updateStrategy?.type === 'OnDelete' ? 0 : (updateStrategy?.rollingUpdate?.partition ?? 0);
  return ordinal < (ordinals?.start ?? 0) + partition ? current : update;
}

function isHealthy(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isReady(pod) && !isTerminating(pod);
}

function remove(world: World, about: StatefulSet, pod: Pod): void {
  world.delete('pods', pod);
  world.record({
    about,
    type: 'Normal',
    source: 'statefulset-controller',
    reason: 'SuccessfulDelete',
    message: `Delete Pod ${pod.metadata.name} in StatefulSet ${about.metadata.name} successful`,
  });
}

/** @returns after how many milliseconds a ready Pod becomes available. */
function writeStatus(world: World, set: StatefulSet, revisions: Revisions): number | undefined {
  const { replicas = 1, selector, minReadySeconds = 0 } = set.spec;
  const pods = claimPods(world, set, selector);
  const ofRevision = (name: string): number =>
    pods.filter((pod) => isActive(pod) && pod.metadata.labels?.[REVISION_LABEL] === name).length;
  const waits = pods.filter(isHealthy).map((pod) => msUntilAvailable(pod, minReadySeconds, world.nowMs()) ?? 0);
  const updatedReplicas = ofRevision(revisions.update);
  const isUpdated = updatedReplicas === replicas && pods.length === replicas && waits.length === replicas;
  const currentRevision = isUpdated ? revisions.update : revisions.current;
  const current = world.fresh(RESOURCE, keyOf(set));
  if (current === undefined) return undefined;
  world.patchStatus(RESOURCE, current, {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: waits.length === 0 ? null : waits.length,
    availableReplicas: waits.filter((ms) => ms === 0).length,
    currentReplicas: ofRevision(currentRevision) || null,
    updatedReplicas: updatedReplicas || null,
    currentRevision,
    updateRevision: revisions.update,
    collisionCount: 0,
  });
  const inUse = pods.map(({ metadata }) => metadata.labels?.[REVISION_LABEL] ?? '');
  pruneRevisions(world, set, new Set([currentRevision, revisions.update, ...inUse]));
  const pending = waits.filter((ms) => ms > 0);
  return pending.length === 0 ? undefined : Math.min(...pending);
}
