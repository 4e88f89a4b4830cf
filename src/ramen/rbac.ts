/** The rights of the Ramen parts, and no more. */
import type { FeatureRights } from '../core/feature.ts';
import type { RbacRule } from '../core/rbac.ts';
import type { BridgeSettings, MaintenanceModeSettings } from './settings.ts';

const READ = ['get', 'list', 'watch'];
const WATCH = ['list', 'watch'];
const CHANGE = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** Name of the Lease in the namespace of each cluster. */
export const CLUSTER_LEASE = 'maintenance-bridge-ramen';

export const IDENTITY: RbacRule = {
  apiGroups: [''],
  resources: ['namespaces'],
  resourceNames: ['kube-system'],
  verbs: ['get'],
  because: 'the identity of the cluster',
};

const EVENTS: RbacRule = {
  apiGroups: ['events.k8s.io'],
  resources: ['events'],
  verbs: ['create'],
  because: 'Events on works, views and MaintenanceModes',
};

/** Needed if the bridge maintains ManagedClusters. */
export const STAND_IN_RULES: readonly RbacRule[] = [
  {
    apiGroups: ['cluster.open-cluster-management.io'],
    resources: ['managedclusters'],
    verbs: [...READ, 'create'],
    because: 'the ManagedClusters that Ramen waits for',
  },
  {
    apiGroups: ['cluster.open-cluster-management.io'],
    resources: ['managedclusters/status'],
    verbs: ['patch'],
    because: 'the connection and the identity of a cluster',
  },
];

const APPLICATIONS: RbacRule = {
  apiGroups: ['ramendr.openshift.io'],
  resources: ['drplacementcontrols'],
  verbs: READ,
  because: 'works whose application is gone',
};

const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
const LEASE_RULES: readonly RbacRule[] = [
  {
    ...LEASES,
    verbs: ['create'],
    because: 'one bridge per cluster: creating the Lease, which a rule cannot limit to a name',
  },
  {
    ...LEASES,
    resourceNames: [CLUSTER_LEASE],
    verbs: ['get', 'update', 'patch'],
    because: 'one bridge per cluster, and the identity of that cluster',
  },
];

/** Needed if the Secrets named by Policies are copied: their names are not known in advance. */
const POLICY_RULES: readonly RbacRule[] = [
  {
    apiGroups: ['policy.open-cluster-management.io', 'apps.open-cluster-management.io'],
    resources: ['policies', 'placementbindings', 'placementrules'],
    verbs: ['list'],
    because: 'Policies of Ramen, and the clusters that they are bound to',
  },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get'], because: 'Secrets that Policies of Ramen name' },
];

/** On the hub: for objects outside the clusters' namespaces. */
export function hubRules(settings: BridgeSettings): readonly RbacRule[] {
  const secrets = [
    ...settings.clusters.map(({ kubeconfigSecret }) => kubeconfigSecret.name),
    ...settings.copySecrets.map(({ from }) => from.name),
  ];
  return [
    IDENTITY,
    EVENTS,
    APPLICATIONS,
    ...(settings.managedClusters ? STAND_IN_RULES : []),
    ...(settings.secretPolicies ? POLICY_RULES : []),
    ...(secrets.length === 0
      ? []
      : [
          {
            apiGroups: [''],
            resources: ['secrets'],
            resourceNames: [...new Set(secrets)].sort(),
            verbs: READ,
            because: 'kubeconfigs of the clusters, and their changes; Secrets to copy',
          },
        ]),
    ...LEASE_RULES,
  ];
}

/** On the hub, in the namespaces of the clusters. */
export const WORK_RULES: readonly RbacRule[] = [
  {
    apiGroups: ['work.open-cluster-management.io'],
    resources: ['manifestworks'],
    verbs: [...WATCH, 'patch'],
    because: 'the manifests to apply, and the finalizer',
  },
  {
    apiGroups: ['work.open-cluster-management.io'],
    resources: ['manifestworks/status'],
    verbs: ['patch'],
    because: 'the status of works',
  },
  {
    apiGroups: ['view.open-cluster-management.io'],
    resources: ['managedclusterviews'],
    verbs: WATCH,
    because: 'the requested objects',
  },
  {
    apiGroups: ['view.open-cluster-management.io'],
    resources: ['managedclusterviews/status'],
    verbs: ['patch'],
    because: 'the status of views',
  },
];

/** On the hub, for the kubeconfig of a managed cluster that pulls: for the hub as a whole, and in the cluster's namespace. */
export const PULL_RULES: Readonly<Record<'everywhere' | 'inNamespace', readonly RbacRule[]>> = {
  everywhere: [IDENTITY, APPLICATIONS, ...STAND_IN_RULES],
  inNamespace: [...WORK_RULES, ...LEASE_RULES, EVENTS],
};

/** On a managed cluster: for the objects that Ramen puts into works and requests in views. */
export const MANAGED_CLUSTER_RULES: readonly RbacRule[] = [
  IDENTITY,
  {
    apiGroups: ['ramendr.openshift.io'],
    resources: ['volumereplicationgroups', 'maintenancemodes', 'drclusterconfigs', 'recipes'],
    verbs: CHANGE,
    because: 'objects of Ramen’s works',
  },
  {
    apiGroups: ['csiaddons.openshift.io'],
    resources: ['networkfences'],
    verbs: CHANGE,
    because: 'objects of Ramen’s works (Metro DR)',
  },
  { apiGroups: [''], resources: ['namespaces'], verbs: CHANGE, because: 'Namespaces of protected applications' },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['clusterroles'],
    verbs: [...CHANGE, 'escalate'],
    because: 'the ClusterRoles of the work ramen-dr-cluster, which grant rights that we may not have',
  },
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['storageclasses'],
    verbs: READ,
    because: 'views',
  },
  {
    apiGroups: ['snapshot.storage.k8s.io', 'groupsnapshot.storage.k8s.io'],
    resources: ['volumesnapshotclasses', 'volumegroupsnapshotclasses'],
    verbs: READ,
    because: 'views',
  },
  {
    apiGroups: ['replication.storage.openshift.io', 'csiaddons.openshift.io'],
    resources: ['volumereplicationclasses', 'volumegroupreplicationclasses', 'networkfenceclasses'],
    verbs: READ,
    because: 'views',
  },
  {
    apiGroups: ['apiextensions.k8s.io'],
    resources: ['customresourcedefinitions'],
    verbs: READ,
    because: 'views, and kinds that are installed later',
  },
  {
    apiGroups: ['work.open-cluster-management.io'],
    resources: ['appliedmanifestworks'],
    verbs: WATCH,
    because: 'whether a klusterlet runs on the cluster',
  },
];

/** On the cluster whose MaintenanceModes are handled. Objects under `annotate` need a separate role. */
export function maintenanceModeRules({ providers }: MaintenanceModeSettings): readonly RbacRule[] {
  const scalesAny = providers.some(({ scaleToZero }) => scaleToZero.length > 0);
  return [
    EVENTS,
    {
      apiGroups: ['ramendr.openshift.io'],
      resources: ['maintenancemodes'],
      verbs: [...WATCH, 'patch'],
      because: 'the request to the storage, the finalizer and the record',
    },
    {
      apiGroups: ['ramendr.openshift.io'],
      resources: ['maintenancemodes/status'],
      verbs: ['patch'],
      because: 'the status of MaintenanceModes',
    },
    ...(scalesAny
      ? [
          {
            apiGroups: ['apps'],
            resources: ['deployments', 'statefulsets', 'replicasets'],
            verbs: [...READ, 'patch'],
            because: 'workloads that are scaled to zero',
          },
          { apiGroups: [''], resources: ['pods'], verbs: WATCH, because: 'whether Pods of these workloads are left' },
        ]
      : []),
  ];
}

/** On the cluster that we run against: the hub or, if a Secret leads to the hub, a managed cluster. */
export function bridgeRights(settings: BridgeSettings): FeatureRights {
  const { kubeconfigSecret } = settings.hub;
  if (kubeconfigSecret === undefined) return { cluster: hubRules(settings), watched: WORK_RULES };
  const secret: RbacRule = {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: [kubeconfigSecret.name],
    verbs: ['get'],
    because: 'the kubeconfig of the hub',
  };
  return { cluster: [...MANAGED_CLUSTER_RULES, secret] };
}
