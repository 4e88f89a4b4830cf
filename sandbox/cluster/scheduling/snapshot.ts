/** Builds the cluster in the form that the fit simulation reads (`core/scheduling`) from the mirrors. */
import type * as core from '../../../src/core/objects.ts';
import type { ClusterInput, StorageLookup } from '../../../src/core/scheduling/cluster.ts';
import { trimMeta, trimNode, trimPod } from '../../../src/kube/objects/trim.ts';
import type { Trim } from '../../../src/kube/objects/trim-meta.ts';
import {
  trimCsiNode,
  trimPersistentVolume,
  trimPersistentVolumeClaim,
  trimStorageClass,
} from '../../../src/kube/objects/trim-storage.ts';
import type { Stored } from '../../api.ts';
import type { Node, Pod } from '../base/kinds.ts';
import { isFinished, podsByNode } from '../base/pods.ts';
import type { World } from '../base/world.ts';

/** The scheduler handles readiness as a taint; the simulation's own rule about it must not take precedence. */
const READY: readonly core.Condition[] = [{ type: 'Ready', status: 'True' }];

/** Objects never change, so each is trimmed once. */
function once<T extends object>(trim: Trim<T>): (raw: Stored) => T {
  const known = new WeakMap<Stored, T>();
  return (raw) => {
    const found = known.get(raw);
    if (found !== undefined) return found;
    const made = trim(raw);
    if (made === undefined) throw new Error(`${raw.kind} ${raw.metadata.name} has no name, uid or resourceVersion`);
    known.set(raw, made);
    return made;
  };
}

const toNode = once<core.Node>((raw) => {
  const node = trimNode(raw);
  return node && { ...node, status: { ...node.status, conditions: READY } };
});
const toClaim = once(trimPersistentVolumeClaim);
const toVolume = once(trimPersistentVolume);
const toClass = once(trimStorageClass);
const toCsiNode = once(trimCsiNode);
const toNamespace = once(trimMeta);

/** A generic ephemeral volume has its claim by now: the Pod uses it like any other. */
export const toPod = once<core.Pod>((raw) => {
  const pod = trimPod(raw);
  if (pod?.spec.volumes === undefined) return pod;
  const volumes = pod.spec.volumes.map((volume) =>
    volume.ephemeral === undefined
      ? volume
      : { name: volume.name, persistentVolumeClaim: { claimName: `${pod.metadata.name}-${volume.name}` } },
  );
  return { ...pod, spec: { ...pod.spec, volumes } };
});

export function snapshotOf(world: World): ClusterInput {
  const bound = podsByNode(world);
  const running = (node: Node): readonly Pod[] => bound.get(node.metadata.name).filter((pod) => !isFinished(pod));
  return {
    nodes: [...world.mirror('nodes').all()].map((node) => ({ node: toNode(node), pods: running(node).map(toPod) })),
    storage: storageOf(world),
    namespaces: [...world.mirror('namespaces').all()].map(toNamespace),
  };
}

function storageOf(world: World): StorageLookup {
  const find = <T extends Stored, U>(object: T | undefined, read: (object: T) => U): U | undefined =>
    object === undefined ? undefined : read(object);
  return {
    claim: (key) => find(world.mirror('persistentvolumeclaims').get(key), toClaim),
    volume: (name) => find(world.mirror('persistentvolumes').get(name), toVolume),
    volumesOfClass: (name) => volumesByClass(world).get(name).map(toVolume),
    storageClass: (name) => find(world.mirror('storageclasses.storage.k8s.io').get(name), toClass),
    csiNode: (name) => find(world.mirror('csinodes.storage.k8s.io').get(name), toCsiNode),
  };
}

function volumesByClass(world: World) {
  return world.mirror('persistentvolumes').index('class', ({ spec }) => spec.storageClassName ?? '');
}

/** Why the Pod's own claims prevent its placement, in the scheduler's words; undefined if they do not. */
export function missingClaim(pod: core.Pod, world: World): string | undefined {
  for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const { claimName } = persistentVolumeClaim;
    const claim = world.mirror('persistentvolumeclaims').get(`${pod.metadata.namespace}/${claimName}`);
    if (claim === undefined) return `persistentvolumeclaim "${claimName}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${claimName}" is being deleted`;
  }
  return undefined;
}
