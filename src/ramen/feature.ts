/** The Ramen parts as values; see `core/feature.ts`. There are two: either runs without the other, and often on another cluster. */
import type { Feature } from '../core/feature.ts';
import { explainMode, explainView, explainWork, MODE_EXPLAINED, VIEW_EXPLAINED, WORK_EXPLAINED } from './explain.ts';
import { BRIDGE_METRICS, MODE_METRICS } from './metrics.ts';
import { FORMER_REPLICAS, MODE_FINALIZER, MODE_RECORD, WORK_FINALIZER } from './names.ts';
import {
  MAINTENANCE_MODE,
  MANAGED_CLUSTER,
  MANAGED_CLUSTER_VIEW,
  MANIFEST_WORK,
  type MaintenanceMode,
  type ManagedClusterView,
  type ManifestWork,
  WORKLOADS,
} from './objects.ts';
import { bridgeRights, IDENTITY, maintenanceModeRules } from './rbac.ts';
import { type BridgeSettings, bridgeSchema, type MaintenanceModeSettings, maintenanceModeSchema } from './settings.ts';
import { trimMode, trimView, trimWork } from './trim.ts';

const TITLE = 'Ramen';

export const ramenModes = {
  name: 'ramenModes',
  section: ['ramen', 'maintenanceMode'],
  title: TITLE,
  enable: {
    flag: 'enable-ramen-maintenance-mode',
    default: false,
    help: 'Answer MaintenanceModes of Ramen by scaling the configured workloads to zero',
  },
  options: [],
  settings: maintenanceModeSchema,
  controllers: ['ramen-modes'],
  watched: ['maintenancemodes'],
  metrics: MODE_METRICS,
  explained: [
    {
      resource: MAINTENANCE_MODE,
      versions: [MAINTENANCE_MODE.version],
      shortNames: [],
      trim: trimMode,
      overview: {
        states: MODE_EXPLAINED,
        by: [],
        explainer: () => ({ explain: (mode: MaintenanceMode) => explainMode(mode) }),
      },
    },
  ],
  traces: [
    {
      what: 'MaintenanceModes carry our finalizer: what they have scaled down stays so',
      resource: MAINTENANCE_MODE,
      versions: [MAINTENANCE_MODE.version],
      isLeft: ({ metadata }) => metadata.finalizers?.includes(MODE_FINALIZER) ?? false,
      isGrave: true,
      remedy: 'wait until Ramen has deleted them, while the bridge runs',
    },
  ],
  rights: (settings) => ({ cluster: maintenanceModeRules(settings) }),
  chart: {
    value: 'ramenMaintenanceMode',
    role: 'ramen-maintenance-mode',
    help: 'Answers MaintenanceModes of Ramen on a managed cluster, by the providers of `config.ramen.maintenanceMode`; docs/ramen.md',
    writes: [
      {
        on: MAINTENANCE_MODE,
        annotations: [MODE_RECORD],
        finalizers: [MODE_FINALIZER],
        status: ['state', 'observedGeneration', 'conditions'],
      },
    ],
    variants: [
      {
        name: 'scale',
        section: {
          providers: [{ storageProvisioner: 'x', scaleToZero: [{ kind: 'Deployment', namespace: 'x', name: 'x' }] }],
        },
        writes: Object.values(WORKLOADS).map((on) => ({ on, annotations: [FORMER_REPLICAS], spec: ['replicas'] })),
      },
    ],
  },
} as const satisfies Feature<MaintenanceModeSettings>;

/** Placeholders for names in the chart's values. */
const SECRETS = 'names-of-secrets';
const HUB_SECRET = 'name-of-the-hub-secret';
const PLAIN_HUB = { managedClusters: false };

export const ramenBridge = {
  name: 'ramenBridge',
  section: ['ramen', 'bridge'],
  title: TITLE,
  enable: {
    flag: 'enable-ramen-bridge',
    default: false,
    help: 'Carry ManifestWorks and ManagedClusterViews between a Ramen hub and its clusters, instead of Open Cluster Management',
  },
  options: [],
  settings: bridgeSchema,
  controllers: ['ramen-works', 'ramen-views', 'ramen-clusters'],
  // The last one stands for all kinds in the clusters of a hub.
  watched: ['manifestworks', 'managedclusterviews', 'managedclusters', 'drplacementcontrols', 'managed-objects'],
  metrics: BRIDGE_METRICS,
  explained: [
    {
      resource: MANIFEST_WORK,
      versions: [MANIFEST_WORK.version],
      shortNames: [],
      trim: trimWork,
      overview: {
        states: WORK_EXPLAINED,
        by: [],
        explainer: () => ({ explain: (work: ManifestWork) => explainWork(work) }),
      },
    },
    {
      resource: MANAGED_CLUSTER_VIEW,
      versions: [MANAGED_CLUSTER_VIEW.version],
      shortNames: [],
      // Only the existence of the result matters here.
      trim: (raw, metaOf) => trimView(raw, metaOf, () => 'some'),
      overview: {
        states: VIEW_EXPLAINED,
        by: [],
        explainer: () => ({ explain: (view: ManagedClusterView) => explainView(view) }),
      },
    },
  ],
  traces: [
    {
      what: 'ManifestWorks carry our finalizer, which holds their deletion',
      resource: MANIFEST_WORK,
      versions: [MANIFEST_WORK.version],
      isLeft: ({ metadata }) => metadata.finalizers?.includes(WORK_FINALIZER) ?? false,
      isGrave: true,
      remedy: `delete them while the bridge runs, or remove the finalizer ${WORK_FINALIZER} where their objects are to stay`,
    },
  ],
  rights: bridgeRights,
  chart: {
    value: 'ramenBridge',
    role: 'ramen-bridge',
    help: 'Carries ManifestWorks and ManagedClusterViews between a Ramen hub and the clusters of `config.ramen.bridge`; docs/ramen.md',
    switches: {
      crds: 'Whether the CustomResourceDefinitions ManifestWork, ManagedClusterView and ManagedCluster are installed, on a hub that has none. They stay when the release goes',
    },
    always: { cluster: [IDENTITY] },
    names: { [SECRETS]: 'ramenSecrets', [HUB_SECRET]: 'ramenHubSecret' },
    writes: [],
    variants: [
      {
        name: 'hub',
        section: PLAIN_HUB,
        writes: [
          { on: MANIFEST_WORK, finalizers: [WORK_FINALIZER], status: ['conditions', 'resourceStatus'] },
          { on: MANAGED_CLUSTER_VIEW, status: ['conditions', 'result'] },
        ],
      },
      {
        name: 'standIns',
        section: {},
        beyond: PLAIN_HUB,
        writes: [{ on: MANAGED_CLUSTER, status: ['conditions', 'clusterClaims'] }],
      },
      {
        name: 'secrets',
        section: { ...PLAIN_HUB, clusters: [{ name: 'x', kubeconfigSecret: { name: SECRETS } }] },
        beyond: PLAIN_HUB,
      },
      { name: 'policies', section: { ...PLAIN_HUB, secretPolicies: true }, beyond: PLAIN_HUB },
      // The cluster's rights limit what works may contain: no policy can know it.
      {
        name: 'pull',
        section: { clusters: [{ name: 'x' }], hub: { kubeconfigSecret: { namespace: 'x', name: HUB_SECRET } } },
      },
    ],
  },
} as const satisfies Feature<BridgeSettings>;
