/** The rights that the program needs with given options: those of the features and those of the parts that they share. */
import type { RbacRule } from '../core/rbac.ts';
import { rightsIn, type Sections } from './features.ts';

export interface Rights {
  /** For a ClusterRole. */
  readonly cluster: readonly RbacRule[];
  /** For a Role in each of the namespaces that the process is limited to; empty if it is not limited. */
  readonly watched: readonly RbacRule[];
  /** For a Role in our own namespace, which holds the Lease. */
  readonly namespace: readonly RbacRule[];
}

/** @param options those of `run`; only some of them matter here. */
export function rightsFor(
  options: Sections & {
    readonly namespaces: readonly string[];
    readonly leaderElection: { readonly enabled: boolean; readonly id: string };
  },
): Rights {
  const { namespaces, leaderElection } = options;
  const features = rightsIn(options);
  const everywhere = features.flatMap(({ cluster = [] }) => cluster);
  const watched = features.flatMap((rights) => rights.watched ?? []);
  const isLimited = namespaces.length > 0;
  return {
    cluster: isLimited ? everywhere : [...everywhere, ...watched],
    watched: isLimited ? watched : [],
    namespace: [
      ...(leaderElection.enabled ? leaseRules(leaderElection.id) : []),
      ...features.flatMap(({ own = [] }) => own),
    ],
  };
}

function leaseRules(name: string): readonly RbacRule[] {
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    {
      ...leases,
      verbs: ['create'],
      because: 'leader election: creating the Lease, which a rule cannot limit to a name',
    },
    { ...leases, resourceNames: [name], verbs: ['get', 'update'], because: 'leader election' },
  ];
}
