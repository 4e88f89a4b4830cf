/** The Jobs of Pods, and how many more failures each of them takes. */
import { controllerOf, isDeleting, isFinished, keyOf } from '../../core/meta.ts';
import type { Pod } from '../../core/objects.ts';
import { JOB_TRACKING_FINALIZER, type JobFacts, jobFactsOf } from '../model/jobs.ts';
import type { Neighbour } from '../model/observed.ts';
import type { ClusterView } from './cluster-view.ts';

/**
 * @param pods those of the Node.
 * @returns the facts of a Pod's Job; undefined for a Pod without a Job, and if its eviction costs the Job nothing.
 */
export function jobsOf(
  pods: readonly Pod[],
  neighbours: readonly Neighbour[],
  view: ClusterView,
): (pod: Pod) => JobFacts | undefined {
  const draining = neighbours.filter(({ phase }) => phase === 'Draining');
  const leaving = Map.groupBy(
    pods.some(isOfJob) ? [...pods, ...draining.flatMap(({ nodeName }) => view.podsBoundTo(nodeName))] : [],
    (pod) => (isFinished(pod) || isDeleting(pod) ? undefined : controllerOf(pod)?.uid),
  );
  const failed = new Map<string, number>();
  return (pod) => {
    const job = view.jobOf(pod);
    if (job === undefined) return undefined;
    const { uid } = job.metadata;
    const count = failed.get(uid) ?? (job.status.failed ?? 0) + uncounted(job.status.uncountedFailed, uid, view);
    failed.set(uid, count);
    return jobFactsOf(job, keyOf(job), pod, count, leaving.get(uid)?.length ?? 0);
  };
}

/** Counts Pods that have failed, or are terminating, and that the Job's own number does not include yet. */
function uncounted(known: readonly string[] = [], jobUid: string, view: ClusterView): number {
  const leaving = view
    .podsOf(jobUid)
    .filter((pod) => isDeleting(pod) && pod.metadata.finalizers?.includes(JOB_TRACKING_FINALIZER) === true);
  return new Set([...known, ...leaving.map(({ metadata: { uid } }) => uid)]).size;
}

const isOfJob = (pod: Pod): boolean => controllerOf(pod)?.kind === 'Job';
