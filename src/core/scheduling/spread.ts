/**
 * Topology spread constraints that must hold (scheduler plugin PodTopologySpread).
 *
 * A domain may take the Pod where its number of matching Pods, with this one, exceeds the smallest number of any domain by at
 * most `maxSkew`. Only Nodes that carry every constraint's topology key make domains, and by the constraint's policies only
 * those that the Pod's node affinity admits and whose taints it tolerates. A Node in maintenance makes a domain like any other,
 * which is why it must not be left out of a simulation.
 */
import type { LabelSelector, Pod, SpreadConstraint } from '../objects.ts';
import { matchesLabelSelector } from '../selectors.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import { admitsByAffinity } from './node-affinity.ts';
import type { Rule } from './rule.ts';
import { toleratesAll } from './taints.ts';

const SKEWED = ["node(s) didn't match pod topology spread constraints"];
const NO_LABEL = ["node(s) didn't match pod topology spread constraints (missing required label)"];

export function spreadRule(pod: Pod, cluster: Cluster): Rule | undefined {
  const constraints = pod.spec.scheduling?.spread;
  if (constraints === undefined || constraints.length === 0) return undefined;
  const keys = constraints.map(({ topologyKey }) => topologyKey);
  const labelled = cluster.nodes.filter((node) => keys.every((key) => node.label(key) !== undefined));
  const domains = constraints.map((constraint) => new Domains(constraint, pod, labelled));
  for (const { pod: other, node } of cluster.boundIn(pod.metadata.namespace ?? '')) {
    // A Pod that is being deleted will not be there when this one comes (kubernetes/kubernetes#87621).
    if (other.metadata.deletionTimestamp !== undefined) continue;
    for (const each of domains) each.count(other, node, 1);
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
    moved: (other, node, by) => {
      if (other.metadata.namespace !== pod.metadata.namespace) return;
      for (const each of domains) each.count(other, node, by);
    },
  };
}

/** The domains of one constraint, and how many matching Pods each has. */
class Domains {
  readonly #constraint: SpreadConstraint;
  readonly #selector: LabelSelector | undefined;
  readonly #countsNone: boolean;
  readonly #self: 0 | 1;
  readonly #members: ReadonlySet<FitNode>;
  readonly #counts = new Map<string, number>();
  #smallest: number | undefined;

  constructor(constraint: SpreadConstraint, pod: Pod, nodes: readonly FitNode[]) {
    this.#constraint = constraint;
    this.#selector = withLabelKeys(constraint, pod);
    // Upstream counts no Pods for a selector that matches all, though the Pod itself counts.
    this.#countsNone = this.#selector === undefined || isEmpty(this.#selector);
    this.#self = matchesLabelSelector(this.#selector, pod.metadata.labels) ? 1 : 0;
    this.#members = new Set(nodes.filter((node) => includes(constraint, pod, node)));
    for (const node of this.#members) this.#counts.set(this.#domainOf(node), 0);
  }

  refuse(node: FitNode): typeof SKEWED | undefined {
    const domain = node.label(this.#constraint.topologyKey);
    if (domain === undefined) return NO_LABEL;
    const count = this.#counts.get(domain) ?? 0;
    return count + this.#self - this.#minimum() > this.#constraint.maxSkew ? SKEWED : undefined;
  }

  count(pod: Pod, node: FitNode, by: 1 | -1): void {
    if (this.#countsNone || !this.#members.has(node)) return;
    if (!matchesLabelSelector(this.#selector, pod.metadata.labels)) return;
    const domain = this.#domainOf(node);
    this.#counts.set(domain, (this.#counts.get(domain) ?? 0) + by);
    this.#smallest = undefined;
  }

  #domainOf(node: FitNode): string {
    return node.label(this.#constraint.topologyKey) ?? '';
  }

  /** With fewer domains than `minDomains`, those that do not exist yet count as empty. */
  #minimum(): number {
    if (this.#counts.size < (this.#constraint.minDomains ?? 1)) return 0;
    if (this.#smallest === undefined) {
      this.#smallest = Number.POSITIVE_INFINITY;
      for (const count of this.#counts.values()) this.#smallest = Math.min(this.#smallest, count);
    }
    return this.#smallest;
  }
}

function includes({ nodeAffinityPolicy, nodeTaintsPolicy }: SpreadConstraint, pod: Pod, node: FitNode): boolean {
  if (nodeAffinityPolicy !== 'Ignore' && !admitsByAffinity(pod, node)) return false;
  return nodeTaintsPolicy !== 'Honor' || toleratesAll(node.taints, pod.spec.tolerations ?? []);
}

/** Newer API servers have put the keys into the selector already; asking twice changes nothing. */
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
