/** Compares requests with a Node's free resources, and limits the number of its Pods (scheduler plugin NodeResourcesFit). */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Refusal, Rule } from './rule.ts';

/** @param amounts the Pod's amount of each of the cluster's resources, see `amountsFor()`. */
export function resourcesRule(amounts: readonly number[], { resources }: Cluster): Rule {
  const asked = amounts.flatMap((amount, at) => (amount > 0 ? [at] : []));
  /** Cached, since the same few refusals recur, by the missing resources. */
  const refusals = new Map<string, Refusal>();
  const refusalFor = (node: FitNode): Refusal => {
    const reasons = asked
      .filter((at) => (amounts[at] ?? 0) > (node.free[at] ?? 0))
      .map((at) => `Insufficient ${resources[at]}`);
    if (node.freePods < 1) reasons.unshift('Too many pods');
    const identity = reasons.join();
    const known = refusals.get(identity);
    if (known !== undefined) return known;
    refusals.set(identity, reasons);
    return reasons;
  };
  return {
    change: 'worse',
    refuse: (node) => {
      if (node.freePods < 1) return refusalFor(node);
      for (const at of asked) if ((amounts[at] ?? 0) > (node.free[at] ?? 0)) return refusalFor(node);
      return undefined;
    },
  };
}

/**
 * What the Pod takes of each of the cluster's resources. Devices are left out, in favour of the Pod: an extended resource that a running
 * Pod has although its Node does not list it was allocated by dynamic resource allocation (`DRAExtendedResource`).
 */
export function amountsFor(pod: Pod, cluster: Cluster): readonly number[] {
  const requests = pod.spec.scheduling?.requests ?? {};
  return cluster.resources.map((resource) => {
    const amount = requests[resource] ?? 0;
    if (amount === 0 || !isDelegated(resource, pod, cluster)) return amount;
    cluster.noteNotModelled(
      `Pod ${keyOf(pod)} has ${resource}, which its Node does not list; devices are not modelled`,
    );
    return 0;
  });
}

function isDelegated(resource: string, { spec }: Pod, { leaving }: Cluster): boolean {
  if (leaving === undefined || spec.nodeName !== leaving.name) return false;
  return resource.includes('/') && (leaving.allocatable[resource] ?? 0) === 0;
}
