/** The rights to judge the Pods of a Node and to drain it, in any cluster: shared by the features that do so. */
import type { RbacRule } from './rbac.ts';

const WATCH = ['list', 'watch'];

export const DRAIN_RULES: readonly RbacRule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: WATCH, because: 'taints that request maintenance' },
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'], because: 'the report and the conditions' },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: [...WATCH, 'patch'],
    because: 'checking related Pods, and annotating them when a request is rejected',
  },
  { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'], because: 'draining' },
  {
    apiGroups: ['apps'],
    resources: ['statefulsets', 'replicasets', 'daemonsets'],
    verbs: WATCH,
    because: 'the number of members that owners want, and quorum without a budget',
  },
  {
    apiGroups: [''],
    resources: ['replicationcontrollers'],
    verbs: WATCH,
    because: 'the number of members that owners want',
  },
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: WATCH,
    because: 'the number of members that owners want, and Jobs that an eviction would fail permanently',
  },
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
];

/** Needed if the settings select Pods by labels of their namespaces. */
export const NAMESPACES_RULE: RbacRule = {
  apiGroups: [''],
  resources: ['namespaces'],
  verbs: WATCH,
  because: 'namespace selectors of the settings',
};
