/** The controllers whose Pods a maintenance displaces: they are to be ready again before it ends, and before the next Node goes. */
import { controllerOf, isDeleting, isReady } from '../core/meta.ts';
import type { Pod } from '../core/objects.ts';
import type { PodFacts, RelatedPod } from './pods.ts';
import type { Workload } from './report.ts';

/**
 * Groups the ready Pods that will leave by their controller. Pinned ones and those of a DaemonSet are to come back to this
 * Node, others may be ready anywhere. What was not ready before the maintenance need not be after it.
 *
 * @param known What an earlier drain of the same session displaced; it stays, with the larger count.
 */
export function displacedWorkloads(
  related: readonly RelatedPod[],
  known: readonly Workload[] = [],
): readonly Workload[] {
  const found = new Map<string, Workload>();
  for (const { pod, isPinned, fate } of related) {
    const controller = controllerOf(pod);
    if (controller === undefined || !isReady(pod)) continue;
    const { kind, name, uid } = controller;
    const here = (found.get(uid)?.here ?? 0) + (isPinned || fate.ofDaemonSet ? 1 : 0);
    found.set(uid, { kind, namespace: pod.metadata.namespace ?? '', name, uid, here });
  }
  for (const entry of known) {
    if ((found.get(entry.uid)?.here ?? -1) < entry.here) found.set(entry.uid, entry);
  }
  return [...found.values()].sort((a, b) => (describe(a) < describe(b) ? -1 : 1));
}

/**
 * Whether an unready Pod is one that a session has set in motion: on its way out, or created since the session began. What
 * was broken before is nobody's doing. Creation times have whole seconds.
 */
export function isInMotion(pod: Pod, startedMs: number): boolean {
  return isDeleting(pod) || Date.parse(pod.metadata.creationTimestamp ?? '') >= Math.floor(startedMs / 1000) * 1000;
}

/** A workload that is not ready again, and how many of its Pods are missing. */
export interface Missing {
  readonly workload: Workload;
  readonly pods: number;
}

/**
 * @param onNode Pods that are bound to the Node.
 * @param unready Pods of these workloads that the session has set in motion and that are not ready, wherever they are.
 */
export function missingFrom(
  workloads: readonly Workload[],
  onNode: readonly PodFacts[],
  unready: readonly Pod[],
): readonly Missing[] {
  return workloads.flatMap((workload): Missing[] => {
    const back = onNode.filter(({ pod }) => controllerOf(pod)?.uid === workload.uid && isReady(pod)).length;
    const missing = unready.filter((pod) => controllerOf(pod)?.uid === workload.uid).length;
    const pods = Math.max(workload.here - back, missing);
    return pods > 0 ? [{ workload, pods }] : [];
  });
}

const describe = ({ kind, namespace, name }: Workload): string => `${kind} ${namespace}/${name}`;

/** A short sentence part, such as `2 of StatefulSet shop/db, 1 of DaemonSet storage/csi`; at most three controllers by name. */
export function describeMissing(missing: readonly Missing[]): string {
  const named = missing.slice(0, 3).map(({ workload, pods }) => `${pods} of ${describe(workload)}`);
  return missing.length > 3 ? `${named.join(', ')} and ${missing.length - 3} more controllers` : named.join(', ');
}
