/**
 * Pods that the cluster removes because of their Node.
 *
 * - A `NoExecute` taint ends Pods that do not tolerate it at once, and others after the shortest `tolerationSeconds`
 *   (pkg/controller/tainteviction). Budgets do not apply.
 * - Pods of a removed Node are deleted after a while, and terminating ones at once if the Node is out of service (pkg/controller/podgc).
 */
import { keyOf, tolerates } from '../../../src/core/meta.ts';
import { isTolerated } from '../../../src/core/scheduling/taints.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import { withConditions } from '../base/conditions.ts';
import type { Node, NodeTaint, Pod } from '../base/kinds.ts';
import { isTerminating, podsByNode } from '../base/pods.ts';
import { isSame, type World } from '../base/world.ts';
import type { Timing } from '../options.ts';

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export function startPodRemoval(world: World, timing: Timing): void {
  /** When a Node was first found to be missing. */
  const missingSince = new Map<string, number>();
  const seen = new TaintTimes();
  const work = world.controller('PodRemoval', (key) => {
    const pod = world.fresh('pods', key);
    const name = pod?.spec.nodeName;
    if (pod === undefined || name === undefined) return;
    const node = world.mirror('nodes').get(name);
    if (node !== undefined) {
      missingSince.delete(name);
      const waitMs = judge(world, pod, node, seen);
      if (waitMs !== undefined) work.addAfter(key, waitMs);
      return;
    }
    const since = missingSince.get(name) ?? world.nowMs();
    missingSince.set(name, since);
    const leftMs = since + timing.orphanedPodMs - world.nowMs();
    if (leftMs > 0) work.addAfter(key, leftMs);
    else {
      mark(world, pod, 'DeletionByPodGC', 'PodGC: node no longer exists');
      world.delete('pods', pod, { gracePeriodSeconds: 0 });
    }
  });
  world.mirror('pods').onChange(({ type, object, before }) => {
    if (type === 'DELETED' || object.spec.nodeName === undefined) return;
    const isSettled = before?.spec.nodeName !== undefined && isTerminating(before) === isTerminating(object);
    if (!isSettled || before.spec.tolerations !== object.spec.tolerations) work.add(keyOf(object));
  });
  world.mirror('nodes').onChange(({ type, object, before }) => {
    seen.note(object, type === 'DELETED' ? [] : (object.spec?.taints ?? []), world.nowMs());
    if (type === 'MODIFIED' && isSame(before?.spec?.taints, object.spec?.taints)) return;
    for (const pod of podsByNode(world).get(object.metadata.name)) work.add(keyOf(pod));
  });
}

/** @returns after how many milliseconds the Pod has to go. */
function judge(world: World, pod: Pod, node: Node, seen: TaintTimes): number | undefined {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  if (isTerminating(pod)) {
    if (taints.some(({ key }) => key === OUT_OF_SERVICE)) world.delete('pods', pod, { gracePeriodSeconds: 0 });
    return undefined;
  }
  const dueMs = Math.min(...taints.map((taint) => endOf(pod, taint, seen.of(node, taint), world.nowMs())));
  if (dueMs === Number.POSITIVE_INFINITY) return undefined;
  const leftMs = dueMs - world.nowMs();
  if (leftMs > 0) return leftMs;
  const about = pod;
  const message = `Marking for deletion Pod ${keyOf(pod)}`;
  world.record({ about, type: 'Normal', source: 'taint-eviction-controller', reason: 'TaintManagerEviction', message });
  mark(world, pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint');
  const present = world.mirror('pods').get(keyOf(pod));
  if (present !== undefined) world.delete('pods', present);
  return undefined;
}

/** How long the Pod tolerates the taint, as milliseconds since the epoch. */
function endOf({ spec }: Pod, taint: NodeTaint, addedMs: number, nowMs: number): number {
  const { tolerations = [] } = spec;
  if (!isTolerated(taint, tolerations)) return nowMs;
  const seconds = tolerations
    .filter((each) => tolerates(each, taint))
    .flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return seconds.length === 0 ? Number.POSITIVE_INFINITY : addedMs + Math.max(0, Math.min(...seconds)) * 1000;
}

function mark(world: World, pod: Pod, reason: string, message: string): void {
  const claim = { type: 'DisruptionTarget', status: 'True', reason, message };
  const conditions = withConditions(pod.status?.conditions, [claim], world.now());
  world.patch('pods', pod, { status: { conditions } }, 'status');
}

/** When taints were first seen, for those that do not record when they were added. */
class TaintTimes {
  readonly #firstSeen = new Map<string, ReadonlyMap<string, number>>();

  note({ metadata }: Node, taints: readonly NodeTaint[], nowMs: number): void {
    const before = this.#firstSeen.get(metadata.name);
    if (taints.length === 0) this.#firstSeen.delete(metadata.name);
    else {
      const entries = taints.map(
        (taint) => [taint.key, msOf(taint.timeAdded) ?? before?.get(taint.key) ?? nowMs] as const,
      );
      this.#firstSeen.set(metadata.name, new Map(entries));
    }
  }

  /** In milliseconds since the epoch. */
  of({ metadata }: Node, { key }: NodeTaint): number {
    return this.#firstSeen.get(metadata.name)?.get(key) ?? 0;
  }
}
