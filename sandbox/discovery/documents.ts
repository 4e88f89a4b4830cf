/** Discovery: which groups, versions and resources are served, one by one and all at once (`apidiscovery.k8s.io/v2`). */
import { notServed } from '../errors.ts';
import type { Registry } from '../kinds/registry.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { KUBERNETES_RELEASE } from '../version.ts';

/** The document of `/version`. */
export const VERSION = {
  major: '1',
  minor: KUBERNETES_RELEASE.split('.')[1],
  gitVersion: `${KUBERNETES_RELEASE}+sandbox`,
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'nodejs',
};

export const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Whether the client takes the aggregated form. */
export function acceptsAggregated(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((range) => {
    const parts = range.split(';').map((part) => part.trim());
    return parts.includes('application/json') && parts.includes('as=APIGroupDiscoveryList') && parts.includes('v=v2');
  });
}

export const coreVersions = (address: string): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
});

/** Versions by group, the preferred one first. */
function versionsByGroup(registry: Registry): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(registry.all(), ({ group }) => group);
  return new Map(
    [...groups].map(([group, resources]) => [group, [...new Set(resources.map(({ version }) => version))]]),
  );
}

export const groupList = (registry: Registry): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [...versionsByGroup(registry)]
    .filter(([group]) => group !== '')
    .map(([group, versions]) => groupOf(group, versions)),
});

/** @throws ApiError 404 */
export function oneGroup(registry: Registry, name: string): object {
  const versions = versionsByGroup(registry).get(name);
  if (versions === undefined) throw notServed();
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, versions) };
}

function groupOf(name: string, versions: readonly string[]): object {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** @throws ApiError 404 */
export function resourceList(registry: Registry, group: string, version: string): object {
  const resources = registry.all().filter((one) => one.group === group && one.version === version);
  if (resources.length === 0) throw notServed();
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap(entriesOf),
  };
}

function entriesOf({
  plural,
  singular,
  isNamespaced,
  kind,
  verbs,
  shortNames,
  categories,
  subresources,
}: Resource): object[] {
  const entry = {
    name: plural,
    singularName: singular,
    namespaced: isNamespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  };
  const below = subresources.map((one) => ({
    name: `${plural}/${one.name}`,
    singularName: '',
    namespaced: isNamespaced,
    ...(one.group !== undefined && { group: one.group }),
    ...(one.version !== undefined && { version: one.version }),
    kind: one.kind,
    verbs: one.verbs,
  }));
  return [entry, ...below];
}

/** @param isCore `/api`, else `/apis` */
export function aggregated(registry: Registry, isCore: boolean): object {
  const groups = [...versionsByGroup(registry)].filter(([group]) => (group === '') === isCore);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: isCore ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: registry
          .all()
          .filter((one) => one.group === group && one.version === version)
          .map(discoveredOf),
        freshness: 'Current',
      })),
    })),
  };
}

function discoveredOf(resource: Resource): object {
  const { group, version, plural, singular, isNamespaced, kind, verbs, shortNames, categories, subresources } =
    resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: isNamespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((one) => ({
        subresource: one.name,
        responseKind: { group: one.group ?? group, version: one.version ?? version, kind: one.kind },
        verbs: one.verbs,
      })),
    }),
  };
}
