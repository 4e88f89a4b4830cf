/** What the program may do with given options: the features' rules and those of the parts that they share. */
import type { RunOptions } from './config-schema.ts';
import type { RbacRule } from './core/rbac.ts';
import { tmmRules } from './tmm/rbac.ts';
import { needsNamespaces } from './tmm/wiring.ts';

export interface Rights {
  /** For a ClusterRole. */
  readonly cluster: readonly RbacRule[];
  /** For a Role in the namespace of the Lease. */
  readonly namespace: readonly RbacRule[];
}

export function rightsFor({ tmm, leaderElection }: Pick<RunOptions, 'tmm' | 'leaderElection'>): Rights {
  const { enabled, settings } = tmm;
  const lease: RbacRule = {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    because: 'leader election',
  };
  return {
    cluster: enabled ? tmmRules({ cordon: settings.cordon, namespaceSelectors: needsNamespaces(settings) }) : [],
    namespace: leaderElection.enabled ? [lease] : [],
  };
}
