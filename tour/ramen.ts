/** A Ramen hub with two clusters, without Open Cluster Management: the cluster of the fifth step. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Draft, SandboxApi, Stored } from '../sandbox/api.ts';
import type { Sandbox as Cluster } from '../sandbox/start.ts';
import { SHOP, WEB_PODS } from './cluster.ts';
import type { Runner } from './runner.ts';

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';
const WORKS = 'manifestworks.work.open-cluster-management.io';
const VIEWS = 'managedclusterviews.view.open-cluster-management.io';
const MODES = 'maintenancemodes.ramendr.openshift.io';
const WEB = { resource: 'deployments.apps', namespace: SHOP, name: 'web' } as const;
const PROVISIONER = 'block.example.com';
const CLUSTERS = ['east', 'west'] as const;
type ClusterName = (typeof CLUSTERS)[number];
export type RamenClusters = Readonly<Record<ClusterName, Cluster>>;

/** The kind that comes with Ramen; those of the hub are the chart's own. */
const MAINTENANCE_MODES: Draft = {
  metadata: { name: MODES },
  spec: {
    group: 'ramendr.openshift.io',
    scope: 'Cluster',
    names: {
      kind: 'MaintenanceMode',
      listKind: 'MaintenanceModeList',
      plural: 'maintenancemodes',
      singular: 'maintenancemode',
    },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** Creates the objects that the hub needs, before the program starts. */
export function furnishHub(api: SandboxApi, clusters: RamenClusters): void {
  const folder = resolve(import.meta.dirname, '../charts/maintenance-bridge/files/ramen-crds');
  for (const file of readdirSync(folder))
    api.create(DEFINITIONS, parse(readFileSync(join(folder, file), 'utf8')) as Draft);
  api.create(DEFINITIONS, MAINTENANCE_MODES);
  for (const name of CLUSTERS) {
    api.create('namespaces', { metadata: { name } });
    const data = { value: Buffer.from(clusters[name].kubeconfig).toString('base64') };
    api.create('secrets', { metadata: { name: `${name}-kubeconfig` }, data }, name);
  }
}

/** @returns the path of a configuration for serving these clusters, and for handling MaintenanceModes. */
export function configureRamen(folder: string): string {
  const path = join(folder, 'config.yaml');
  const provider = {
    storageProvisioner: PROVISIONER,
    scaleToZero: [{ kind: 'Deployment', namespace: SHOP, name: 'web' }],
  };
  const ramen = {
    bridge: { enabled: true, clusters: CLUSTERS.map((name) => ({ name })) },
    maintenanceMode: { enabled: true, providers: [provider] },
  };
  // JSON is YAML.
  writeFileSync(
    path,
    JSON.stringify({ apiVersion: 'maintenance-bridge.io/v1alpha1', kind: 'BridgeConfiguration', ramen }),
  );
  return path;
}

/** Creates a work, a view and a MaintenanceMode, like Ramen. */
export async function serveHub(runner: Runner, { east }: RamenClusters): Promise<void> {
  const { output, api } = runner;
  output.fact('This cluster is the hub of east and west. Ramen asks by works, and looks by views.');
  const settings = (mode: string): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: 'default' },
    data: { mode },
  });
  api.create(WORKS, { metadata: { name: 'shop' }, spec: { workload: { manifests: [settings('primary')] } } }, 'east');
  const onEast = (): Stored | undefined =>
    east.api.get({ resource: 'configmaps', namespace: 'default', name: 'settings' });
  const work = (): Stored | undefined => api.get({ resource: WORKS, namespace: 'east', name: 'shop' });
  await runner.expect({
    what: 'ManifestWork shop to be applied on cluster east',
    of: [WORKS],
    probe: () => (statusOf(work(), 'Applied') === 'True' && onEast() !== undefined) || undefined,
    found: () => JSON.stringify(work()?.status),
  });
  output.fact('ManifestWork shop: Applied=True; ConfigMap settings is on cluster east');
  const scope = { version: 'v1', kind: 'ConfigMap', name: 'settings', namespace: 'default' };
  api.create(VIEWS, { metadata: { name: 'settings' }, spec: { scope } }, 'east');
  const view = (): Stored | undefined => api.get({ resource: VIEWS, namespace: 'east', name: 'settings' });
  const shows = (mode: string): Promise<true> =>
    runner.expect({
      what: `ManagedClusterView settings to show mode ${mode}`,
      of: [VIEWS],
      probe: () => modeIn(view()) === mode || undefined,
      found: () => JSON.stringify(view()?.status),
    });
  await shows('primary');
  const spec = { workload: { manifests: [settings('secondary')] } };
  api.patch({ resource: WORKS, namespace: 'east', name: 'shop' }, { spec });
  await shows('secondary');
  output.fact('ManagedClusterView settings: Processing=True; it followed the work from primary to secondary');

  api.create(MODES, {
    metadata: { name: 'mirror' },
    spec: { storageProvisioner: PROVISIONER, targetID: 'this', modes: ['Failover'] },
  });
  const mode = (): Stored | undefined => api.get({ resource: MODES, name: 'mirror' });
  await runner.expect({
    what: 'MaintenanceMode mirror to be reached',
    of: [MODES],
    probe: () => statusOf(mode(), 'FailoverActivated') === 'True' || undefined,
    found: () => JSON.stringify(mode()?.status),
  });
  output.fact('MaintenanceMode mirror: Deployment web at 0, no Pod left, FailoverActivated=True');
  await runner.kubectl('delete maintenancemode mirror');
  const replicas = (): unknown => (api.get(WEB)?.spec as { replicas?: number } | undefined)?.replicas;
  await runner.expect({
    what: `Deployment web to have ${WEB_PODS} replicas again`,
    of: [MODES, WEB.resource],
    probe: () => (mode() === undefined && replicas() === WEB_PODS) || undefined,
    found: () => `${String(replicas())} replicas`,
  });
  output.fact(`MaintenanceMode mirror is gone, and Deployment web has its ${WEB_PODS} replicas again`);
}

function statusOf(object: Stored | undefined, type: string): string | undefined {
  const { conditions = [] } = (object?.status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return conditions.find((each) => each.type === type)?.status;
}

function modeIn(view: Stored | undefined): string | undefined {
  return ((view?.status ?? {}) as { result?: { data?: { mode?: string } } }).result?.data?.mode;
}
