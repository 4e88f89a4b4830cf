/** A Pod that is to be placed, with all that the scheduler would ask about it. */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import { availabilityRule } from './availability.ts';
import { claimsOf } from './claims.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import { nodeAffinityRule } from './node-affinity.ts';
import { podAffinityRule } from './pod-affinity.ts';
import { type Keepers, keepersOf } from './pod-terms.ts';
import { portsRule } from './ports.ts';
import { resourcesRule } from './resources.ts';
import type { Refusal, Rule } from './rule.ts';
import { spreadRule } from './spread.ts';
import { taintRule } from './taints.ts';
import { soleUseRule, volumeLimitRule } from './volume-use.ts';
import { volumeBindingRule, volumeZoneRule } from './volumes.ts';

/** Pods that no rule can tell apart share one kind, and its rules. */
export class Kind {
  /** Set where no Node can take such a Pod whatever it offers. */
  readonly never: string | undefined;
  /** Nodes that only other Pods can make unfit. */
  readonly candidates: readonly FitNode[];
  readonly rules: readonly Rule[];
  readonly #changing: readonly Rule[];

  constructor(pod: Pod, cluster: Cluster, keepers: readonly Keepers[]) {
    const claims = claimsOf(pod, cluster);
    this.never = claims.is === 'unusable' ? claims.why : undefined;
    const known = claims.is === 'usable' ? claims.claims : [];
    // In the order of the scheduler's default plugins: the first to refuse is the one that is named.
    const rules = [
      availabilityRule(pod, cluster),
      taintRule(pod),
      nodeAffinityRule(pod),
      portsRule(pod),
      resourcesRule(pod, cluster),
      soleUseRule(pod, known, cluster),
      volumeLimitRule(known, cluster),
      volumeBindingRule(pod, known, cluster),
      volumeZoneRule(known, cluster),
      spreadRule(pod, cluster),
      podAffinityRule(pod, cluster, keepers),
    ];
    this.rules = rules.filter((rule) => rule !== undefined);
    const lasting = this.rules.filter(({ change }) => change === 'never');
    this.#changing = this.rules.filter(({ change }) => change !== 'never');
    this.candidates =
      this.never === undefined
        ? cluster.nodes.filter((node) => lasting.every((rule) => rule.refuse(node) === undefined))
        : [];
  }

  /** Whether the placing of other Pods can open a Node for such a Pod. */
  get canBeHelped(): boolean {
    return this.never === undefined && this.#changing.some(({ change }) => change === 'either');
  }

  /** Of a candidate: whether it can take such a Pod as things stand. */
  accepts(node: FitNode): boolean {
    return this.#changing.every((rule) => rule.refuse(node) === undefined);
  }

  /** Of any Node: what speaks against it, by the first rule that does. */
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
export function moversOf(cluster: Cluster): readonly Mover[] {
  const kinds = new Map<string, Kind>();
  const keepers = keepersOf(cluster);
  return cluster.movable.map((pod) => {
    const identity = identityOf(pod);
    const kind = kinds.get(identity) ?? new Kind(pod, cluster, keepers);
    kinds.set(identity, kind);
    return { pod, key: keyOf(pod), kind };
  });
}

/** All that rules read. Volumes belong to one Pod, even by its name. */
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
