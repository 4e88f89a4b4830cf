/** What volumes others use already: limits of Nodes (scheduler plugin NodeVolumeLimits) and claims for one Pod alone (VolumeRestrictions). */
import type { PersistentVolumeClaim, Pod } from '../objects.ts';
import { type ClaimState, claimNamesOf, classNameOf } from './claims.ts';
import type { Cluster, StorageLookup } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const TOO_MANY = ['node(s) exceed max volume count'];
const IN_USE = [
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
];

/** Of a claim with access mode ReadWriteOncePod nobody else may be the user, on whatever Node. */
export function soleUseRule(pod: Pod, claims: readonly ClaimState[], cluster: Cluster): Rule | undefined {
  const named = new Set(claimNamesOf(pod));
  const sole = new Set(
    claims
      .filter(
        ({ claim: { metadata, spec } }) => named.has(metadata.name) && spec.accessModes?.includes('ReadWriteOncePod'),
      )
      .map(({ claim }) => claim.metadata.name),
  );
  if (sole.size === 0) return undefined;
  const { namespace } = pod.metadata;
  const uses = (other: Pod): boolean =>
    other.metadata.namespace === namespace && claimNamesOf(other).some((name) => sole.has(name));
  let users = cluster.boundIn(namespace ?? '').filter((bound) => uses(bound.pod)).length;
  return {
    change: 'worse',
    refuse: () => (users > 0 ? IN_USE : undefined),
    moved: (other, _, by) => {
      if (uses(other)) users += by;
    },
  };
}

/**
 * A Node takes so many volumes of each CSI driver; a volume that several Pods use there counts once. Attachments that no Pod
 * stands for are not counted, in favour of the Pod.
 */
export function volumeLimitRule(claims: readonly ClaimState[], cluster: Cluster): Rule | undefined {
  const { storage } = cluster;
  const wanted = claims.flatMap((each) => attachableOf(each.claim, each.is === 'bound', storage) ?? []);
  if (wanted.length === 0) return undefined;
  const staying = new Map<FitNode, readonly Attachable[]>();
  return {
    change: 'worse',
    refuse: (node) => {
      const limits = limitsOf(node, storage);
      if (!wanted.some(({ driver }) => limits.has(driver))) return undefined;
      let present = staying.get(node);
      if (present === undefined) {
        present = node.pods.flatMap((pod) => attachablesOf(pod, storage));
        staying.set(node, present);
      }
      const all = new Map([...present, ...node.placed.flatMap((pod) => attachablesOf(pod, storage))].map(entry));
      const added = new Map(wanted.filter(({ id }) => !all.has(id)).map(entry));
      const exceeds = [...limits].some(([driver, limit]) => {
        const more = countOf(driver, added);
        return more > 0 && countOf(driver, all) + more > limit;
      });
      return exceeds ? TOO_MANY : undefined;
    },
  };
}

/** A volume that a CSI driver attaches. */
interface Attachable {
  readonly id: string;
  readonly driver: string;
}

const entry = ({ id, driver }: Attachable): readonly [string, string] => [id, driver];

function countOf(driver: string, volumes: ReadonlyMap<string, string>): number {
  let count = 0;
  for (const each of volumes.values()) if (each === driver) count += 1;
  return count;
}

function limitsOf({ name }: FitNode, storage: StorageLookup): ReadonlyMap<string, number> {
  const drivers = storage.csiNode(name)?.spec.drivers ?? [];
  return new Map(drivers.flatMap(({ name, count }) => (count === undefined ? [] : [[name, count] as const])));
}

function attachablesOf({ metadata, spec }: Pod, storage: StorageLookup): readonly Attachable[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    const name =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral === undefined ? undefined : `${metadata.name}-${volume.name}`);
    const claim = name === undefined ? undefined : storage.claim(`${metadata.namespace}/${name}`);
    return (claim && attachableOf(claim, true, storage)) ?? [];
  });
}

/** A volume that does not exist yet is known by its claim, and its driver by the class. Old in-tree plugins count none. */
function attachableOf(claim: PersistentVolumeClaim, isBound: boolean, storage: StorageLookup): Attachable | undefined {
  const { volumeName = '' } = claim.spec;
  const volume = isBound && volumeName !== '' ? storage.volume(volumeName) : undefined;
  if (volume !== undefined) {
    const { csi } = volume.spec;
    return csi && { id: `${csi.driver}/${csi.volumeHandle}`, driver: csi.driver };
  }
  const driver = storage.storageClass(classNameOf(claim))?.provisioner;
  if (driver === undefined || driver.startsWith('kubernetes.io/')) return undefined;
  const { namespace, name } = claim.metadata;
  return { id: `${driver}/unbound-${namespace}/${name}`, driver };
}
