/**
 * The scheduler's handling of claims that wait for their first consumer (plugin VolumeBinding): it binds the chosen volume, or requests one
 * for the chosen Node.
 */
import type { Pod } from '../../../src/core/objects.ts';
import type { World } from '../base/world.ts';

export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/**
 * @param taken keys of claims by the names of the volumes that were chosen for them.
 * @returns whether all claims of the Pod are bound, so that the Pod may be bound too.
 */
export function settleClaims(world: World, pod: Pod, node: string, taken: ReadonlyMap<string, string>): boolean {
  const chosen = new Map([...taken].map(([volume, claim]) => [claim, volume]));
  let isSettled = true;
  for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const key = `${pod.metadata.namespace}/${persistentVolumeClaim.claimName}`;
    const claim = world.fresh('persistentvolumeclaims', key);
    if (claim === undefined || claim.status?.phase === 'Bound') continue;
    isSettled = false;
    const volume = world.fresh('persistentvolumes', chosen.get(key) ?? '');
    if (volume !== undefined) reserve(world, volume, claim);
    else if (claim.metadata.annotations?.[SELECTED_NODE] !== node) {
      world.patch('persistentvolumeclaims', claim, { metadata: { annotations: { [SELECTED_NODE]: node } } });
    }
  }
  return isSettled;
}

type Volume = NonNullable<ReturnType<World['fresh']>>;

/** Writes the claim on the volume; the volume controller completes the binding. */
function reserve(world: World, volume: Volume, { metadata }: Volume): void {
  const { namespace, name, uid } = metadata;
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
  world.patch('persistentvolumes', volume, { spec: { claimRef } });
}
