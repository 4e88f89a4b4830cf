/** What this feature may do, and no more. */
import type { RbacRule } from '../core/rbac.ts';

const WATCH = ['list', 'watch'];

/**
 * @param cordon whether `tmm.cordon` is on: the only reason to write a Node beyond its status.
 * @param recreate whether `tmm.unmanagedPods` is `recreate`.
 */
export function tmmRules({
  cordon,
  namespaceSelectors,
  recreate,
}: {
  readonly cordon: boolean;
  readonly namespaceSelectors: boolean;
  readonly recreate: boolean;
}): readonly RbacRule[] {
  return [
    { apiGroups: [''], resources: ['nodes'], verbs: WATCH, because: 'taints ask for maintenance' },
    { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'], because: 'the report and the conditions' },
    {
      apiGroups: [''],
      resources: ['pods'],
      verbs: [...WATCH, 'patch'],
      because: 'related Pods are judged and told of a rejection',
    },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'], because: 'draining' },
    { apiGroups: ['apps'], resources: ['statefulsets'], verbs: WATCH, because: 'quorum without a budget' },
    {
      apiGroups: ['policy'],
      resources: ['poddisruptionbudgets'],
      verbs: WATCH,
      because: 'the verdict, and waiting for budgets',
    },
    {
      apiGroups: ['storage.k8s.io'],
      resources: ['storageclasses', 'csinodes'],
      verbs: WATCH,
      because: 'whether Pods with volumes fit elsewhere',
    },
    {
      apiGroups: [''],
      resources: ['persistentvolumeclaims', 'persistentvolumes'],
      verbs: WATCH,
      because: 'a Pod with a local volume is pinned to its Node',
    },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'], because: 'Events on the Node' },
    ...(namespaceSelectors
      ? [{ apiGroups: [''], resources: ['namespaces'], verbs: WATCH, because: 'namespace selectors of the settings' }]
      : []),
    ...(recreate
      ? [
          {
            apiGroups: [''],
            resources: ['pods'],
            verbs: ['get', 'create'],
            because: 'Pods without a controller come back',
          },
        ]
      : []),
    ...(cordon ? [{ apiGroups: [''], resources: ['nodes'], verbs: ['patch'], because: 'spec.unschedulable' }] : []),
  ];
}

/** In our own namespace, with `unmanagedPods: recreate`. */
export const STORED_PODS_RULE: RbacRule = {
  apiGroups: [''],
  resources: ['secrets'],
  verbs: ['get', ...WATCH, 'create', 'update', 'delete'],
  because: 'Pods without a controller are stored until they come back',
};
