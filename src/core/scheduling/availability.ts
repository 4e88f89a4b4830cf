/** Nodes that take no new Pods at all; except for the cordon, this rule is our own and not the scheduler's. */
import type { Pod, Taint } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { Rule } from './rule.ts';
import { isTolerated } from './taints.ts';

const CORDON: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/**
 * The Node must be ready, not cordoned and not in maintenance. The scheduler sees readiness and maintenance as taints, which a Pod may
 * tolerate; here a Pod that has to move never counts as placed on a Node that is down or must be left itself. The cordon is judged as the
 * scheduler does (plugin NodeUnschedulable).
 */
export function availabilityRule({ spec }: Pod, cluster: Cluster): Rule {
  const toleratesCordon = isTolerated(CORDON, spec.tolerations ?? []);
  return {
    change: 'never',
    refuse: (node) => {
      if (cluster.isUnavailable(node)) return ['node(s) were in maintenance'];
      if (!node.isReady) return ['node(s) were not ready'];
      return node.isCordoned && !toleratesCordon ? ['node(s) were unschedulable'] : undefined;
    },
  };
}
