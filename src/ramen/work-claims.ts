/** Works of one cluster that name the same object. */
import { isDeleting, keyOf } from '../core/meta.ts';
import type { Sharers } from './apply-manifest.ts';
import { identityKey, type ObjectIdentity } from './manifest.ts';
import type { ManifestWork, ResourceMeta } from './objects.ts';
import type { WorkIdentity } from './ownership.ts';
import type { WorkPass } from './work-pass.ts';

/** The index key of works that name an object of a cluster. */
export function claimKey(cluster: string, identity: ObjectIdentity): string {
  return `${cluster} ${identityKey(identity)}`;
}

/** Other works that name the object. */
function claimantsOf(pass: WorkPass, cluster: string, identity: ObjectIdentity): readonly ManifestWork[] {
  const found = pass.ports.claimants(claimKey(cluster, identity));
  const all = found.is === 'known' ? found.value : [];
  return all.filter((each) => each.metadata.uid !== pass.work.metadata.uid && !isDeleting(each));
}

export function sharersOf(pass: WorkPass, cluster: string, identity: ObjectIdentity): Sharers {
  return new Map(claimantsOf(pass, cluster, identity).map((each) => [each.metadata.uid, keyOf(each)]));
}

/** The work that takes over an object when this one gives it up. */
export function claimantOf(
  pass: WorkPass,
  cluster: string,
  meta: ResourceMeta,
  identity: WorkIdentity,
): WorkIdentity | undefined {
  const sorted = claimantsOf(pass, cluster, meta).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const [first] = sorted;
  return first && { hub: identity.hub, cluster, name: first.metadata.name, uid: first.metadata.uid };
}
