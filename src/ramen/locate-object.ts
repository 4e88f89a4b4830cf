/** Finds the location of a manifest's object on its cluster, and its kind by discovery. */
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import type { ObjectAddress } from '../core/object-access.ts';
import { describe } from './manifest.ts';
import type { ObjectResult } from './object-result.ts';
import { CUSTOM_RESOURCE_DEFINITION, type ResourceMeta } from './objects.ts';
import type { Found } from './work-decide.ts';
import type { ManifestOutcome } from './work-status.ts';

const EVERY = '*';

/** `cannotExist`: whatever the cluster holds, it is not this object. */
export type Located = { readonly at: ObjectAddress } | (ObjectResult & { readonly cannotExist: boolean });

export async function locate(
  cluster: ManagedClusterAccess,
  named: Pick<ResourceMeta, 'group' | 'kind' | 'namespace' | 'name'> & { readonly version: string | undefined },
): Promise<Located> {
  const { group, version, kind, namespace, name } = named;
  const resolution = await cluster.objects.resolve({ group, version, kind });
  const nowhere = (outcome: ManifestOutcome, isRetried: boolean, cannotExist: boolean) => ({
    outcome,
    plural: '',
    watch: [],
    isRetried,
    cannotExist,
  });
  if (resolution.is === 'refused') {
    return nowhere(
      { is: 'failed', message: `${describe(named)}: ${resolution.reason}: ${resolution.message}` },
      true,
      false,
    );
  }
  const definitions = [{ resource: CUSTOM_RESOURCE_DEFINITION, name: EVERY }];
  if (resolution.is === 'notServed') {
    const message = `${describe(named)}: the cluster does not serve kind ${kind} of ${[group, version].filter(Boolean).join('/')}; it is applied as soon as it does`;
    return { ...nowhere({ is: 'waiting', message }, true, true), watch: definitions };
  }
  const { resource } = resolution;
  if (resource.namespaced && namespace === '') {
    return nowhere({ is: 'failed', message: `${describe(named)}: kind ${kind} needs metadata.namespace` }, false, true);
  }
  if (!resource.namespaced && namespace !== '') {
    return nowhere(
      { is: 'failed', message: `${describe(named)}: kind ${kind} has no namespace, and the manifest names one` },
      false,
      true,
    );
  }
  return { at: { resource, ...(namespace !== '' && { namespace }), name } };
}

export async function look(cluster: ManagedClusterAccess, at: ObjectAddress): Promise<Found> {
  const answer = await cluster.objects.get(at);
  if (answer.is === 'done') return { is: 'present', object: answer.value };
  return answer.reason === 'NotFound' ? { is: 'absent' } : { is: 'unknown', refusal: answer };
}
