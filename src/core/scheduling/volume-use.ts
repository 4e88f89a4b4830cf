/** Volumes in use: limits of Nodes (scheduler plugin NodeVolumeLimits) and claims for a single Pod (VolumeRestrictions). */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import type { PersistentVolumeClaim } from '../storage-objects.ts';
import type { Census } from './census.ts';
import { type ClaimState, claimNamesOf, classNameOf } from './claims.ts';
import type { Cluster, StorageLookup } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const TOO_MANY = ['node(s) exceed max volume count'];
const IN_USE = [
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
];

/** A claim with access mode ReadWriteOncePod has one user in the whole cluster. */
export function soleUseRule(pod: Pod, claims: readonly ClaimState[], census: Census): Rule | undefined {
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
  let users = 0;
  census.ask(new Set([namespace ?? '']), {}, (other) => {
    if (uses(other)) users += 1;
  });
  return {
    change: 'worse',
    refuse: () => (users > 0 ? IN_USE : undefined),
    effectOf: (other) => {
      if (!uses(other)) return undefined;
      return (_, by) => {
        users += by;
      };
    },
  };
}

/**
 * A Node takes a limited number of volumes of each CSI driver; a volume that several Pods use there counts once. Attachments without a Pod
 * are not counted, in favour of the Pod.
 */
export function volumeLimitRule(
  claims: readonly ClaimState[],
  storage: StorageLookup,
  attachments: AttachmentsByNode,
): Rule | undefined {
  const wanted = attachablesFor(claims, storage);
  if (wanted.length === 0) return undefined;
  return {
    change: 'worse',
    refuse: (node) => {
      const { limits, present } = attachments.of(node);
      if (!wanted.some(({ driver }) => limits.has(driver))) return undefined;
      const all = new Map([...present(), ...node.placed.flatMap((pod) => attachablesOf(pod, storage))].map(entry));
      const added = new Map(wanted.filter(({ id }) => !all.has(id)).map(entry));
      const exceeds = [...limits].some(([driver, limit]) => {
        const more = countOf(driver, added);
        return more > 0 && countOf(driver, all) + more > limit;
      });
      return exceeds ? TOO_MANY : undefined;
    },
  };
}

/**
 * Notes CSI drivers that some of these Nodes lack according to their CSINodes. From Kubernetes 1.37 on the scheduler avoids such a Node if
 * the CSIDriver asks for that (`preventPodSchedulingIfMissing`), which is not watched.
 */
export function noteMissingDrivers(
  pod: Pod,
  claims: readonly ClaimState[],
  candidates: readonly FitNode[],
  cluster: Cluster,
  attachments: AttachmentsByNode,
): void {
  for (const driver of new Set(attachablesFor(claims, cluster.storage).map((each) => each.driver))) {
    const lacks = (node: FitNode): boolean => !attachments.of(node).drivers.has(driver);
    const missing = candidates.filter(lacks).length;
    // A driver that no Node has at all is not one that CSINodes list.
    if (missing === 0 || cluster.nodes.every(lacks)) continue;
    cluster.noteNotModelled(
      `Pod ${keyOf(pod)} needs CSI driver ${driver}, which no CSINode names on ${missing} of ${candidates.length} Nodes`,
    );
  }
}

/** The volumes and limits of a Node's storage drivers. */
interface Attachments {
  readonly drivers: ReadonlySet<string>;
  /** By driver; a driver without an entry has no limit. */
  readonly limits: ReadonlyMap<string, number>;
  /** The volumes that the staying Pods have attached. */
  present(): readonly Attachable[];
}

/** Looks each Node up once, for all callers. */
export class AttachmentsByNode {
  readonly #storage: StorageLookup;
  readonly #known = new Map<FitNode, Attachments>();

  constructor(storage: StorageLookup) {
    this.#storage = storage;
  }

  of(node: FitNode): Attachments {
    let attachments = this.#known.get(node);
    if (attachments === undefined) {
      attachments = attachmentsOf(node, this.#storage);
      this.#known.set(node, attachments);
    }
    return attachments;
  }
}

function attachmentsOf({ name, pods }: FitNode, storage: StorageLookup): Attachments {
  const drivers = storage.csiNode(name)?.spec.drivers ?? [];
  let present: readonly Attachable[] | undefined;
  return {
    drivers: new Set(drivers.map((driver) => driver.name)),
    limits: new Map(drivers.flatMap(({ name, count }) => (count === undefined ? [] : [[name, count] as const]))),
    present: () => {
      present ??= pods.flatMap((pod) => attachablesOf(pod, storage));
      return present;
    },
  };
}

function attachablesFor(claims: readonly ClaimState[], storage: StorageLookup): readonly Attachable[] {
  return claims.flatMap((each) => attachableOf(each.claim, each.is === 'bound', storage) ?? []);
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

function attachablesOf({ metadata, spec }: Pod, storage: StorageLookup): readonly Attachable[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    const name =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral === undefined ? undefined : `${metadata.name}-${volume.name}`);
    const claim = name === undefined ? undefined : storage.claim(`${metadata.namespace}/${name}`);
    return (claim && attachableOf(claim, true, storage)) ?? [];
  });
}

/** A volume that does not exist yet is identified by its claim, and its driver by the class. Old in-tree plugins are not counted. */
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
