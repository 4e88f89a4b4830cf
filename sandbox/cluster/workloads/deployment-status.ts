/** The status of a Deployment (pkg/controller/deployment: progress.go, sync.go). */
import { keyOf } from '../../../src/core/meta.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import { type Claim, conditionIn, type StatusCondition, withConditions } from '../base/conditions.ts';
import type { Deployment, ReplicaSet } from '../base/kinds.ts';
import { rolloutLimits } from '../base/share.ts';
import { isSame, type World } from '../base/world.ts';

export interface DeploymentReplicaSets {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
  readonly terminatingReplicas: number;
}

const DEADLINE_SECONDS = 600;

/** @returns after how many milliseconds a rollout without progress has to be reported as failed. */
export function writeDeploymentStatus(
  world: World,
  deployment: Deployment,
  { newest, old }: DeploymentReplicaSets,
): number | undefined {
  const counts = countsOf(deployment, newest, old);
  const current = world.fresh('deployments.apps', keyOf(deployment));
  if (current === undefined) return undefined;
  const { conditions: present = [] } = current.status ?? {};
  const claims = [availability(deployment, counts)];
  const progress = progressOf(world, current, newest, counts);
  if (progress !== undefined) claims.push(progress);
  const now = world.now();
  const conditions = withConditions(present, claims, now).map((each) => stamped(each, present, now));
  world.patchStatus('deployments.apps', current, {
    observedGeneration: current.metadata.generation ?? 0,
    ...Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [
        name,
        count === 0 && name !== 'terminatingReplicas' ? null : count,
      ]),
    ),
    conditions,
  });
  const updated = msOf(conditionIn(conditions, 'Progressing')?.lastUpdateTime);
  if (isComplete(deployment, counts) || updated === undefined) return undefined;
  return Math.max(1000, updated + deadlineMs(deployment) - world.nowMs());
}

function countsOf({ spec }: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): Counts {
  const all = newest === undefined ? old : [...old, newest];
  const sum = (read: (each: ReplicaSet) => number | undefined): number =>
    all.reduce((total, each) => total + (read(each) ?? 0), 0);
  const availableReplicas = sum(({ status }) => status?.availableReplicas);
  return {
    replicas: sum(({ status }) => status?.replicas),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas),
    availableReplicas,
    terminatingReplicas: sum(({ status }) => status?.terminatingReplicas),
    unavailableReplicas: Math.max(0, sum((each) => each.spec.replicas ?? spec.replicas ?? 1) - availableReplicas),
  };
}

function availability({ spec }: Deployment, { availableReplicas }: Counts): Claim {
  const replicas = spec.replicas ?? 1;
  const { unavailable } = rolloutLimits(spec.strategy?.rollingUpdate ?? {}, replicas);
  const allowed = spec.strategy?.type === 'Recreate' ? 0 : unavailable;
  return availableReplicas >= replicas - allowed
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

function isComplete({ spec }: Deployment, counts: Counts): boolean {
  const replicas = spec.replicas ?? 1;
  return counts.updatedReplicas === replicas && counts.replicas === replicas && counts.availableReplicas === replicas;
}

/** @returns undefined if the current condition is still true. */
function progressOf(
  world: World,
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  counts: Counts,
): Claim | undefined {
  const said = conditionIn(deployment.status?.conditions, 'Progressing');
  if (deployment.spec.paused === true) {
    return { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  }
  if (newest === undefined) return undefined;
  const subject = `ReplicaSet "${newest.metadata.name}"`;
  const now = world.now();
  if (isComplete(deployment, counts)) {
    const claim = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };
    return { ...claim, message: `${subject} has successfully progressed.` };
  }
  const before = (deployment.status ?? {}) as Partial<Counts>;
  const hasProgressed =
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0);
  const isOld = said?.message?.includes(subject) !== true;
  if (said === undefined || isOld) {
    const claim = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated' };
    return { ...claim, message: `Created new replica set "${newest.metadata.name}"`, lastUpdateTime: now };
  }
  if (hasProgressed || said.reason === 'NewReplicaSetAvailable') {
    const claim = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' };
    return { ...claim, message: `${subject} is progressing.`, lastUpdateTime: now };
  }
  const updated = msOf(said.lastUpdateTime);
  if (updated === undefined || world.nowMs() < updated + deadlineMs(deployment)) return undefined;
  return {
    type: 'Progressing',
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: `${subject} has timed out progressing.`,
  };
}

function deadlineMs({ spec }: Deployment): number {
  return (spec.progressDeadlineSeconds ?? DEADLINE_SECONDS) * 1000;
}

/** When a condition was last updated. */
function stamped(condition: StatusCondition, present: readonly StatusCondition[], now: string): StatusCondition {
  const before = conditionIn(present, condition.type);
  const { lastUpdateTime, ...saying } = condition;
  if (before !== undefined && isSame({ ...before, lastUpdateTime: undefined }, saying))
    return { ...condition, lastUpdateTime: lastUpdateTime ?? now };
  return { ...condition, lastUpdateTime: now };
}
