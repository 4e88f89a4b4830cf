/** Pure helpers on labels, annotations, taints, conditions and owner references. */
import type { Condition, KubeObject, Node, OwnerReference, Pod, Taint, Toleration } from './objects.ts';

/** `namespace/name`, or the bare name of a cluster-scoped object: the key of caches and queues. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function annotationOf(object: KubeObject, key: string): string | undefined {
  return object.metadata.annotations?.[key];
}

export function labelOf(object: KubeObject, key: string): string | undefined {
  return object.metadata.labels?.[key];
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** The owner reference that is marked as controller; an object has at most one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.status.conditions, 'Ready')?.status === 'True';
}

export function isFinished(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

export function isDeleting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Whether the Node's kubelet has stopped answering, according to the node lifecycle controller. */
export function isUnreachable({ spec, status }: Node): boolean {
  const isTainted = spec.taints?.some(({ key }) => key === 'node.kubernetes.io/unreachable') ?? false;
  return isTainted || conditionOf(status.conditions, 'Ready')?.status === 'Unknown';
}

/** The form that kubectl accepts: `key=value:Effect`, or `key:Effect` without a value. */
export function formatTaint(taint: Taint): string {
  return taint.value === undefined || taint.value === ''
    ? `${taint.key}:${taint.effect}`
    : `${taint.key}=${taint.value}:${taint.effect}`;
}

/** Equality in key, value and effect; an absent value equals the empty one. */
export function isSameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && (a.value ?? '') === (b.value ?? '') && a.effect === b.effect;
}

/**
 * The scheduler's rule (component-helpers `ToleratesTaint`): an empty key with `Exists` tolerates everything, an empty effect all effects.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? '';
  if (key !== '' && key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case 'Exists':
      return true;
    case '':
    case 'Equal':
      return key !== '' && (toleration.value ?? '') === (taint.value ?? '');
    default:
      return false;
  }
}
