/** The rights of this feature, and no more. */
import type { RbacRule } from '../core/rbac.ts';

const WATCH = ['list', 'watch'];

/** In the namespaces of the Machines. */
export const METAL3_RULES: readonly RbacRule[] = [
  {
    apiGroups: ['metal3.io'],
    resources: ['baremetalhosts'],
    verbs: [...WATCH, 'patch'],
    because: 'the reboot annotation',
  },
  {
    apiGroups: ['cluster.x-k8s.io'],
    resources: ['machines'],
    verbs: [...WATCH, 'patch'],
    because: 'approved maintenance, and preventing remediation by a MachineHealthCheck',
  },
  { apiGroups: ['cluster.x-k8s.io'], resources: ['clusters'], verbs: WATCH, because: 'paused Clusters' },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create'],
    because: 'Events on Machines and BareMetalHosts',
  },
];

/** In each workload cluster, if a gate of the configuration is used; in addition to the rights of the Cluster API bridge. */
export const GATE_RULES: readonly RbacRule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: ['list'], because: 'the condition Drained' },
  { apiGroups: [''], resources: ['pods'], verbs: ['list'], because: 'Pods that remain after the drain' },
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['volumeattachments'],
    verbs: ['list'],
    because: 'volumes that are still attached',
  },
];
