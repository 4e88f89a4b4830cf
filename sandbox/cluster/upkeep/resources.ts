/** All resources whose objects may own others or live in a namespace: those of Kubernetes, and those that CRDs add. */
import type { CustomResourceDefinition } from '../base/kinds.ts';
import type { World } from '../base/world.ts';

export interface KnownResource {
  /** `deployments.apps` */
  readonly resource: string;
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

/** By group; cluster-wide kinds have a star. Events own nothing and are numerous: only the deletion of their namespace concerns them. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  '': [
    'ConfigMap',
    'Endpoints',
    'LimitRange',
    'Node*',
    'PersistentVolume*',
    'PersistentVolumeClaim',
    'Pod',
    'ReplicationController',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  batch: ['CronJob', 'Job'],
  'coordination.k8s.io': ['Lease'],
  policy: ['PodDisruptionBudget'],
  'rbac.authorization.k8s.io': ['ClusterRole*', 'ClusterRoleBinding*', 'Role', 'RoleBinding'],
  'storage.k8s.io': ['StorageClass*', 'VolumeAttachment*'],
};

const KUBERNETES: readonly KnownResource[] = Object.entries(BUILT_IN).flatMap(([group, kinds]) =>
  kinds.map((entry) => {
    const kind = entry.replace('*', '');
    return { resource: resourceName(pluralOf(kind), group), group, kind, namespaced: !entry.endsWith('*') };
  }),
);

/** Calls `add` for each known resource, and for each new one. */
export function onResource(world: World, add: (resource: KnownResource) => void): void {
  for (const each of KUBERNETES) add(each);
  world.mirror(CRDS).onChange(({ type, object }) => {
    if (type === 'ADDED') add(customResource(object));
  });
}

function customResource({ spec }: CustomResourceDefinition): KnownResource {
  const { group, names, scope } = spec;
  return { resource: resourceName(names.plural, group), group, kind: names.kind, namespaced: scope === 'Namespaced' };
}

export function resourceName(plural: string, group: string): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  return lower.endsWith('s') ? (lower === 'endpoints' ? lower : `${lower}es`) : lower.replace(/y$/, 'ie').concat('s');
}
