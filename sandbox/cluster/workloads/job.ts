/**
 * Jobs: Pods that run to completion (pkg/controller/job), without indexes and pod failure policies.
 *
 * - Up to `parallelism` Pods at once, until `completions` have succeeded; without `completions`, until one has.
 * - More than `backoffLimit` failed Pods fail the Job. Its active Pods are then deleted; finished ones stay for inspection.
 * - `suspend` deletes the active Pods. `ttlSecondsAfterFinished` removes the Job with all its Pods.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import { type Claim, isTrue, withConditions } from '../base/conditions.ts';
import type { Job, Pod } from '../base/kinds.ts';
import { isActive, isReady, isTerminating, podsByController } from '../base/pods.ts';
import { podFrom } from '../base/template.ts';
import type { World } from '../base/world.ts';
import { watchPodsOf } from './claim-pods.ts';

const RESOURCE = 'jobs.batch';
const BACKOFF_LIMIT = 6;

interface Count {
  readonly active: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
}

export function startJobs(world: World): void {
  const work = world.controller('Job', (key) => {
    const job = world.fresh(RESOURCE, key);
    if (job === undefined || isTerminating(job)) return;
    if (!isOver(job)) {
      run(world, job);
      return;
    }
    const waitMs = expire(world, job);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  world.mirror(RESOURCE).onChange(({ object }) => work.add(keyOf(object)));
  watchPodsOf(world, RESOURCE, 'Job', work);
}

function isOver({ status }: Job): boolean {
  return isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed');
}

function run(world: World, job: Job): void {
  const { parallelism = 1, completions, backoffLimit = BACKOFF_LIMIT, suspend = false } = job.spec;
  const { active, succeeded, failed } = count(world, job);
  const isComplete = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
  const hasFailed = failed > backoffLimit;
  const outstanding = completions === undefined ? (succeeded > 0 ? 0 : parallelism) : completions - succeeded;
  const wanted = suspend || isComplete || hasFailed ? 0 : Math.min(parallelism, outstanding);
  const surplus = completions === undefined && succeeded > 0 && !suspend && !hasFailed ? [] : active.slice(wanted);
  for (const pod of surplus) world.delete('pods', pod);
  for (let missing = wanted - active.length; missing > 0; missing -= 1) create(world, job);
  writeStatus(world, job, isComplete ? complete(world, job) : hasFailed ? fail(world, job) : suspended(suspend));
}

function count(world: World, job: Job): Count {
  const pods = podsByController(world).get(job.metadata.uid);
  const inPhase = (phase: string): number => pods.filter(({ status }) => status?.phase === phase).length;
  return { active: pods.filter(isActive), succeeded: inPhase('Succeeded'), failed: inPhase('Failed') };
}

function create(world: World, job: Job): void {
  const { uid, name, namespace } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const pod = world.create('pods', podFrom(job, job.spec.template, { labels }), namespace);
  note(world, job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
}

function complete(world: World, job: Job): readonly Claim[] {
  note(world, job, 'Normal', 'Completed', 'Job completed');
  const said = {
    lastProbeTime: world.now(),
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
  return [
    { type: 'SuccessCriteriaMet', ...said },
    { type: 'Complete', ...said },
  ];
}

function fail(world: World, job: Job): readonly Claim[] {
  const said = { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  note(world, job, 'Warning', said.reason, said.message);
  const lastProbeTime = world.now();
  return [
    { type: 'FailureTarget', status: 'True', lastProbeTime, ...said },
    { type: 'Failed', status: 'True', lastProbeTime, ...said },
  ];
}

function suspended(isSuspended: boolean): readonly Claim[] {
  return isSuspended ? [{ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }] : [];
}

function writeStatus(world: World, job: Job, claims: readonly Claim[]): void {
  const current = world.fresh(RESOURCE, keyOf(job));
  if (current === undefined) return;
  const { active, succeeded, failed } = count(world, current);
  const now = world.now();
  const isSuspended = current.spec.suspend === true;
  const wasSuspended = isTrue(current.status?.conditions, 'Suspended');
  const resumed: Claim = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
  const all = wasSuspended && !isSuspended ? [...claims, resumed] : claims;
  world.patchStatus(RESOURCE, current, {
    active: active.length || null,
    ready: active.filter(isReady).length,
    succeeded: succeeded || null,
    failed: failed || null,
    terminating: 0,
    uncountedTerminatedPods: {},
    startTime: isSuspended ? null : (current.status?.startTime ?? now),
    ...(claims.some(({ type }) => type === 'Complete') && { completionTime: now }),
    conditions: withConditions(current.status?.conditions, all, now),
  });
}

function expire(world: World, job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined) return undefined;
  const over = job.status?.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed');
  const left = (msOf(over?.lastTransitionTime) ?? world.nowMs()) + ttlSecondsAfterFinished * 1000 - world.nowMs();
  if (left > 0) return left;
  world.delete(RESOURCE, job, { propagationPolicy: 'Foreground' });
  return undefined;
}

function note(world: World, about: Job, type: 'Normal' | 'Warning', reason: string, message: string): void {
  world.record({ about, type, source: 'job-controller', reason, message });
}
