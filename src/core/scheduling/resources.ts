/** Requests against what a Node has left, and the number of its Pods (scheduler plugin NodeResourcesFit). */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { Rule } from './rule.ts';

export function resourcesRule(pod: Pod, cluster: Cluster): Rule {
  const requests = Object.entries(pod.spec.scheduling?.requests ?? {});
  const delegated = delegatedResources(pod, cluster);
  for (const resource of delegated) {
    cluster.noteNotModelled(
      `Pod ${keyOf(pod)} has ${resource}, which its Node does not list; devices are not modelled`,
    );
  }
  const counted = requests.filter(([resource]) => !delegated.has(resource));
  return {
    change: 'worse',
    refuse: (node) => {
      const isFull = node.podCount + 1 > (node.allocatable.pods ?? 0);
      if (!isFull && counted.every(([resource, amount]) => amount <= node.free(resource))) return undefined;
      const lacking = counted.filter(([resource, amount]) => amount > node.free(resource));
      return [...(isFull ? ['Too many pods'] : []), ...lacking.map(([resource]) => `Insufficient ${resource}`)];
    },
  };
}

/**
 * An extended resource that a running Pod has though its Node does not list it was allocated as a device, by dynamic resource
 * allocation (`DRAExtendedResource`).
 */
function delegatedResources({ spec }: Pod, { leaving }: Cluster): ReadonlySet<string> {
  if (leaving === undefined || spec.nodeName !== leaving.name) return new Set();
  const requested = Object.keys(spec.scheduling?.requests ?? {});
  return new Set(requested.filter((name) => name.includes('/') && (leaving.allocatable[name] ?? 0) === 0));
}
