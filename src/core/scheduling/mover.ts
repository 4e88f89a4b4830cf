/** A Pod that is to be placed, with everything that the scheduler would check for it. */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import { availabilityRule } from './availability.ts';
import { Census } from './census.ts';
import { type ClaimState, claimsOf } from './claims.ts';
import type { Cluster } from './cluster.ts';
import { featuresRule } from './features.ts';
import { countKeepers, KeptAway } from './keepers.ts';
import type { FitNode } from './node.ts';
import { nodeAffinityRule } from './node-affinity.ts';
import { awayRule, keysOfSelfAversion, nearRule } from './pod-affinity.ts';
import { portsRule } from './ports.ts';
import { amountsFor, resourcesRule } from './resources.ts';
import type { Effect, Refusal, Rule } from './rule.ts';
import { Memberships, spreadRule } from './spread.ts';
import type { Steps } from './steps.ts';
import { taintRule } from './taints.ts';
import { AttachmentsByNode, noteMissingDrivers, soleUseRule, volumeLimitRule } from './volume-use.ts';
import { placeOf, VolumeBinding, volumeBindingRule, volumeZoneRule } from './volumes.ts';

/** Data that is looked up or counted once for all kinds. */
interface Shared {
  readonly census: Census;
  readonly attachments: AttachmentsByNode;
  readonly candidates: SharedCandidates;
  readonly memberships: Memberships;
}

/** Pods that no rule can distinguish share one kind, and its rules. */
export class Kind {
  /** One of the Pods. If the Pods have volumes, it is the only one. */
  readonly pod: Pod;
  /** Set if no Node can take such a Pod, whatever its resources. */
  readonly never: string | undefined;
  /** Nodes that only other Pods can make unfit. */
  readonly candidates: readonly FitNode[];
  readonly rules: readonly Rule[];
  /** What such a Pod takes of each of the cluster's resources. */
  readonly amounts: readonly number[];
  /** Set if volumes have yet to be chosen. */
  readonly binding: VolumeBinding | undefined;
  /** The topologies of which each domain can hold only one such Pod. */
  readonly aloneIn: readonly string[];
  /** How many Pods of this kind are to be placed. */
  count = 0;
  /** The changes to the rules of all kinds when such a Pod is placed. */
  effects: readonly Effect[] = [];
  /** Whether placing other Pods can make a Node fit for such a Pod. */
  canBeHelped = false;
  readonly #changing: readonly Rule[];

  constructor(pod: Pod, cluster: Cluster, shared: Shared, keptAway: KeptAway) {
    const { census, attachments, candidates, memberships } = shared;
    this.pod = pod;
    const claims = claimsOf(pod, cluster);
    this.never = claims.is === 'unusable' ? claims.why : undefined;
    const known = claims.is === 'usable' ? claims.claims : [];
    this.amounts = amountsFor(pod, cluster);
    this.binding = VolumeBinding.of(pod, known, cluster);
    // In the order of the scheduler's default plugins: the message names the first one that refuses.
    const [availability, taints, affinity] = [availabilityRule(pod, cluster), taintRule(pod), nodeAffinityRule(pod)];
    const ofVolumes = [volumeBindingRule(known, this.binding), volumeZoneRule(known, cluster)];
    const features = featuresRule(pod, cluster);
    const rules = [
      availability,
      taints,
      affinity,
      portsRule(pod),
      resourcesRule(this.amounts, cluster),
      soleUseRule(pod, known, census),
      volumeLimitRule(known, cluster.storage, attachments),
      ...ofVolumes,
      spreadRule(pod, cluster, census, memberships),
      nearRule(pod, cluster, census),
      awayRule(pod, cluster, census),
      keptAway.rule(),
      features,
    ];
    this.rules = rules.filter((rule) => rule !== undefined);
    this.#changing = this.rules.filter(({ change }) => change !== 'never');
    const lasting = [availability, taints, affinity, features];
    this.candidates = this.never === undefined ? candidates.of(pod, known, cluster.nodes, lasting, ofVolumes) : [];
    this.aloneIn = keysOfSelfAversion(pod, cluster);
    noteMissingDrivers(pod, known, this.candidates, cluster, attachments);
  }

  /** Whether a candidate can take such a Pod in the current state. */
  accepts(node: FitNode): boolean {
    for (const rule of this.#changing) if (rule.refuse(node) !== undefined) return false;
    return true;
  }

  /** Whether a candidate cannot take such a Pod even while none of the Pods is placed, wherever the others go. */
  refusesAnyway(node: FitNode): boolean {
    const matters = (rule: Rule): boolean => rule.change === 'worse' || !this.canBeHelped;
    return this.#changing.some((rule) => matters(rule) && rule.refuse(node) !== undefined);
  }

  /** Why a Node is unfit, by the first rule that refuses. */
  refusal(node: FitNode): Refusal | undefined {
    for (const rule of this.rules) {
      const refusal = rule.refuse(node);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Why none of these Nodes can take such a Pod, most frequent first: `3 Insufficient cpu`. */
  reasonsAgainst(nodes: readonly FitNode[]): readonly string[] {
    if (this.never !== undefined) return [this.never];
    const counts = new Map<string, number>();
    for (const node of nodes) {
      for (const reason of this.refusal(node) ?? []) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    const ordered = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return ordered.map(([reason, count]) => `${count} ${reason}`);
  }
}

export interface Mover {
  readonly pod: Pod;
  readonly key: string;
  readonly kind: Kind;
}

/** Makes a mover of each of the cluster's movable Pods, in their order. */
export function* moversOf(cluster: Cluster): Steps<readonly Mover[]> {
  const kinds = new Map<string, Kind>();
  const census = new Census();
  const attachments = new AttachmentsByNode(cluster.storage);
  const shared: Shared = {
    census,
    attachments,
    candidates: new SharedCandidates(),
    memberships: new Memberships(cluster),
  };
  const keptAway: KeptAway[] = [];
  const movers: Mover[] = [];
  for (const pod of cluster.movable) {
    const identity = identityOf(pod);
    let kind = kinds.get(identity);
    if (kind === undefined) {
      const kept = new KeptAway(pod, cluster);
      keptAway.push(kept);
      kind = new Kind(pod, cluster, shared, kept);
      kinds.set(identity, kind);
      yield;
    }
    kind.count += 1;
    movers.push({ pod, key: keyOf(pod), kind });
  }
  yield* census.count(cluster.nodes);
  yield* countKeepers(keptAway, cluster);
  yield* link([...kinds.values()]);
  return movers;
}

/** Computes once how placing each kind affects the rules of all kinds. */
function* link(kinds: readonly Kind[]): Steps<void> {
  for (const placed of kinds) {
    const effects: Effect[] = [];
    for (const kind of kinds) {
      for (const rule of kind.rules) {
        const effect = rule.effectOf?.(placed.pod);
        if (effect === undefined) continue;
        effects.push(effect);
        // A Pod that is the only one of its kind is never placed beside another of it.
        if (rule.change === 'either' && (placed !== kind || kind.count > 1)) kind.canBeHelped = true;
      }
    }
    placed.effects = effects;
    yield;
  }
}

type Rules = readonly (Rule | undefined)[];

/** The Nodes that no lasting rule excludes: shared by Pods that differ in their labels only, and have their volumes in one zone. */
class SharedCandidates {
  readonly #known = new Map<string, readonly FitNode[]>();

  /** @param ofVolumes the rules about the claims, of which only those of bound claims are lasting. */
  of(
    { spec }: Pod,
    claims: readonly ClaimState[],
    nodes: readonly FitNode[],
    rules: Rules,
    ofVolumes: Rules,
  ): readonly FitNode[] {
    const { nodeSelector, requiredNodeAffinity, tolerations, scheduling } = spec;
    const own = JSON.stringify([nodeSelector, requiredNodeAffinity, tolerations, scheduling?.requiredFeatures]);
    const admitted = this.#of(own, nodes, rules);
    if (claims.length === 0) return admitted;
    const places = claims.map((each) => (each.is === 'bound' ? placeOf(each.volume) : null));
    return this.#of(JSON.stringify([own, places]), admitted, ofVolumes);
  }

  #of(identity: string, nodes: readonly FitNode[], rules: Rules): readonly FitNode[] {
    let found = this.#known.get(identity);
    if (found === undefined) {
      found = admittedBy(rules, nodes);
      this.#known.set(identity, found);
    }
    return found;
  }
}

function admittedBy(rules: Rules, nodes: readonly FitNode[]): readonly FitNode[] {
  const lasting = rules.filter((rule) => rule !== undefined).filter(({ change }) => change === 'never');
  if (lasting.length === 0) return nodes;
  return nodes.filter((node) => {
    for (const rule of lasting) if (rule.refuse(node) !== undefined) return false;
    return true;
  });
}

/** Everything that rules read. Volumes belong to one Pod, even by its name. */
function identityOf({ metadata, spec }: Pod): string {
  const { nodeName, nodeSelector, requiredNodeAffinity, tolerations, scheduling, volumes = [] } = spec;
  const hasVolumes = volumes.some((volume) => volume.persistentVolumeClaim ?? volume.ephemeral);
  return JSON.stringify([
    metadata.namespace,
    metadata.labels,
    nodeName,
    nodeSelector,
    requiredNodeAffinity,
    tolerations,
    scheduling,
    hasVolumes ? metadata.name : undefined,
  ]);
}
