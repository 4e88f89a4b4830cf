/** The kinds that are served without any CustomResourceDefinition. */
import { apiVersionOf, nameOfResource, type Resource, type Subresource } from './resource.ts';
import { builtInType } from './types.ts';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

interface Row {
  readonly kind: string;
  /** @default the kind in lower case, with an s */
  readonly plural?: string;
  readonly short?: readonly string[];
  readonly categories?: readonly string[];
  readonly clusterWide?: boolean;
  /** Names; each is readable and writable, except those of `CREATED`. */
  readonly subresources?: readonly string[];
  /** @default all */
  readonly verbs?: readonly string[];
  /** @default its own */
  readonly collection?: string;
  /** The warning in every answer about it. */
  readonly deprecation?: string;
}

/** Subresources that are only posted to, and their kinds. */
const CREATED: Readonly<Record<string, Pick<Subresource, 'kind' | 'group' | 'version'>>> = {
  binding: { kind: 'Binding' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
};

const review = (kind: string): Row => ({ kind, clusterWide: true, verbs: ['create'] });

const GROUPS: Readonly<Record<string, readonly Row[]>> = {
  '': [
    { kind: 'Binding', verbs: ['create'] },
    { kind: 'ConfigMap', short: ['cm'] },
    {
      kind: 'Endpoints',
      plural: 'endpoints',
      short: ['ep'],
      deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    },
    { kind: 'Event', short: ['ev'] },
    { kind: 'LimitRange', short: ['limits'] },
    {
      kind: 'Namespace',
      short: ['ns'],
      clusterWide: true,
      subresources: ['finalize', 'status'],
      verbs: ALL_VERBS.filter((verb) => verb !== 'deletecollection'),
    },
    { kind: 'Node', short: ['no'], clusterWide: true, subresources: ['status'] },
    { kind: 'PersistentVolumeClaim', short: ['pvc'], subresources: ['status'] },
    { kind: 'PersistentVolume', short: ['pv'], clusterWide: true, subresources: ['status'] },
    {
      kind: 'Pod',
      short: ['po'],
      categories: ['all'],
      subresources: ['binding', 'ephemeralcontainers', 'eviction', 'log', 'resize', 'status'],
    },
    { kind: 'ReplicationController', short: ['rc'], categories: ['all'], subresources: ['scale', 'status'] },
    { kind: 'ResourceQuota', short: ['quota'], subresources: ['status'] },
    { kind: 'Secret' },
    { kind: 'ServiceAccount', short: ['sa'], subresources: ['token'] },
    { kind: 'Service', short: ['svc'], categories: ['all'], subresources: ['status'] },
  ],
  apps: [
    { kind: 'ControllerRevision' },
    { kind: 'DaemonSet', short: ['ds'], categories: ['all'], subresources: ['status'] },
    { kind: 'Deployment', short: ['deploy'], categories: ['all'], subresources: ['scale', 'status'] },
    { kind: 'ReplicaSet', short: ['rs'], categories: ['all'], subresources: ['scale', 'status'] },
    { kind: 'StatefulSet', short: ['sts'], categories: ['all'], subresources: ['scale', 'status'] },
  ],
  'events.k8s.io': [{ kind: 'Event', short: ['ev'], collection: 'events' }],
  'authentication.k8s.io': [review('SelfSubjectReview'), review('TokenReview')],
  'authorization.k8s.io': [
    review('SelfSubjectAccessReview'),
    review('SelfSubjectRulesReview'),
    review('SubjectAccessReview'),
  ],
  batch: [
    { kind: 'CronJob', short: ['cj'], categories: ['all'], subresources: ['status'] },
    { kind: 'Job', categories: ['all'], subresources: ['status'] },
  ],
  policy: [{ kind: 'PodDisruptionBudget', short: ['pdb'], subresources: ['status'] }],
  'rbac.authorization.k8s.io': [
    { kind: 'ClusterRoleBinding', clusterWide: true },
    { kind: 'ClusterRole', clusterWide: true },
    { kind: 'RoleBinding' },
    { kind: 'Role' },
  ],
  'storage.k8s.io': [
    { kind: 'CSIDriver', clusterWide: true },
    { kind: 'CSINode', clusterWide: true },
    { kind: 'StorageClass', plural: 'storageclasses', short: ['sc'], clusterWide: true },
    { kind: 'VolumeAttachment', clusterWide: true, subresources: ['status'] },
  ],
  'apiextensions.k8s.io': [
    {
      kind: 'CustomResourceDefinition',
      short: ['crd', 'crds'],
      categories: ['api-extensions'],
      clusterWide: true,
      subresources: ['status'],
    },
  ],
  'scheduling.k8s.io': [{ kind: 'PriorityClass', plural: 'priorityclasses', short: ['pc'], clusterWide: true }],
  'coordination.k8s.io': [{ kind: 'Lease' }],
};

/** Name of a built-in kind's type in `types.json`: `core.v1.Pod`. */
export const typeNameOf = (group: string, version: string, kind: string): string =>
  `${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`;

export const BUILT_IN: readonly Resource[] = Object.entries(GROUPS).flatMap(([group, rows]) =>
  rows.map((row) => resourceOf(group, row)),
);

function resourceOf(group: string, row: Row): Resource {
  const {
    kind,
    short = [],
    categories = [],
    clusterWide = false,
    subresources = [],
    verbs = ALL_VERBS,
    deprecation,
  } = row;
  const singular = kind.toLowerCase();
  const plural = row.plural ?? `${singular}s`.replace(/ys$/, 'ies');
  return {
    group,
    version: 'v1',
    plural,
    singular,
    kind,
    listKind: `${kind}List`,
    isNamespaced: !clusterWide,
    shortNames: short,
    categories,
    verbs,
    subresources: subresources.map((name) => subresourceOf(kind, name)),
    schema: builtInType(typeNameOf(group, 'v1', kind)),
    ...(deprecation !== undefined && { deprecation }),
    collection: row.collection ?? nameOfResource({ group, plural }),
    storedAs: row.collection === undefined ? apiVersionOf({ group, version: 'v1' }) : 'v1',
  };
}

function subresourceOf(kind: string, name: string): Subresource {
  const created = CREATED[name];
  if (created !== undefined) return { name, verbs: ['create'], ...created };
  if (name === 'scale') return { name, verbs: ['get', 'patch', 'update'], ...SCALE };
  if (name === 'log') return { name, kind, verbs: ['get'] };
  return { name, kind, verbs: name === 'finalize' ? ['update'] : ['get', 'patch', 'update'] };
}
