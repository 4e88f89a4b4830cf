/** What the program may do with given options: the features' rules and those of the parts that they share. */
import { CAPI_RULES } from './capi/rbac.ts';
import type { RunOptions } from './config-schema.ts';
import type { RbacRule } from './core/rbac.ts';
import { METAL3_RULES } from './metal3/rbac.ts';
import { STORED_PODS_RULE, tmmRules } from './tmm/rbac.ts';
import { needsNamespaces } from './tmm/wiring.ts';

export interface Rights {
  /** For a ClusterRole. */
  readonly cluster: readonly RbacRule[];
  /** For a Role in each of the namespaces that the process is limited to; empty where it is not. */
  readonly watched: readonly RbacRule[];
  /** For a Role in our own namespace, which is that of the Lease. */
  readonly namespace: readonly RbacRule[];
}

export function rightsFor(
  options: Pick<RunOptions, 'tmm' | 'capi' | 'metal3' | 'namespaces'> & {
    readonly leaderElection: Pick<RunOptions['leaderElection'], 'enabled' | 'id'>;
  },
): Rights {
  const { tmm, capi, metal3, namespaces, leaderElection } = options;
  const { settings } = tmm;
  const recreate = settings.unmanagedPods === 'recreate';
  const onNodes = tmm.enabled
    ? tmmRules({ cordon: settings.cordon, namespaceSelectors: needsNamespaces(settings), recreate })
    : [];
  const onMachines = [...(capi.enabled ? CAPI_RULES : []), ...(metal3.enabled ? METAL3_RULES : [])];
  const isLimited = namespaces.length > 0;
  return {
    cluster: isLimited ? onNodes : [...onNodes, ...onMachines],
    watched: isLimited ? onMachines : [],
    namespace: [
      ...(leaderElection.enabled ? leaseRules(leaderElection.id) : []),
      ...(tmm.enabled && recreate ? [STORED_PODS_RULE] : []),
    ],
  };
}

function leaseRules(name: string): readonly RbacRule[] {
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    {
      ...leases,
      verbs: ['create'],
      because: 'leader election, the first time; no rule can name what is not there yet',
    },
    { ...leases, resourceNames: [name], verbs: ['get', 'update'], because: 'leader election' },
  ];
}
