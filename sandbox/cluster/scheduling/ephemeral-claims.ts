/**
 * Claims of generic ephemeral volumes (pkg/controller/volume/ephemeral): called `<pod>-<volume>`, created for the Pod and deleted with it.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { controllerReference, isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';

export function startEphemeralClaims(world: World): void {
  const work = world.controller('EphemeralVolume', (key) => {
    const pod = world.mirror('pods').get(key);
    if (pod === undefined || isTerminating(pod)) return;
    for (const { name, ephemeral } of pod.spec.volumes ?? []) {
      const template = ephemeral?.volumeClaimTemplate;
      if (template === undefined) continue;
      const { labels, annotations } = template.metadata ?? {};
      const metadata = {
        name: `${pod.metadata.name}-${name}`,
        ...(labels !== undefined && { labels }),
        ...(annotations !== undefined && { annotations }),
        ownerReferences: [controllerReference(pod)],
      };
      world.createUnlessThere('persistentvolumeclaims', { metadata, spec: template.spec }, pod.metadata.namespace);
    }
  });
  world.mirror('pods').onChange(({ type, object }) => {
    if (type === 'ADDED' && object.spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined))
      work.add(keyOf(object));
  });
}
