/**
 * Whether an eviction would fail a Job permanently, as the Job controller counts (kubernetes `pkg/controller/job`):
 *
 * - A Pod that is deleted counts as failed, at once or when its containers have ended with an error. More failures than `backoffLimit` fail
 *   the Job. The restarts of containers under `restartPolicy: OnFailure` are a separate sum, which an eviction does not add to.
 * - With `backoffLimitPerIndex`, each index has that many retries, and a Job with a failed index fails in the end.
 * - The first rule of `podFailurePolicy` that matches takes precedence. An evicted Pod has the condition `DisruptionTarget`; the exit code
 *   of a container that is stopped cannot be known, but is mostly that of SIGTERM or SIGKILL.
 * - Nothing is lost with a Pod of a Job that has finished, is being deleted, or is suspended, which deletes its Pods by itself.
 *
 * A Job that another controller manages (`spec.managedBy`) is judged by the same numbers, which that controller is expected to use in the
 * same sense.
 */
import { annotationOf, isDeleting } from '../../core/meta.ts';
import type { Job, Pod, PodFailureRule } from '../../core/objects.ts';

/** The Job controller removes this finalizer once it has counted the Pod. */
export const JOB_TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';
/** The API server's default; with `backoffLimitPerIndex` the default is the maximum of an int32. */
const DEFAULT_BACKOFF_LIMIT = 6;
const NO_LIMIT = 2 ** 31 - 1;
/** 128 plus the number of the signal: SIGKILL and SIGTERM. */
const STOPPED_BY_SIGNAL: readonly number[] = [137, 143];

/** What the eviction of one Pod costs its Job. */
export interface JobFacts {
  /** `namespace/name` */
  readonly key: string;
  /** The action of the first rule of its `podFailurePolicy` that matches an evicted Pod; `Count` if none does. */
  readonly onEviction: 'Count' | 'FailIndex' | 'FailJob';
  readonly backoffLimit: number;
  /** Pods that have failed, or are terminating and will count as failed. */
  readonly failed: number;
  /** Its Pods that an eviction would take away: on this Node, and on others that are being drained. */
  readonly leaving: number;
  /** How many more failures this Pod's index tolerates; absent if indexes have no limit of their own. */
  readonly triesOfIndex?: number;
}

/**
 * @param failed see `JobFacts.failed`.
 * @param leaving see `JobFacts.leaving`.
 * @returns undefined if an eviction costs the Job nothing.
 */
export function jobFactsOf(job: Job, key: string, pod: Pod, failed: number, leaving: number): JobFacts | undefined {
  const { backoffLimitPerIndex, failureRules = [], suspend } = job.spec;
  if (job.status.isFinished || suspend === true || isDeleting(job)) return undefined;
  const onEviction = actionOnEviction(failureRules);
  if (onEviction === 'Ignore') return undefined;
  const backoffLimit = job.spec.backoffLimit ?? (backoffLimitPerIndex === undefined ? DEFAULT_BACKOFF_LIMIT : NO_LIMIT);
  return {
    key,
    onEviction,
    backoffLimit,
    failed,
    leaving,
    ...(backoffLimitPerIndex !== undefined && {
      triesOfIndex: backoffLimitPerIndex - (Number.parseInt(annotationOf(pod, INDEX_FAILURES) ?? '', 10) || 0),
    }),
  };
}

function actionOnEviction(rules: readonly PodFailureRule[]): JobFacts['onEviction'] | 'Ignore' {
  const rule = rules.find(mayMatchEvicted);
  switch (rule?.action) {
    case 'Ignore':
    case 'FailIndex':
    case 'FailJob':
      return rule.action;
    default:
      return 'Count';
  }
}

/** A rule on exit codes that spares the Job is not relied upon: a container may end with a code of its own. */
function mayMatchEvicted({ action, onExitCodes, onPodConditions = [] }: PodFailureRule): boolean {
  if (onExitCodes !== undefined) {
    const { operator, values } = onExitCodes;
    return action !== 'Ignore' && STOPPED_BY_SIGNAL.some((code) => values.includes(code) === (operator === 'In'));
  }
  return onPodConditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
}

/** Why an eviction would fail the Job permanently. */
export interface FinalFailure {
  readonly detail: string;
  /** The command that raises the Job's limit far enough; absent if no command can. */
  readonly moreTries?: string;
}

/** @returns undefined if the Job has a retry left for each of its Pods that would leave. */
export function finalFailureOf(job: JobFacts | undefined): FinalFailure | undefined {
  if (job === undefined) return undefined;
  const { key, onEviction, backoffLimit, failed, leaving, triesOfIndex } = job;
  switch (onEviction) {
    case 'FailJob':
      return { detail: `Its eviction would fail Job ${key} for good, as the Job's podFailurePolicy says` };
    case 'FailIndex':
      return { detail: `Its eviction would fail its index of Job ${key} for good, as the Job's podFailurePolicy says` };
    case 'Count':
      break;
  }
  if (triesOfIndex !== undefined && triesOfIndex < 1)
    return { detail: `Its eviction would fail its index of Job ${key} for good, which has no try left` };
  const failures = failed + leaving;
  if (failures <= backoffLimit) return undefined;
  const [namespace, name] = key.split('/');
  const patch = JSON.stringify({ spec: { backoffLimit: failures } });
  const evictions = leaving === 1 ? 'this eviction' : `the evictions of ${leaving} Pods`;
  return {
    detail: `Its eviction would fail Job ${key} for good: with ${evictions} it has ${failures} failures, and its backoffLimit is ${backoffLimit}`,
    moreTries: `kubectl -n ${namespace} patch job ${name} --type=merge -p '${patch}'`,
  };
}

/** What an operator can do about it. */
export function remedyOf({ moreTries }: FinalFailure): string {
  return moreTries === undefined
    ? 'Wait for it to finish'
    : `Wait for it to finish, or give it more tries: ${moreTries}`;
}
