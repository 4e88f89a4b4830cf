/** The rights of this feature, and no more. */
import type { RbacRule } from '../core/rbac.ts';

const WATCH = ['list', 'watch'];

/** In the namespaces of the Machines. */
export const CAPI_RULES: readonly RbacRule[] = [
  {
    apiGroups: ['cluster.x-k8s.io'],
    resources: ['machines'],
    verbs: [...WATCH, 'patch'],
    because: 'the pre-drain hook and the maintenance label',
  },
  {
    apiGroups: ['cluster.x-k8s.io'],
    resources: ['clusters'],
    verbs: [...WATCH, 'patch'],
    because: 'paused and deleted Clusters; the Nodes by which a workload cluster is recognised',
  },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get'],
    because: 'kubeconfigs of workload clusters, read by names that a rule cannot express',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create'],
    because: 'Events on Machines and Clusters',
  },
];

/** In each workload cluster, for operators who issue narrower kubeconfigs than Cluster API's own. */
export const WORKLOAD_RULES: readonly RbacRule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: [...WATCH, 'patch'], because: 'labels to and from the Nodes' },
];
