/** The claims of a Pod, as its replacement will find them. */
import { annotationOf, controllerOf, isDeleting, keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../storage-objects.ts';
import type { Cluster, StorageLookup } from './cluster.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const WAITS = 'WaitForFirstConsumer';

/** - `bound`: the volume exists. - `open`: the volume will be chosen or provisioned for the Node that the Pod goes to. */
export type ClaimState =
  | { readonly is: 'bound'; readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }
  | { readonly is: 'open'; readonly claim: PersistentVolumeClaim; readonly storageClass: StorageClass | undefined };

export type PodClaims =
  | { readonly is: 'usable'; readonly claims: readonly ClaimState[] }
  | { readonly is: 'unusable'; readonly why: string };

export function classNameOf(object: PersistentVolumeClaim | PersistentVolume): string {
  return annotationOf(object, CLASS_ANNOTATION) ?? object.spec.storageClassName ?? '';
}

/** Names of the claims that the Pod's volumes refer to, which generic ephemeral volumes do not. */
export function claimNamesOf({ spec: { volumes = [] } }: Pod): readonly string[] {
  return volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
}

/**
 * A claim that the scheduler could not use makes all of them unusable, with its message. Two kinds are ignored because they are created
 * again together with the Pod: claims of generic ephemeral volumes, which are deleted with the old Pod, and claims of a StatefulSet's
 * template that are gone or being deleted.
 */
export function claimsOf(pod: Pod, cluster: Cluster): PodClaims {
  const claims: ClaimState[] = [];
  const { storage } = cluster;
  for (const name of claimNamesOf(pod)) {
    const claim = storage.claim(`${pod.metadata.namespace}/${name}`);
    if (claim === undefined || isDeleting(claim)) {
      if (isFromTemplate(pod, name)) {
        cluster.noteNotModelled(`Pod ${keyOf(pod)} will get a new claim ${name} from its StatefulSet`);
        continue;
      }
      const why = claim === undefined ? 'not found' : 'is being deleted';
      return { is: 'unusable', why: `persistentvolumeclaim "${name}" ${why}` };
    }
    const state = stateOf(claim, storage);
    if (typeof state === 'string') return { is: 'unusable', why: state };
    claims.push(state);
  }
  return { is: 'usable', claims: [...claims, ...ephemeralClaimsOf(pod, cluster)] };
}

/** A volume name counts as a binding: the second half of a binding follows within moments, and does not depend on the Node. */
function stateOf(claim: PersistentVolumeClaim, storage: StorageLookup): ClaimState | string {
  const { volumeName = '' } = claim.spec;
  if (claim.status?.phase === 'Lost') {
    return `persistentvolumeclaim "${claim.metadata.name}" bound to non-existent persistentvolume "${volumeName}"`;
  }
  if (volumeName !== '') {
    const volume = storage.volume(volumeName);
    return volume === undefined ? `persistentvolume "${volumeName}" not found` : { is: 'bound', claim, volume };
  }
  const storageClass = storage.storageClass(classNameOf(claim));
  if (storageClass?.volumeBindingMode !== WAITS) return 'pod has unbound immediate PersistentVolumeClaims';
  return { is: 'open', claim, storageClass };
}

/** The existing claim belongs to the old Pod; its class determines where the new one's volume can be. */
function ephemeralClaimsOf(pod: Pod, cluster: Cluster): readonly ClaimState[] {
  return (pod.spec.volumes ?? []).flatMap((volume): ClaimState[] => {
    if (volume.ephemeral === undefined) return [];
    const { storage } = cluster;
    const claim = storage.claim(`${pod.metadata.namespace}/${pod.metadata.name}-${volume.name}`);
    const storageClass = claim && storage.storageClass(classNameOf(claim));
    if (claim === undefined || storageClass?.volumeBindingMode !== WAITS) {
      cluster.noteNotModelled(`Pod ${keyOf(pod)} will get a new claim for its ephemeral volume ${volume.name}`);
      return [];
    }
    const { volumeName: _, ...unbound } = claim.spec;
    return [{ is: 'open', claim: { metadata: withoutAnnotations(claim), spec: unbound }, storageClass }];
  });
}

/** The annotations describe the old binding. The class is then in the specification, where all current clients write it. */
function withoutAnnotations({ metadata: { annotations: _, ...metadata } }: PersistentVolumeClaim) {
  return metadata;
}

function isFromTemplate(pod: Pod, claimName: string): boolean {
  return controllerOf(pod)?.kind === 'StatefulSet' && claimName.endsWith(`-${pod.metadata.name}`);
}
