/**
 * Deployments: one ReplicaSet per template, and the rollout from the old to the new (pkg/controller/deployment).
 *
 * - The ReplicaSet of a template is called `<deployment>-<hash>`, and its Pods carry the hash as a label. The ReplicaSet of an earlier
 *   template is reused, with the next revision number.
 * - `RollingUpdate`: never more Pods than wanted plus `maxSurge`, never fewer available than wanted less `maxUnavailable`. `Recreate`: all
 *   old Pods are gone before the first new one.
 * - `paused`: scaled, and not rolled out.
 * - Of the old ReplicaSets without Pods the last `revisionHistoryLimit` stay.
 */
import { controllerOf, keyOf } from '../../../src/core/meta.ts';
import type { Deployment, ReplicaSet } from '../base/kinds.ts';
import { controllerKey, controllerReference, isTerminating, podsByController } from '../base/pods.ts';
import { hashOf } from '../base/template.ts';
import type { World } from '../base/world.ts';
import {
  type Rollout,
  recordScaling,
  recreate,
  rollOut,
  roomForNewest,
  scaleProportionally,
  sizeAnnotations,
} from './deployment-rollout.ts';
import { writeDeploymentStatus } from './deployment-status.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH_LABEL = 'pod-template-hash';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const RESOURCE = 'replicasets.apps';

export function startDeployments(world: World): void {
  const work = world.controller('Deployment', (key) => {
    const deployment = world.fresh('deployments.apps', key);
    if (deployment === undefined) return;
    const waitMs = reconcile(world, deployment);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  world.mirror('deployments.apps').onChange(({ object }) => work.add(keyOf(object)));
  world.mirror(RESOURCE).onChange(({ object }) => {
    const key = controllerKey(object, 'Deployment');
    if (key !== undefined) work.add(key);
  });
  // `Recreate` waits for the end of the last old Pod, which no ReplicaSet shows.
  world.mirror('pods').onChange(({ type, object }) => {
    const owner = type === 'DELETED' ? controllerKey(object, 'ReplicaSet') : undefined;
    const replicaSet = owner === undefined ? undefined : world.mirror(RESOURCE).get(owner);
    const key = replicaSet && controllerKey(replicaSet, 'Deployment');
    if (key !== undefined) work.add(key);
  });
}

function replicaSetsOf(world: World, { metadata }: Deployment): readonly ReplicaSet[] {
  const owned = world.mirror(RESOURCE).index('controller', (each) => controllerOf(each)?.uid);
  return [...owned.get(metadata.uid)].sort((a, b) => revisionOf(a) - revisionOf(b));
}

/** @returns after how many milliseconds another pass is due. */
function reconcile(world: World, deployment: Deployment): number | undefined {
  if (!isTerminating(deployment)) {
    const found = replicaSetsOf(world, deployment).find((each) => isOfTemplate(each, deployment));
    if (deployment.spec.paused === true) scaleProportionally(world, rolloutOf(world, deployment, found));
    else {
      const isRecreate = deployment.spec.strategy?.type === 'Recreate';
      if (!isRecreate || (found !== undefined && replicasOf(found) > 0) || oldPodsAreGone(world, deployment, found)) {
        const rollout = rolloutOf(world, deployment, takeUp(world, deployment, found));
        if (isRecreate) recreate(world, rollout);
        else if (!scaleProportionally(world, rollout)) rollOut(world, rollout);
      } else recreate(world, rolloutOf(world, deployment, found));
    }
    cleanUp(world, deployment);
  }
  const all = replicaSetsOf(world, deployment);
  const isNew = (each: ReplicaSet): boolean => isOfTemplate(each, deployment);
  return writeDeploymentStatus(world, deployment, { newest: all.find(isNew), old: all.filter((each) => !isNew(each)) });
}

function rolloutOf(world: World, deployment: Deployment, found: ReplicaSet | undefined): Rollout {
  const all = replicaSetsOf(world, deployment);
  const newest = all.find(({ metadata }) => metadata.uid === found?.metadata.uid);
  return { deployment, newest, old: all.filter((each) => each !== newest) };
}

function oldPodsAreGone(world: World, deployment: Deployment, newest: ReplicaSet | undefined): boolean {
  return replicaSetsOf(world, deployment)
    .filter((each) => each.metadata.uid !== newest?.metadata.uid)
    .every((each) => replicasOf(each) === 0 && podsByController(world).get(each.metadata.uid).length === 0);
}

function replicasOf({ spec }: ReplicaSet): number {
  return spec.replicas ?? 1;
}

function isOfTemplate({ metadata }: ReplicaSet, { spec }: Deployment): boolean {
  return metadata.labels?.[HASH_LABEL] === hashOf(spec.template);
}

/** Creates the ReplicaSet of the template, or gives the existing one the newest revision. */
function takeUp(world: World, deployment: Deployment, found: ReplicaSet | undefined): ReplicaSet {
  if (found === undefined) {
    const highest = Math.max(0, ...replicaSetsOf(world, deployment).map(revisionOf));
    const created = createReplicaSet(world, deployment, highest + 1);
    annotateRevision(world, deployment, highest + 1);
    return created;
  }
  const others = replicaSetsOf(world, deployment).filter((each) => each !== found);
  const highestOther = Math.max(0, ...others.map(revisionOf));
  const revision = highestOther > revisionOf(found) ? highestOther + 1 : Math.max(1, revisionOf(found));
  if (revision !== revisionOf(found))
    world.patch(RESOURCE, found, { metadata: { annotations: annotationsFor(deployment, revision) } });
  annotateRevision(world, deployment, revision);
  return world.mirror(RESOURCE).get(keyOf(found)) ?? found;
}

function createReplicaSet(world: World, deployment: Deployment, revision: number): ReplicaSet {
  const { name, namespace, labels } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = hashOf(template);
  const hashed = { [HASH_LABEL]: hash };
  const { metadata = {} } = template;
  const replicas = roomForNewest(deployment, replicaSetsOf(world, deployment), 0);
  const created = world.create(
    RESOURCE,
    {
      metadata: {
        name: `${name}-${hash}`,
        labels: { ...labels, ...metadata.labels, ...hashed },
        annotations: { ...annotationsFor(deployment, revision), ...sizeAnnotations(deployment) },
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas,
        ...(minReadySeconds !== undefined && { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, ...hashed } },
        template: { ...template, metadata: { ...metadata, labels: { ...metadata.labels, ...hashed } } },
      },
    },
    namespace,
  );
  if (replicas > 0) recordScaling(world, deployment, created.metadata.name, 0, replicas);
  return created;
}

function annotationsFor({ metadata }: Deployment, revision: number): Readonly<Record<string, string>> {
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  return { ...annotations, [REVISION]: String(revision) };
}

function annotateRevision(world: World, deployment: Deployment, revision: number): void {
  if (deployment.metadata.annotations?.[REVISION] === String(revision)) return;
  const fresh = world.fresh('deployments.apps', keyOf(deployment));
  if (fresh !== undefined) {
    // With the status, which does not count as a change of the Deployment.
    world.patch('deployments.apps', fresh, { metadata: { annotations: { [REVISION]: String(revision) } } }, 'status');
  }
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[REVISION] ?? 0) || 0;
}

/** Removes old ReplicaSets once the rollout is finished. */
function cleanUp(world: World, deployment: Deployment): void {
  const { replicas = 1, revisionHistoryLimit = 10 } = deployment.spec;
  const all = replicaSetsOf(world, deployment);
  const newest = all.find((each) => isOfTemplate(each, deployment));
  const old = all.filter((each) => each !== newest);
  if (newest?.status?.availableReplicas !== replicas || old.some((each) => (each.status?.replicas ?? 0) > 0)) return;
  const removable = old.filter((each) => replicasOf(each) === 0 && !isTerminating(each));
  for (const each of removable.slice(0, Math.max(0, removable.length - revisionHistoryLimit)))
    world.delete(RESOURCE, each);
}
