/** The kinds of a Ramen hub and of its clusters, as CustomResourceDefinitions. */
import type { ControlPlane } from '../controlplane/controlplane.ts';
import type { Rest } from './rest.ts';
import { eventually } from './wait.ts';

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
}

const OCM: readonly Kind[] = [
  {
    group: 'work.open-cluster-management.io',
    version: 'v1',
    kind: 'ManifestWork',
    plural: 'manifestworks',
    scope: 'Namespaced',
  },
  {
    group: 'view.open-cluster-management.io',
    version: 'v1beta1',
    kind: 'ManagedClusterView',
    plural: 'managedclusterviews',
    scope: 'Namespaced',
  },
  {
    group: 'cluster.open-cluster-management.io',
    version: 'v1',
    kind: 'ManagedCluster',
    plural: 'managedclusters',
    scope: 'Cluster',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'DRPlacementControl',
    plural: 'drplacementcontrols',
    scope: 'Namespaced',
  },
];

const ON_CLUSTERS: readonly Kind[] = [
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'VolumeReplicationGroup',
    plural: 'volumereplicationgroups',
    scope: 'Namespaced',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'DRClusterConfig',
    plural: 'drclusterconfigs',
    scope: 'Cluster',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'MaintenanceMode',
    plural: 'maintenancemodes',
    scope: 'Cluster',
  },
  {
    group: 'replication.storage.openshift.io',
    version: 'v1alpha1',
    kind: 'VolumeReplicationClass',
    plural: 'volumereplicationclasses',
    scope: 'Cluster',
  },
  {
    group: 'snapshot.storage.k8s.io',
    version: 'v1',
    kind: 'VolumeSnapshotClass',
    plural: 'volumesnapshotclasses',
    scope: 'Cluster',
  },
  {
    group: 'operators.coreos.com',
    version: 'v1',
    kind: 'OperatorGroup',
    plural: 'operatorgroups',
    scope: 'Namespaced',
  },
  {
    group: 'operators.coreos.com',
    version: 'v1alpha1',
    kind: 'Subscription',
    plural: 'subscriptions',
    scope: 'Namespaced',
  },
];

/** Kinds without a schema: the tests are about the writers, not about validation. */
export async function install(api: Rest, kinds: readonly Kind[]): Promise<void> {
  for (const { group, version, kind, plural, scope } of kinds) {
    await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: {
        name: `${plural}.${group}`,
        // Groups of Kubernetes are protected.
        annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
      },
      spec: {
        group,
        scope,
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            subresources: kind.endsWith('Class') ? {} : { status: {} },
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
  }
  for (const { group, version, plural } of kinds) {
    await eventually(() => api.list(`/apis/${group}/${version}/${plural}`), { what: `${plural} to be served` });
  }
}

export const installHub = (hub: ControlPlane): Promise<void> => install(hub.api, OCM);
export const installCluster = (cluster: ControlPlane): Promise<void> => install(cluster.api, ON_CLUSTERS);
