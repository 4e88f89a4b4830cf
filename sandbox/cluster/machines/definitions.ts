/** The CustomResourceDefinitions of Cluster API and Metal3, with the columns that kubectl shows. */
import type { Draft } from '../../api.ts';
import type { World } from '../base/world.ts';

interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type?: 'date';
  readonly priority?: number;
}

interface Definition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly columns: readonly Column[];
}

const AGE: Column = { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' };
const condition = (name: string, type: string): Column => ({
  name,
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
});

const MACHINE: Definition = {
  group: 'cluster.x-k8s.io',
  version: 'v1beta2',
  kind: 'Machine',
  plural: 'machines',
  shortNames: ['ma'],
  columns: [
    { name: 'Cluster', jsonPath: '.spec.clusterName' },
    { name: 'Node Name', jsonPath: '.status.nodeRef.name' },
    { name: 'Provider ID', jsonPath: '.spec.providerID', priority: 10 },
    condition('Ready', 'Ready'),
    condition('Available', 'Available'),
    { name: 'Phase', jsonPath: '.status.phase' },
    AGE,
    { name: 'Version', jsonPath: '.spec.version' },
  ],
};
const CLUSTER: Definition = {
  group: 'cluster.x-k8s.io',
  version: 'v1beta2',
  kind: 'Cluster',
  plural: 'clusters',
  shortNames: ['cl'],
  columns: [
    { name: 'Paused', jsonPath: '.spec.paused', priority: 10 },
    condition('Available', 'Available'),
    { name: 'Phase', jsonPath: '.status.phase' },
    AGE,
  ],
};
const BARE_METAL_HOST: Definition = {
  group: 'metal3.io',
  version: 'v1alpha1',
  kind: 'BareMetalHost',
  plural: 'baremetalhosts',
  shortNames: ['bmh', 'bmhost'],
  columns: [
    { name: 'Status', jsonPath: '.status.operationalStatus', priority: 1 },
    { name: 'State', jsonPath: '.status.provisioning.state' },
    { name: 'Consumer', jsonPath: '.spec.consumerRef.name' },
    { name: 'Online', jsonPath: '.spec.online' },
    { name: 'Error', jsonPath: '.status.errorType' },
    AGE,
  ],
};

/** Serves Machines and Clusters, unless they are served already. */
export function serveClusterApi(world: World): void {
  for (const each of [MACHINE, CLUSTER]) define(world, each);
}

/** Serves BareMetalHosts, unless they are served already. */
export function serveMetal3(world: World): void {
  define(world, BARE_METAL_HOST);
}

function define(world: World, definition: Definition): void {
  world.createUnlessThere('customresourcedefinitions.apiextensions.k8s.io', draftOf(definition));
}

/** The fields are the real ones; their types are not checked, except for those that kubectl shows. */
function draftOf({ group, version, kind, plural, shortNames, columns }: Definition): Draft {
  const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: free, status: free } } };
  return {
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'cluster.x-k8s.io/provider': group === 'metal3.io' ? 'infrastructure-metal3' : 'cluster-api' },
      annotations: { 'api-approved.kubernetes.io': 'unapproved, served by the sandbox' },
    },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories: [group.split('.')[0]],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema,
          subresources: { status: {} },
          additionalPrinterColumns: columns.map(({ type = 'string', ...column }) => ({ ...column, type })),
        },
      ],
    },
  };
}
