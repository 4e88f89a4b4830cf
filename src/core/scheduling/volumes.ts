/** Where a Pod's volumes can be (scheduler plugins VolumeBinding and VolumeZone). */
import { annotationOf, keyOf } from '../meta.ts';
import type { NodeSelector, Pod } from '../objects.ts';
import { matchesLabelSelector, matchesNodeSelector } from '../selectors.ts';
import type { PersistentVolume, PersistentVolumeClaim, TopologySelectorTerm } from '../storage-objects.ts';
import { type ClaimState, classNameOf } from './claims.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity";
const NONE_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const OTHER_ZONE = ['node(s) had no available volume zone'];
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** At most this many choices of volumes are tried for one Pod on one Node. */
const MAX_WAYS = 8;
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
/** Topology labels of volumes, with the name that a Node may use for the same. */
const TOPOLOGY_LABELS: readonly (readonly [string, string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', ZONE],
  ['failure-domain.beta.kubernetes.io/region', REGION],
  [ZONE, ZONE],
  [REGION, REGION],
];

/** The volumes of bound claims must be usable on the Node; for open claims there must be a volume, or a way to create one. */
export function volumeBindingRule(claims: readonly ClaimState[], binding: VolumeBinding | undefined): Rule | undefined {
  if (claims.length === 0) return undefined;
  const affinities = claims.flatMap((each) => (each.is === 'bound' ? (volumeAffinityOf(each.volume) ?? []) : []));
  return {
    change: binding === undefined ? 'never' : 'worse',
    refuse: (node) => {
      const isElsewhere = !affinities.every((affinity) => matchesNodeSelector(affinity, node));
      const isUnbound = binding !== undefined && binding.waysOn(node).length === 0;
      if (isElsewhere) return isUnbound ? [ELSEWHERE, NONE_TO_BIND] : [ELSEWHERE];
      return isUnbound ? [NONE_TO_BIND] : undefined;
    },
  };
}

/**
 * The open claims of one Pod, and the volumes that are taken for them when it is placed.
 *
 * The scheduler takes the smallest volume that is large enough. Among several of one size it takes any, in an order that cannot be
 * predicted: the choice may decide whether another Pod finds a volume, or whether one that uses the same claim can use it on its Node.
 */
export class VolumeBinding {
  readonly #open: readonly OpenClaim[];
  readonly #cluster: Cluster;
  #taken: Way = [];

  /** @returns undefined if no claim is open. */
  static of(pod: Pod, claims: readonly ClaimState[], cluster: Cluster): VolumeBinding | undefined {
    const open = claims.filter((each) => each.is === 'open').sort((a, b) => sizeOf(a.claim) - sizeOf(b.claim));
    for (const { claim, storageClass } of open) {
      if (storageClass?.provisioner === NO_PROVISIONER) continue;
      cluster.noteNotModelled(`Free storage for claim ${keyOf(claim)} of Pod ${keyOf(pod)}`);
    }
    return open.length === 0 ? undefined : new VolumeBinding(open, cluster);
  }

  private constructor(open: readonly OpenClaim[], cluster: Cluster) {
    this.#open = open;
    this.#cluster = cluster;
  }

  /** The choices of volumes that the scheduler could make on this Node, the most promising first; empty if a claim would stay open. */
  waysOn(node: FitNode): readonly Way[] {
    let ways: readonly Way[] = [[]];
    for (const each of this.#open) {
      ways = ways.flatMap((way) => this.#extend(way, each, node)).slice(0, MAX_WAYS);
    }
    return ways;
  }

  take(way: Way): void {
    const { takenVolumes } = this.#cluster;
    this.#taken = way.filter(({ volume }) => !takenVolumes.has(volume));
    for (const { volume, claim } of this.#taken) takenVolumes.set(volume, claim);
  }

  release(): void {
    for (const { volume } of this.#taken) this.#cluster.takenVolumes.delete(volume);
    this.#taken = [];
  }

  #extend(way: Way, open: OpenClaim, node: FitNode): readonly Way[] {
    const { claim } = open;
    const selected = annotationOf(claim, SELECTED_NODE);
    if (selected !== undefined && selected !== node.name) return [];
    const volumes = selected === undefined ? volumesFor(claim, node, this.#cluster, way) : [];
    if (volumes.length > 0)
      return volumes.map(({ metadata }) => [...way, { volume: metadata.name, claim: keyOf(claim) }]);
    return canProvision(open, node) ? [way] : [];
  }
}

/**
 * A volume with a zone or region label can be used on Nodes of that zone, and on Nodes without zone labels. For an open claim this is
 * checked only once another Pod has determined its volume.
 */
export function volumeZoneRule(claims: readonly ClaimState[], cluster: Cluster): Rule | undefined {
  const demands = claims.flatMap((each) => (each.is === 'bound' ? zonesOf(each.volume) : []));
  const open = new Set(claims.flatMap((each) => (each.is === 'open' ? keyOf(each.claim) : [])));
  if (demands.length === 0 && open.size === 0) return undefined;
  const settled = (): readonly ZoneDemand[] =>
    [...cluster.takenVolumes].flatMap(([name, claim]) => {
      const volume = open.has(claim) ? cluster.storage.volume(name) : undefined;
      return volume === undefined ? [] : zonesOf(volume);
    });
  return {
    change: open.size === 0 ? 'never' : 'worse',
    refuse: (node) => {
      if (!TOPOLOGY_LABELS.some(([key]) => node.label(key) !== undefined)) return undefined;
      const isThere = (zone: ZoneDemand): boolean => isInZone(node, zone);
      return demands.every(isThere) && (open.size === 0 || settled().every(isThere)) ? undefined : OTHER_ZONE;
    },
  };
}

/** Everything that determines where a bound volume can be used: equal for volumes that can be used on the same Nodes. */
export function placeOf(volume: PersistentVolume): unknown {
  return [volumeAffinityOf(volume), zonesOf(volume)];
}

/** The scheduler passes the Node's labels alone, so that `matchFields` in a volume's terms have no effect. */
function volumeAffinityOf({ spec }: PersistentVolume): NodeSelector | undefined {
  const terms = spec.requiredNodeAffinity?.nodeSelectorTerms;
  if (terms === undefined || !terms.some(({ matchFields = [] }) => matchFields.length > 0)) {
    return spec.requiredNodeAffinity;
  }
  const isOfFieldsAlone = terms.some(
    ({ matchExpressions = [], matchFields = [] }) => matchExpressions.length === 0 && matchFields.length > 0,
  );
  return isOfFieldsAlone
    ? undefined
    : { nodeSelectorTerms: terms.map(({ matchExpressions = [] }) => ({ matchExpressions })) };
}

type OpenClaim = Extract<ClaimState, { is: 'open' }>;

/** A volume, by name, for a claim, by key. */
interface Choice {
  readonly volume: string;
  readonly claim: string;
}

export type Way = readonly Choice[];

/**
 * The volume that was reserved for the claim, else all of the smallest that are large enough (component-helpers `FindMatchingVolume`),
 * beginning with those in the Node's zone.
 */
function volumesFor(
  claim: PersistentVolumeClaim,
  node: FitNode,
  cluster: Cluster,
  chosen: Way,
): readonly PersistentVolume[] {
  let smallest: PersistentVolume[] = [];
  for (const volume of cluster.storage.volumesOfClass(classNameOf(claim))) {
    const { name } = volume.metadata;
    const taker = cluster.takenVolumes.get(name);
    // Another Pod that uses the same claim has been placed, and has determined the volume.
    const isOurs = taker === keyOf(claim);
    const isTaken = (taker !== undefined && !isOurs) || chosen.some((each) => each.volume === name);
    if (isTaken || !isLike(volume, claim)) continue;
    const affinity = volumeAffinityOf(volume);
    const isUsable = affinity === undefined || matchesNodeSelector(affinity, node);
    if (isOurs || isReservedFor(volume, claim)) return isUsable ? [volume] : [];
    if (volume.spec.claimRef !== undefined || !isUsable || !isFree(volume, claim)) continue;
    const least = smallest[0] === undefined ? Number.POSITIVE_INFINITY : sizeOf(smallest[0]);
    if (sizeOf(volume) < least) smallest = [volume];
    else if (sizeOf(volume) === least) smallest.push(volume);
  }
  const isNear = (volume: PersistentVolume): boolean => zonesOf(volume).every((zone) => isInZone(node, zone));
  const isUnlike = (volume: PersistentVolume): number => (isNear(volume) ? 0 : 1);
  return smallest.sort((a, b) => isUnlike(a) - isUnlike(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

function isLike({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    (spec.storage ?? 0) >= sizeOf(claim) &&
    (spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem') &&
    (spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '') &&
    metadata.deletionTimestamp === undefined
  );
}

function isFree({ metadata, spec, status }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { selector, accessModes = [] } = claim.spec;
  return (
    status?.phase === 'Available' &&
    (selector === undefined || matchesLabelSelector(selector, metadata.labels)) &&
    accessModes.every((mode) => spec.accessModes?.includes(mode))
  );
}

function isReservedFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { uid = '' } = claimRef ?? {};
  return (
    claimRef?.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (uid === '' || uid === metadata.uid)
  );
}

function canProvision({ storageClass }: OpenClaim, node: FitNode): boolean {
  const { provisioner = '', allowedTopologies = [] } = storageClass ?? {};
  if (provisioner === '' || provisioner === NO_PROVISIONER) return false;
  return allowedTopologies.length === 0 || allowedTopologies.some((term) => isAllowed(term, node));
}

function isAllowed({ matchLabelExpressions = [] }: TopologySelectorTerm, node: FitNode): boolean {
  if (matchLabelExpressions.length === 0) return false;
  return matchLabelExpressions.every(({ key, values = [] }) => values.includes(node.label(key) ?? ''));
}

interface ZoneDemand {
  readonly key: string;
  readonly alias: string;
  readonly values: readonly string[];
}

function isInZone(node: FitNode, { key, alias, values }: ZoneDemand): boolean {
  const value = node.label(key) ?? node.label(alias);
  return value !== undefined && values.includes(value);
}

/** Several zones are separated by two underscores; a label with an empty zone among them is ignored. */
function zonesOf({ metadata: { labels = {} } }: PersistentVolume): readonly ZoneDemand[] {
  return TOPOLOGY_LABELS.flatMap(([key, alias]) => {
    const values = labels[key]?.split('__').map((value) => value.trim());
    return values === undefined || values.includes('') ? [] : [{ key, alias, values }];
  });
}

function sizeOf({ spec }: PersistentVolume | PersistentVolumeClaim): number {
  return spec.storage ?? 0;
}
