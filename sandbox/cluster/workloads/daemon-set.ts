/**
 * DaemonSets: one Pod on each eligible Node (pkg/controller/daemon).
 *
 * - A Node is eligible if the template's node selector and affinity match and its taints are tolerated. The tolerations that every
 *   DaemonSet has by default count: not-ready and unreachable Nodes keep their Pods, and a cordon is no obstacle.
 * - Only a `NoExecute` taint ends a running Pod; `NoSchedule` prevents a new one.
 * - The scheduler binds the Pod to the one Node that its affinity names.
 * - A rolling update takes down up to `maxUnavailable` Pods at once, beginning with those that are not available.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { isTolerated } from '../../../src/core/scheduling/taints.ts';
import type { DaemonSet, Node, Pod } from '../base/kinds.ts';
import { isActive, isFinished, isReady, isTerminating, msUntilAvailable } from '../base/pods.ts';
import { rolloutLimits } from '../base/share.ts';
import type { World } from '../base/world.ts';
import { claimPods, watchPodsOf } from './claim-pods.ts';
import { createDaemonPod, isMeantFor, nodeOf, tolerationsOf } from './daemon-set-pod.ts';
import { pruneRevisions, REVISION_LABEL, recordRevision } from './revisions.ts';

const RESOURCE = 'daemonsets.apps';

interface Place {
  readonly node: Node;
  readonly pods: readonly Pod[];
  /** A Pod should be created here if there is none. */
  readonly runs: boolean;
  /** A Pod that is here may stay. */
  readonly stays: boolean;
}

export function startDaemonSets(world: World): void {
  const work = world.controller('DaemonSet', (key) => {
    const set = world.fresh(RESOURCE, key);
    if (set === undefined) return;
    const waitMs = reconcile(world, set);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  const sets = world.mirror(RESOURCE);
  sets.onChange(({ object }) => work.add(keyOf(object)));
  watchPodsOf(world, RESOURCE, 'DaemonSet', work);
  world.mirror('nodes').onChange(({ object, before }) => {
    if (before !== undefined && isSamePlace(before, object)) return;
    for (const set of sets.all()) work.add(keyOf(set));
  });
}

/** Heartbeats change Nodes all the time; only these fields matter here. */
function isSamePlace(before: Node, after: Node): boolean {
  return (
    JSON.stringify([before.metadata.labels, before.spec]) === JSON.stringify([after.metadata.labels, after.spec]) &&
    before.metadata.uid === after.metadata.uid
  );
}

/** @returns after how many milliseconds a ready Pod becomes available. */
function reconcile(world: World, set: DaemonSet): number | undefined {
  const hash = recordRevision(world, set, REVISION_LABEL);
  if (!isTerminating(set)) {
    for (const place of placesOf(world, set)) settle(world, set, place, hash);
    if (set.spec.updateStrategy?.type !== 'OnDelete') updateSome(world, set, hash);
  }
  return writeStatus(world, set, hash);
}

function placesOf(world: World, set: DaemonSet): readonly Place[] {
  const byNode = new Map<string, Pod[]>();
  for (const pod of claimPods(world, set, set.spec.selector)) {
    const node = nodeOf(pod);
    const pods = byNode.get(node);
    if (pods === undefined) byNode.set(node, [pod]);
    else pods.push(pod);
  }
  const tolerations = tolerationsOf(set.spec.template.spec);
  return [...world.mirror('nodes').all()].map((node) => {
    const untolerated = (node.spec?.taints ?? []).filter((taint) => !isTolerated(taint, tolerations));
    const isMeant = isMeantFor(set.spec.template.spec, node) && !isTerminating(node);
    return {
      node,
      pods: byNode.get(node.metadata.name) ?? [],
      runs: isMeant && untolerated.every(({ effect }) => effect === 'PreferNoSchedule'),
      stays: isMeant && untolerated.every(({ effect }) => effect !== 'NoExecute'),
    };
  });
}

function settle(world: World, set: DaemonSet, { node, pods, runs, stays }: Place, hash: string): void {
  const present = pods.filter((pod) => !isTerminating(pod));
  if (!stays) {
    for (const pod of present) world.delete('pods', pod);
    return;
  }
  for (const pod of present.filter(isFinished)) {
    const { name } = pod.metadata;
    const message = `Found failed daemon pod ${keyOf(pod)} on node ${node.metadata.name}, will try to kill it`;
    if (pod.status?.phase === 'Failed') note(world, set, 'Warning', 'FailedDaemonPod', message);
    world.delete('pods', pod);
    note(world, set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  }
  // If several are on one Node, the oldest stays.
  const active = present.filter(isActive);
  for (const pod of active.slice(1)) world.delete('pods', pod);
  if (!runs || pods.length > 0) return;
  const created = createDaemonPod(world, set, node.metadata.name, hash);
  note(world, set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
}

function updateSome(world: World, set: DaemonSet, hash: string): void {
  const places = placesOf(world, set).filter(({ runs }) => runs);
  const { maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const { unavailable: allowed } = rolloutLimits({ maxSurge: 0, maxUnavailable }, places.length);
  const isServing = (pod: Pod): boolean =>
    isActive(pod) && msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, world.nowMs()) === 0;
  let room = allowed - places.filter(({ pods }) => !pods.some(isServing)).length;
  const isOld = (pod: Pod): boolean => isActive(pod) && pod.metadata.labels?.[REVISION_LABEL] !== hash;
  for (const pod of places.flatMap(({ pods }) => pods.filter(isOld))) {
    if (isServing(pod)) {
      if (room <= 0) continue;
      room -= 1;
    }
    world.delete('pods', pod);
    note(world, set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
}

function writeStatus(world: World, set: DaemonSet, hash: string): number | undefined {
  const places = placesOf(world, set);
  const wanted = places.filter(({ runs, stays, pods }) => runs || (stays && pods.length > 0));
  const scheduled = wanted.flatMap(({ pods }) => pods.filter(isActive).slice(0, 1));
  const waits = scheduled.map((pod) => msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, world.nowMs()));
  const available = waits.filter((ms) => ms === 0).length;
  const current = world.fresh(RESOURCE, keyOf(set));
  if (current === undefined) return undefined;
  world.patchStatus(RESOURCE, current, {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: scheduled.length,
    numberMisscheduled: places.filter((place) => !wanted.includes(place) && place.pods.some(isActive)).length,
    numberReady: scheduled.filter(isReady).length,
    updatedNumberScheduled:
      scheduled.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === hash).length || null,
    numberAvailable: available || null,
    numberUnavailable: wanted.length - available || null,
  });
  pruneRevisions(world, set, new Set([`${set.metadata.name}-${hash}`]));
  const pending = waits.filter((ms): ms is number => ms !== undefined && ms > 0);
  return pending.length === 0 ? undefined : Math.min(...pending);
}

function note(world: World, about: DaemonSet, type: 'Normal' | 'Warning', reason: string, message: string): void {
  world.record({ about, type, source: 'daemonset-controller', reason, message });
}
