/** Where a Pod's volumes can be (scheduler plugins VolumeBinding and VolumeZone). */
import { annotationOf, keyOf } from '../meta.ts';
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod, TopologySelectorTerm } from '../objects.ts';
import { matchesLabelSelector, matchesNodeSelector } from '../selectors.ts';
import { type ClaimState, classNameOf } from './claims.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity";
const NONE_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const OTHER_ZONE = ['node(s) had no available volume zone'];
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
/** Topology labels of volumes, with the name that a Node may have for the same. */
const TOPOLOGY_LABELS: readonly (readonly [string, string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', ZONE],
  ['failure-domain.beta.kubernetes.io/region', REGION],
  [ZONE, ZONE],
  [REGION, REGION],
];

/** The volumes of bound claims must be usable on the Node; for open claims there must be one, or a way to make one. */
export function volumeBindingRule(pod: Pod, claims: readonly ClaimState[], cluster: Cluster): Rule | undefined {
  if (claims.length === 0) return undefined;
  const affinities = claims.flatMap((each) => (each.is === 'bound' ? (volumeAffinityOf(each.volume) ?? []) : []));
  const open = claims.filter((each) => each.is === 'open').sort((a, b) => sizeOf(a.claim) - sizeOf(b.claim));
  for (const { claim, storageClass } of open) {
    if (storageClass?.provisioner === NO_PROVISIONER) continue;
    cluster.noteNotModelled(`Free storage for claim ${keyOf(claim)} of Pod ${keyOf(pod)}`);
  }
  let taken: readonly Choice[] = [];
  return {
    change: open.length === 0 ? 'never' : 'worse',
    refuse: (node) => {
      const refusal: string[] = [];
      if (!affinities.every((affinity) => matchesNodeSelector(affinity, node))) refusal.push(ELSEWHERE);
      if (bindOpen(open, node, cluster) === undefined) refusal.push(NONE_TO_BIND);
      return refusal.length === 0 ? undefined : refusal;
    },
    moved: (other, node, by) => {
      if (other !== pod) return;
      if (by === -1) {
        for (const { volume } of taken) cluster.takenVolumes.delete(volume);
        return;
      }
      taken = (bindOpen(open, node, cluster) ?? []).filter(({ volume }) => !cluster.takenVolumes.has(volume));
      for (const { volume, claim } of taken) cluster.takenVolumes.set(volume, claim);
    },
  };
}

/**
 * A volume with a zone or region label can be used on Nodes of that zone, and on Nodes that know nothing of zones. For an open
 * claim that is asked only once another Pod has settled its volume.
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
      const isThere = [...demands, ...settled()].every(({ key, alias, values }) => {
        const value = node.label(key) ?? node.label(alias);
        return value !== undefined && values.includes(value);
      });
      return isThere ? undefined : OTHER_ZONE;
    },
  };
}

/** The scheduler asks with the Node's labels alone, so that fields in a volume's terms have no say. */
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

/** @returns what to take on this Node for the claims that are to get an existing volume; undefined where a claim stays open. */
function bindOpen(open: readonly OpenClaim[], node: FitNode, cluster: Cluster): readonly Choice[] | undefined {
  const chosen: Choice[] = [];
  for (const each of open) {
    const selected = annotationOf(each.claim, SELECTED_NODE);
    if (selected !== undefined && selected !== node.name) return undefined;
    const volume = selected === undefined ? findVolume(each.claim, node, cluster, chosen) : undefined;
    if (volume !== undefined) chosen.push({ volume: volume.metadata.name, claim: keyOf(each.claim) });
    else if (!canProvision(each, node)) return undefined;
  }
  return chosen;
}

/** One that was set aside for the claim, else the smallest that is large enough (component-helpers `FindMatchingVolume`). */
function findVolume(claim: PersistentVolumeClaim, node: FitNode, cluster: Cluster, chosen: readonly Choice[]) {
  let smallest: PersistentVolume | undefined;
  for (const volume of cluster.storage.volumesOfClass(classNameOf(claim))) {
    const { name } = volume.metadata;
    const taker = cluster.takenVolumes.get(name);
    // Another Pod that uses the same claim has been placed, and has settled which volume it is.
    const isOurs = taker === keyOf(claim);
    const isTaken = (taker !== undefined && !isOurs) || chosen.some((each) => each.volume === name);
    if (isTaken || !isLike(volume, claim)) continue;
    const affinity = volumeAffinityOf(volume);
    const isUsable = affinity === undefined || matchesNodeSelector(affinity, node);
    if (isOurs || isReservedFor(volume, claim)) return isUsable ? volume : undefined;
    if (volume.spec.claimRef !== undefined || !isUsable || !isFree(volume, claim)) continue;
    if (smallest === undefined || sizeOf(volume) < sizeOf(smallest)) smallest = volume;
  }
  return smallest;
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

/** Several zones are written with two underscores between them; a label with an empty one among them is ignored. */
function zonesOf({ metadata: { labels = {} } }: PersistentVolume): readonly ZoneDemand[] {
  return TOPOLOGY_LABELS.flatMap(([key, alias]) => {
    const values = labels[key]?.split('__').map((value) => value.trim());
    return values === undefined || values.includes('') ? [] : [{ key, alias, values }];
  });
}

function sizeOf({ spec }: PersistentVolume | PersistentVolumeClaim): number {
  return spec.storage ?? 0;
}
