/**
 * Protects volumes and claims that are in use (pkg/controller/volume/pvcprotection, pvprotection).
 *
 * - A claim that is being deleted stays until no Pod on a Node uses it, whether that Pod still runs or has finished.
 * - A volume that is being deleted stays while it is bound.
 * - The server adds the finalizers on creation; one that was removed is added again.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { CLAIM_PROTECTION, VOLUME_PROTECTION } from '../../admission/volumes.ts';
import type { Stored } from '../../api.ts';
import type { Pod } from '../base/kinds.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';

const CLAIMS = 'persistentvolumeclaims';
const VOLUMES = 'persistentvolumes';

export function startVolumeProtection(world: World): void {
  const users = world.mirror('pods').index('claims', claimsOf);
  const claims = world.controller('ClaimProtection', (key) => {
    const claim = world.fresh(CLAIMS, key);
    const isUsed = (): boolean => users.get(key).some(({ spec }) => spec.nodeName !== undefined);
    if (claim !== undefined) protect(world, CLAIMS, claim, CLAIM_PROTECTION, isUsed);
  });
  const volumes = world.controller('VolumeProtection', (name) => {
    const volume = world.fresh(VOLUMES, name);
    if (volume === undefined) return;
    protect(world, VOLUMES, volume, VOLUME_PROTECTION, () => volume.status?.phase === 'Bound');
  });
  world.mirror(CLAIMS).onChange(({ object }) => claims.add(keyOf(object)));
  world.mirror(VOLUMES).onChange(({ object }) => volumes.add(object.metadata.name));
  world.mirror('pods').onChange(({ type, object }) => {
    if (type === 'DELETED') for (const key of claimsOf(object)) claims.add(key);
  });
}

/** Keys of the claims of a Pod, including those of its ephemeral volumes. */
function claimsOf({ metadata: { namespace, name }, spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ name: volume, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [`${namespace}/${persistentVolumeClaim.claimName}`];
    return ephemeral === undefined ? [] : [`${namespace}/${name}-${volume}`];
  });
}

function protect(world: World, resource: string, object: Stored, finalizer: string, isUsed: () => boolean): void {
  const finalizers = object.metadata.finalizers ?? [];
  const isProtected = finalizers.includes(finalizer);
  if (!isTerminating(object)) {
    if (!isProtected) world.patch(resource, object, { metadata: { finalizers: [...finalizers, finalizer] } });
  } else if (isProtected && !isUsed()) {
    world.patch(resource, object, { metadata: { finalizers: finalizers.filter((each) => each !== finalizer) } });
  }
}
