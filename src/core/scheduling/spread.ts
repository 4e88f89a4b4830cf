/**
 * Topology spread constraints that must hold (scheduler plugin PodTopologySpread).
 *
 * A domain may take the Pod if its number of matching Pods, including this one, exceeds the smallest number of any domain by at most
 * `maxSkew`. Only Nodes that carry every constraint's topology key form domains, and by the constraint's policies only those that the Pod's
 * node affinity admits and whose taints it tolerates. A Node in maintenance forms a domain like any other, which is why it must not be left
 * out of a simulation.
 */
import type { LabelSelector, Pod, SpreadConstraint } from '../objects.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { Census } from './census.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import { admitsByAffinity } from './node-affinity.ts';
import type { Rule } from './rule.ts';
import { toleratesAll } from './taints.ts';
import { DomainCounts, NO_DOMAIN, type Topology } from './topology.ts';

const SKEWED = ["node(s) didn't match pod topology spread constraints"];
const NO_LABEL = ["node(s) didn't match pod topology spread constraints (missing required label)"];

export function spreadRule(pod: Pod, cluster: Cluster, census: Census, memberships: Memberships): Rule | undefined {
  const constraints = pod.spec.scheduling?.spread;
  if (constraints === undefined || constraints.length === 0) return undefined;
  const domains = constraints.map(
    (constraint) =>
      new Domains(
        constraint,
        pod,
        cluster.topology(constraint.topologyKey),
        memberships.of(constraint, constraints, pod),
      ),
  );
  const namespaces = new Set([pod.metadata.namespace ?? '']);
  for (const each of domains) {
    if (each.countsNone) continue;
    census.ask(namespaces, each.selector, (other, node) => {
      // A Pod that is being deleted will be gone when this one arrives (kubernetes/kubernetes#87621).
      if (other.metadata.deletionTimestamp === undefined) each.add(node, 1);
    });
  }
  return {
    change: 'either',
    refuse: (node) => {
      for (const each of domains) {
        const refusal = each.refuse(node);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    effectOf: ({ metadata }) => {
      if (metadata.namespace !== pod.metadata.namespace) return undefined;
      const counting = domains.filter((each) => each.counts(metadata.labels));
      if (counting.length === 0) return undefined;
      return (node, by) => {
        for (const each of counting) each.add(node, by);
      };
    },
  };
}

/** Which Nodes form domains. */
interface Membership {
  /** By the Node's index. */
  readonly isMember: Uint8Array;
  /** The number of domains with such a Node. */
  readonly domains: number;
}

/** Examines all Nodes once for Pods that differ in their labels only. */
export class Memberships {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, Membership>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** @param all the Pod's constraints: a Node needs the topology keys of all of them. */
  of(constraint: SpreadConstraint, all: readonly SpreadConstraint[], pod: Pod): Membership {
    const { nodeSelector, requiredNodeAffinity, tolerations } = pod.spec;
    const { topologyKey, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
    const keys = all.map((each) => each.topologyKey);
    const policies = [nodeAffinityPolicy, nodeTaintsPolicy];
    const identity = JSON.stringify([topologyKey, keys, policies, nodeSelector, requiredNodeAffinity, tolerations]);
    let found = this.#known.get(identity);
    if (found === undefined) {
      found = this.#look(constraint, keys, pod);
      this.#known.set(identity, found);
    }
    return found;
  }

  #look(constraint: SpreadConstraint, keys: readonly string[], pod: Pod): Membership {
    const { nodes } = this.#cluster;
    const topologies = keys.map((key) => this.#cluster.topology(key));
    const topology = this.#cluster.topology(constraint.topologyKey);
    const isMember = new Uint8Array(nodes.length);
    const domains = new Set<number>();
    for (const node of nodes) {
      const hasAllKeys = topologies.every((each) => each.domainOf(node) !== NO_DOMAIN);
      if (!hasAllKeys || !includes(constraint, pod, node)) continue;
      isMember[node.index] = 1;
      domains.add(topology.domainOf(node));
    }
    return { isMember, domains: domains.size };
  }
}

/** The domains of one constraint, and how many matching Pods each has. */
class Domains {
  readonly selector: LabelSelector | undefined;
  /** Upstream counts no Pods for a selector that matches everything, though the Pod itself counts. */
  readonly countsNone: boolean;
  readonly #constraint: SpreadConstraint;
  readonly #topology: Topology;
  readonly #self: 0 | 1;
  readonly #membership: Membership;
  readonly #counts: DomainCounts;
  #smallest: number | undefined;

  constructor(constraint: SpreadConstraint, pod: Pod, topology: Topology, membership: Membership) {
    this.#constraint = constraint;
    this.#topology = topology;
    this.selector = withLabelKeys(constraint, pod);
    this.countsNone = this.selector === undefined || isEmpty(this.selector);
    this.#self = matchesLabelSelector(this.selector, pod.metadata.labels) ? 1 : 0;
    this.#membership = membership;
    this.#counts = new DomainCounts(topology);
  }

  refuse(node: FitNode): typeof SKEWED | undefined {
    if (this.#topology.domainOf(node) === NO_DOMAIN) return NO_LABEL;
    return this.#counts.at(node) + this.#self - this.#minimum() > this.#constraint.maxSkew ? SKEWED : undefined;
  }

  /** Whether a Pod of the same namespace with these labels counts. */
  counts(labels: Pod['metadata']['labels']): boolean {
    return !this.countsNone && matchesLabelSelector(this.selector, labels);
  }

  /** A counted Pod is placed on the Node, or removed from it. */
  add(node: FitNode, by: 1 | -1): void {
    if (this.#membership.isMember[node.index] !== 1) return;
    this.#counts.add(node, by);
    this.#smallest = undefined;
  }

  /** With fewer domains than `minDomains`, those that do not exist yet count as empty. */
  #minimum(): number {
    const { domains } = this.#membership;
    if (domains < (this.#constraint.minDomains ?? 1)) return 0;
    this.#smallest ??= this.#counts.smallestOf(domains);
    return this.#smallest;
  }
}

function includes({ nodeAffinityPolicy, nodeTaintsPolicy }: SpreadConstraint, pod: Pod, node: FitNode): boolean {
  if (nodeAffinityPolicy !== 'Ignore' && !admitsByAffinity(pod, node)) return false;
  return nodeTaintsPolicy !== 'Honor' || toleratesAll(node.taints, pod.spec.tolerations ?? []);
}

/** Newer API servers have merged the keys into the selector already; adding them twice changes nothing. */
function withLabelKeys({ labelSelector, matchLabelKeys = [] }: SpreadConstraint, pod: Pod): LabelSelector | undefined {
  if (labelSelector === undefined) return undefined;
  const labels = pod.metadata.labels ?? {};
  const found = matchLabelKeys.filter((key) => Object.hasOwn(labels, key));
  if (found.length === 0) return labelSelector;
  const asked = found.map((key) => ({ key, operator: 'In', values: [labels[key] ?? ''] }));
  return { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...asked] };
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
