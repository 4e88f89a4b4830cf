/** Pods that can only run on one Node, or that run on every Node, are awaited when its maintenance ends. */
import { controllerOf, isReady } from '../core/meta.ts';
import type { PodFacts, RelatedPod } from './pods.ts';
import type { Returning } from './report.ts';

/**
 * Groups the Pods that will come back to this Node by their controller: pinned ones and those of a DaemonSet. Only ready
 * ones count, since what did not run before the maintenance need not run after it.
 *
 * @param known What an earlier drain of the same session waits for; it stays, with the larger count.
 */
export function controllersToAwait(
  related: readonly RelatedPod[],
  known: readonly Returning[] = [],
): readonly Returning[] {
  const found = new Map<string, Returning>();
  for (const { pod, isPinned, fate } of related) {
    const controller = controllerOf(pod);
    if (controller === undefined || !isReady(pod) || !(isPinned || fate.ofDaemonSet)) continue;
    const { kind, name, uid } = controller;
    const pods = (found.get(uid)?.pods ?? 0) + 1;
    found.set(uid, { kind, namespace: pod.metadata.namespace ?? '', name, uid, pods });
  }
  for (const entry of known) {
    if ((found.get(entry.uid)?.pods ?? 0) < entry.pods) found.set(entry.uid, entry);
  }
  return [...found.values()].sort((a, b) => (describe(a) < describe(b) ? -1 : 1));
}

/** Those of which fewer ready Pods run here than before, with the number that is missing. */
export function missingFrom(returning: readonly Returning[], pods: readonly PodFacts[]): readonly Returning[] {
  return returning.flatMap((entry): Returning[] => {
    const back = pods.filter(({ pod }) => controllerOf(pod)?.uid === entry.uid && isReady(pod)).length;
    return back >= entry.pods ? [] : [{ ...entry, pods: entry.pods - back }];
  });
}

const describe = ({ kind, namespace, name }: Returning): string => `${kind} ${namespace}/${name}`;

/** A short sentence part, such as `2 of StatefulSet shop/db, 1 of DaemonSet storage/csi`; at most three controllers by name. */
export function describeMissing(missing: readonly Returning[]): string {
  const named = missing.slice(0, 3).map((entry) => `${entry.pods} of ${describe(entry)}`);
  return missing.length > 3 ? `${named.join(', ')} and ${missing.length - 3} more controllers` : named.join(', ');
}
