/** Functions of controllers about Pods. */
import { controllerOf, keyOf } from '../../../src/core/meta.ts';
import type { LabelSelector } from '../../../src/core/objects.ts';
import { matchesLabelSelector } from '../../../src/core/selectors.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import type { OwnerReference, Stored } from '../../api.ts';
import { conditionIn, isTrue } from './conditions.ts';
import type { Pod } from './kinds.ts';
import type { Index } from './mirror.ts';
import type { World } from './world.ts';

export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isTerminating({ metadata }: Stored): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Neither finished nor terminating: it counts for its controller. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !isTerminating(pod);
}

export function isReady({ status }: Pod): boolean {
  return isTrue(status?.conditions, 'Ready');
}

/** How long until a ready Pod has been ready for `minReadySeconds`: 0 if it has; undefined for one that is not ready. */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isReady(pod)) return undefined;
  const since = msOf(conditionIn(pod.status?.conditions, 'Ready')?.lastTransitionTime) ?? nowMs;
  return Math.max(0, since + minReadySeconds * 1000 - nowMs);
}

/** Pods by the UID of their controller. */
export function podsByController(world: World): Index<Pod> {
  return world.mirror('pods').index('controller', (pod) => controllerOf(pod)?.uid);
}

/** Pods by the name of the Node that they are bound to. */
export function podsByNode(world: World): Index<Pod> {
  return world.mirror('pods').index('node', ({ spec }) => spec.nodeName);
}

/** The Pods of a namespace that match a selector. If labels have to be equal, only Pods that have the first are examined. */
export function selectPods(world: World, namespace: string, selector: LabelSelector | undefined): readonly Pod[] {
  const pods = world.mirror('pods');
  const [first] = Object.entries(selector?.matchLabels ?? {});
  const candidates =
    first === undefined
      ? pods.index('namespace', ({ metadata }) => metadata.namespace).get(namespace)
      : pods.index('labels', labelValues).get(`${namespace} ${first.join('=')}`);
  return candidates.filter(({ metadata }) => matchesLabelSelector(selector, metadata.labels));
}

function labelValues({ metadata }: Pod): readonly string[] {
  return Object.entries(metadata.labels ?? {}).map((label) => `${metadata.namespace} ${label.join('=')}`);
}

/** Pods without a controller, by namespace. */
export function orphanPods(world: World): Index<Pod> {
  return world
    .mirror('pods')
    .index('orphans', (pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
}

/** The key of a controller of this kind; undefined if the object has none, or one of another kind. */
export function controllerKey(object: Stored, kind: string): string | undefined {
  const owner = controllerOf(object);
  return owner?.kind === kind ? keyOf({ metadata: { ...object.metadata, name: owner.name } }) : undefined;
}

export function controllerReference({ apiVersion, kind, metadata }: Stored): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}
