/** The chart's parts for Ramen: separate roles that equal those that the code declares, and optional CustomResourceDefinitions. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  CHART_DIRECTORY,
  type Manifest,
  manifestsIn,
  NAMESPACE,
  ofKind,
  optionsIn,
  refusal,
  render,
  tryRendering,
} from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import { rightsFor } from '../../src/app/rbac.ts';
import type { RbacRule } from '../../src/core/rbac.ts';
import { MANAGED_CLUSTER, MANAGED_CLUSTER_VIEW, MANIFEST_WORK } from '../../src/ramen/objects.ts';
import { MANAGED_CLUSTER_RULES, PULL_RULES } from '../../src/ramen/rbac.ts';
import { allowedKeys, policiesIn } from './policies.ts';

const scale = { kind: 'Deployment', namespace: 'rook-ceph', name: 'mirror' };
const annotate = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'a',
  name: 'b',
  key: 'c.example/d',
  value: 'e',
};
const provider = (more: object): object => ({ storageProvisioner: 'x', ...more });
const PROVIDERS: readonly (readonly object[])[] = [
  [],
  [provider({ annotate: [annotate] })],
  [provider({ annotate: [annotate] }), { storageProvisioner: 'y', scaleToZero: [scale] }],
];
const place = (name: string): object => ({ namespace: 'ns', name });
const BRIDGES: readonly object[] = [
  {},
  { managedClusters: false },
  { secretPolicies: true, clusters: [{ name: 'east' }] },
  { clusters: [{ name: 'west' }, { name: 'east' }] },
  {
    clusters: [{ name: 'west', kubeconfigSecret: { name: 'other', key: 'x' } }, { name: 'east' }],
    copySecrets: [
      { from: place('s3'), to: place('s3') },
      { from: place('other'), to: place('psk') },
    ],
  },
  { clusters: [{ name: 'east' }], hub: { kubeconfigSecret: place('hub') } },
];
const CASES = PROVIDERS.flatMap((providers) =>
  BRIDGES.flatMap((bridge) => [[], ['east', NAMESPACE]].map((namespaces) => ({ providers, bridge, namespaces }))),
);

const texts = (rules: readonly object[]): readonly string[] => rules.map((rule) => JSON.stringify(rule)).sort();
const plain = (rules: readonly RbacRule[]): readonly string[] => texts(rules.map(({ because: _, ...rule }) => rule));
const rulesOf = ({ rules }: Manifest): readonly object[] => rules as readonly object[];

describeWithTools('the chart for Ramen', [CHART_TOOLS], (get) => {
  const valuesOf = ({ providers, bridge, namespaces }: (typeof CASES)[number]) => ({
    features: {
      tmm: { enabled: false },
      clusterApi: { enabled: false },
      ramenMaintenanceMode: { enabled: true },
      ramenBridge: { enabled: true },
    },
    config: { namespaces, ramen: { maintenanceMode: { providers }, bridge } },
  });

  it.each(CASES)('grants what the code declares for $providers, $bridge, namespaces $namespaces', async (each) => {
    const manifests = await render(get().helm, { values: valuesOf(each) });
    const options = optionsIn(manifests);
    const { cluster, watched } = rightsFor(options);
    expect(texts(ofKind(manifests, 'ClusterRole').flatMap(rulesOf))).toEqual(plain(cluster));
    const roles = ofKind(manifests, 'Role').filter(({ metadata }) => metadata.name.endsWith('-ramen-bridge'));
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(watched.length === 0 ? [] : options.namespaces);
    for (const role of roles) expect(texts(rulesOf(role))).toEqual(plain(watched));
  });

  it('keeps each part to a role of its own, which is there only with it', async () => {
    const roles = async (values: object): Promise<readonly string[]> =>
      ofKind(await render(get().helm, { values }), 'ClusterRole').map(({ metadata }) => metadata.name);
    expect(await roles({})).toEqual(['maintenance-bridge']);
    expect(await roles({ features: { ramenBridge: { enabled: true } } })).toEqual([
      'maintenance-bridge',
      'maintenance-bridge-ramen-bridge',
    ]);
    expect(await roles({ features: { ramenMaintenanceMode: { enabled: true } } })).toEqual([
      'maintenance-bridge',
      'maintenance-bridge-ramen-maintenance-mode',
    ]);
  });

  it('lets the bridge reach no Secret but those that the values name', async () => {
    const [, values] = [0, valuesOf({ providers: [], bridge: BRIDGES[4] ?? {}, namespaces: [] })];
    const rules = ofKind(await render(get().helm, { values }), 'ClusterRole').flatMap(rulesOf) as readonly RbacRule[];
    const onSecrets = rules.filter(({ resources }) => resources.includes('secrets'));
    expect(onSecrets).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['east-kubeconfig', 'other', 's3'],
        verbs: ['get', 'list', 'watch'],
      },
    ]);
  });

  it('has the rules for kubeconfigs of clusters, and of a hub, in files that equal the code', async () => {
    const read = async (name: string): Promise<readonly Manifest[]> => {
      const { readFile } = await import('node:fs/promises');
      return manifestsIn(await readFile(join(CHART_DIRECTORY, 'files', name), 'utf8'));
    };
    expect(texts((await read('managed-cluster.yaml')).flatMap(rulesOf))).toEqual(plain(MANAGED_CLUSTER_RULES));
    const [everywhere, inNamespace] = await read('ramen-hub.yaml');
    expect(texts(rulesOf(everywhere as Manifest))).toEqual(plain(PULL_RULES.everywhere));
    expect(texts(rulesOf(inNamespace as Manifest))).toEqual(plain(PULL_RULES.inNamespace));
  });

  it('brings the definitions of the three kinds on request, to stay, and none of another kind', async () => {
    const without = await render(get().helm, { values: { features: { ramenBridge: { enabled: true } } } });
    expect(ofKind(without, 'CustomResourceDefinition')).toEqual([]);
    const manifests = await render(get().helm, { values: { features: { ramenBridge: { crds: true } } } });
    const found = ofKind(manifests, 'CustomResourceDefinition');
    expect(found.map(({ metadata }) => metadata.name).sort()).toEqual(
      [MANAGED_CLUSTER, MANAGED_CLUSTER_VIEW, MANIFEST_WORK].map(({ plural, group }) => `${plural}.${group}`).sort(),
    );
    expect(readdirSync(join(CHART_DIRECTORY, 'files/ramen-crds'))).toHaveLength(found.length);
    for (const { metadata, spec } of found) {
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
      // Ramen compares specs and would see fields that the API server adds as a change.
      expect(JSON.stringify(spec)).not.toContain('"default"');
    }
  });

  it('judges each write of the bridge on a hub, and of the provider, by a policy', async () => {
    const values = valuesOf({ providers: PROVIDERS[2] ?? [], bridge: BRIDGES[3] ?? {}, namespaces: [] });
    const manifests = await render(get().helm, { values: { ...values, admissionPolicy: { enabled: true } } });
    const policies = policiesIn(manifests);
    expect(policies.map(({ metadata }) => metadata.name.replace('maintenance-bridge-', '')).sort()).toEqual([
      'deployments',
      'maintenancemodes',
      'managedclusters',
      'managedclusterviews',
      'manifestworks',
      'new-managedclusters',
      'replicasets',
      'statefulsets',
    ]);
    expect(new Set(allowedKeys(policies))).toEqual(
      new Set(['maintenance-bridge.io/maintenance-mode', 'maintenance-bridge.io/former-replicas', 'c.example/d']),
    );
  });

  it.each([
    {
      what: 'a pull for two clusters',
      config: { bridge: { clusters: [{ name: 'a' }, { name: 'b' }], hub: { kubeconfigSecret: place('hub') } } },
      says: 'config.ramen.bridge.clusters: wanted exactly one cluster, this one, where hub.kubeconfigSecret is set, found 2',
    },
    {
      what: 'a provider that does nothing',
      config: { maintenanceMode: { providers: [{ storageProvisioner: 'x' }] } },
      says: 'config.ramen.maintenanceMode.providers[0]: wanted at least one entry in scaleToZero or annotate, found none',
    },
    {
      what: 'an unknown key',
      config: { bridge: { cluster: [] } },
      says: /config\/ramen\/bridge.*additional properties 'cluster' not allowed/,
    },
    {
      what: 'a kind that cannot be scaled',
      config: { maintenanceMode: { providers: [provider({ scaleToZero: [{ ...scale, kind: 'DaemonSet' }] })] } },
      says: /scaleToZero\/0\/kind.*value must be one of 'Deployment', 'StatefulSet', 'ReplicaSet'/,
    },
  ])('refuses $what', async ({ config, says }) => {
    expect(await refusal(get().helm, { config: { ramen: config } })).toMatch(says);
  });

  it('renders nothing else with its default values than without the parts', async () => {
    const { stdout } = await tryRendering(get().helm);
    expect(stdout).not.toMatch(/open-cluster-management|ramendr/);
  });
});
