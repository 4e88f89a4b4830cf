/** Replaces old ReplicaSets by the new one, step by step (pkg/controller/deployment: rolling.go, recreate.go, sync.go). */
import { keyOf } from '../../../src/core/meta.ts';
import type { Deployment, ReplicaSet } from '../base/kinds.ts';
import { rolloutLimits } from '../base/share.ts';
import type { World } from '../base/world.ts';

export interface Rollout {
  readonly deployment: Deployment;
  /** The ReplicaSet of the current template; absent if it must not be created yet. */
  readonly newest: ReplicaSet | undefined;
  /** Oldest first. */
  readonly old: readonly ReplicaSet[];
}

const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';
const RESOURCE = 'replicasets.apps';

/** One step of a rolling update: the new ReplicaSet grows as far as the surge allows, then the old ones shrink. */
export function rollOut(world: World, rollout: Rollout): void {
  const { newest, old } = rollout;
  if (newest === undefined || growNewest(world, rollout, newest)) return;
  shrinkOld(
    world,
    rollout,
    newest,
    old.filter((each) => sizeOf(each) > 0),
  );
}

/** Scales the old ones to zero, and the new one to its size; the caller ensures that the first is finished before the second begins. */
export function recreate(world: World, { deployment, newest, old }: Rollout): void {
  for (const each of old) scale(world, deployment, each, 0);
  if (newest !== undefined) scale(world, deployment, newest, wantedOf(deployment));
}

/**
 * Distributes a change of the number of replicas during a rollout among the ReplicaSets by their sizes.
 *
 * @returns whether something was scaled.
 */
export function scaleProportionally(world: World, { deployment, newest, old }: Rollout): boolean {
  const active = [...old, ...(newest === undefined ? [] : [newest])].filter((each) => sizeOf(each) > 0);
  const wanted = wantedOf(deployment);
  const isResized = active.some((each) => Number(each.metadata.annotations?.[DESIRED] ?? wanted) !== wanted);
  if (!isResized) return false;
  if (active.length === 1 && active[0] !== undefined) {
    scale(world, deployment, active[0], wanted);
    return true;
  }
  const { surge } = limitsOf(deployment);
  const total = active.reduce((sum, each) => sum + sizeOf(each), 0);
  const allowed = wanted === 0 ? 0 : wanted + surge;
  let left = allowed - total;
  // Largest first, the newer of equals; the rounding remainder goes to the first.
  const ordered = [...active].reverse().sort((a, b) => sizeOf(b) - sizeOf(a));
  const sizes = new Map<ReplicaSet, number>();
  for (const each of ordered) {
    const before = Number(each.metadata.annotations?.[MAX] ?? total) || total;
    const share = clamp(Math.round((sizeOf(each) * allowed) / before) - sizeOf(each), left);
    sizes.set(each, Math.max(0, sizeOf(each) + share));
    left -= share;
  }
  const first = ordered[0];
  if (first !== undefined) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + left));
  for (const [each, size] of sizes) scale(world, deployment, each, size);
  return true;
}

/** Limits a share to the remaining number to distribute, which may be negative. */
function clamp(share: number, left: number): number {
  return left >= 0 ? Math.min(Math.max(0, share), left) : Math.max(Math.min(0, share), left);
}

/** How large the new ReplicaSet may be now, beside the existing old ones. */
export function roomForNewest(deployment: Deployment, old: readonly ReplicaSet[], size: number): number {
  const wanted = wantedOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate' || size >= wanted) return wanted;
  const total = old.reduce((sum, each) => sum + sizeOf(each), size);
  return size + Math.min(Math.max(0, wanted + limitsOf(deployment).surge - total), wanted - size);
}

/** The sizes that every ReplicaSet of the Deployment records, for distributing changes of the size. */
export function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const wanted = wantedOf(deployment);
  return { [DESIRED]: String(wanted), [MAX]: String(wanted + limitsOf(deployment).surge) };
}

export function recordScaling(world: World, about: Deployment, name: string, from: number, to: number): void {
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
  world.record({ about, type: 'Normal', source: 'deployment-controller', reason: 'ScalingReplicaSet', message });
}

function growNewest(world: World, { deployment, old }: Rollout, newest: ReplicaSet): boolean {
  return scale(world, deployment, newest, roomForNewest(deployment, old, sizeOf(newest)));
}

function shrinkOld(world: World, { deployment }: Rollout, newest: ReplicaSet, old: readonly ReplicaSet[]): void {
  const minAvailable = wantedOf(deployment) - limitsOf(deployment).unavailable;
  const total = old.reduce((sum, each) => sum + sizeOf(each), sizeOf(newest));
  const unavailableOfNew = sizeOf(newest) - availableOf(newest);
  let removable = total - minAvailable - unavailableOfNew;
  if (removable <= 0) return;
  const sizes = new Map(old.map((each) => [each, sizeOf(each)]));
  // Pods that are not available go first.
  for (const each of old) {
    const unhealthy = Math.min(removable, Math.max(0, sizeOf(each) - availableOf(each)));
    sizes.set(each, sizeOf(each) - unhealthy);
    removable -= unhealthy;
  }
  let spare = [...old, newest].reduce((sum, each) => sum + availableOf(each), 0) - minAvailable;
  for (const each of old) {
    const size = sizes.get(each) ?? 0;
    const fewer = Math.min(Math.max(0, spare), size);
    spare -= fewer;
    scale(world, deployment, each, size - fewer);
  }
}

/** @returns whether the number of replicas changed. */
function scale(world: World, deployment: Deployment, replicaSet: ReplicaSet, replicas: number): boolean {
  const annotations = sizeAnnotations(deployment);
  const { metadata } = replicaSet;
  const isAnnotated = Object.entries(annotations).every(([key, value]) => metadata.annotations?.[key] === value);
  const before = sizeOf(replicaSet);
  if (before === replicas && isAnnotated) return false;
  const current = world.mirror(RESOURCE).get(keyOf(replicaSet)) ?? replicaSet;
  world.patch(RESOURCE, current, { metadata: { annotations }, ...(before !== replicas && { spec: { replicas } }) });
  if (before === replicas) return false;
  recordScaling(world, deployment, metadata.name, before, replicas);
  return true;
}

function limitsOf(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  if (deployment.spec.strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 };
  return rolloutLimits(deployment.spec.strategy?.rollingUpdate ?? {}, wantedOf(deployment));
}

function wantedOf({ spec }: Deployment): number {
  return spec.replicas ?? 1;
}

function sizeOf({ spec }: ReplicaSet): number {
  return spec.replicas ?? 1;
}

function availableOf({ status }: ReplicaSet): number {
  return status?.availableReplicas ?? 0;
}
