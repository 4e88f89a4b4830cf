/** The Cluster API bridge as one value; see `core/feature.ts`. */
import type { Feature } from '../core/feature.ts';
import {
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  HOOK_TIMER_ANNOTATION,
  KNOWN_NODES_ANNOTATION,
  MAINTENANCE_LABEL,
  RELEASED_ANNOTATION,
  STALE_DELETION_APPROVAL,
  STALE_MAINTENANCE_APPROVAL,
} from '../core/machine-keys.ts';
import { CLUSTER, CLUSTER_API_VERSIONS, type DatedMachine, MACHINE } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import { explainUnasked } from './explain.ts';
import { CAPI_METRICS } from './metrics.ts';
import { STATES } from './names.ts';
import { CAPI_OPTION_ROWS } from './options.ts';
import { CAPI_RULES, WORKLOAD_RULES } from './rbac.ts';
import { type CapiSettings, capiSettingsSchema } from './settings.ts';

export const capi = {
  name: 'capi',
  section: ['capi'],
  title: 'Cluster API bridge',
  enable: {
    flag: 'enable-capi',
    default: true,
    help: 'Run the Cluster API bridge; it waits quietly while Cluster API is not installed',
  },
  options: CAPI_OPTION_ROWS,
  settings: capiSettingsSchema,
  controllers: ['capi', 'capi-nodes', 'capi-clusters'],
  // The last stands for the Nodes of all workload clusters together.
  watched: ['machines', 'clusters', 'workload-nodes'],
  metrics: CAPI_METRICS,
  explained: [
    {
      resource: MACHINE,
      versions: CLUSTER_API_VERSIONS,
      shortNames: ['ma'],
      overview: {
        states: STATES,
        by: [{ resource: CLUSTER, versions: CLUSTER_API_VERSIONS }],
        explainer: (sourceOf, settings) => {
          const clusters = sourceOf(CLUSTER);
          return {
            explain: (machine: DatedMachine, nowMs) => explainUnasked(machine, { clusters, settings, nowMs }),
          };
        },
      },
    },
  ],
  traces: [
    {
      what: 'Machines carry our pre-drain hook, which holds their deletion',
      resource: MACHINE,
      versions: CLUSTER_API_VERSIONS,
      isLeft: (machine) => annotationOf(machine, HOOK_ANNOTATION) !== undefined,
      isGrave: true,
      remedy: `remove the label ${ENABLED_LABEL} from them and from their templates while the bridge runs`,
    },
  ],
  rights: () => ({ watched: CAPI_RULES }),
  workloadRights: { suffix: '', rules: WORKLOAD_RULES },
  chart: {
    value: 'clusterApi',
    help: 'Cluster API bridge; waits quietly while Cluster API is not installed. It may read Secrets by name in all namespaces, or in those of `config.namespaces`',
    writes: [
      {
        on: MACHINE,
        annotations: [
          HOOK_ANNOTATION,
          HOOK_TIMER_ANNOTATION,
          RELEASED_ANNOTATION,
          STALE_DELETION_APPROVAL,
          STALE_MAINTENANCE_APPROVAL,
        ],
        labels: [MAINTENANCE_LABEL],
      },
      { on: CLUSTER, annotations: [KNOWN_NODES_ANNOTATION] },
    ],
  },
} as const satisfies Feature<CapiSettings>;
