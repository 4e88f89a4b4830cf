/** Machine drain as one value; see `core/feature.ts`. */
import type { Feature, IsSet } from '../../core/feature.ts';
import { DRAIN_ANNOTATION, DRAIN_LABEL, MAINTENANCE_LABEL } from '../../core/machine-keys.ts';
import { CLUSTER_API_VERSIONS, MACHINE } from '../../core/machine-objects.ts';
import { annotationOf } from '../../core/meta.ts';
import { DRAIN_METRICS } from './metrics.ts';
import { MAINTENANCE_STATE_LABEL } from './names.ts';
import { DRAIN_OPTION_ROWS } from './options.ts';
import { DRAIN_WORKLOAD_RULES } from './rbac.ts';
import { type DrainSettings, drainSettingsSchema } from './settings.ts';

export const machineDrain = {
  name: 'machineDrain',
  section: ['capi', 'drain'],
  title: 'Machine drain',
  enable: {
    flag: 'enable-machine-drain',
    default: false,
    help: 'Drain and approve the Nodes of Machines whose maintenance is requested or that are being deleted, in their workload clusters',
  },
  options: DRAIN_OPTION_ROWS,
  settings: drainSettingsSchema,
  controllers: ['machine-drain', 'machine-drain-nodes'],
  watched: [],
  metrics: DRAIN_METRICS,
  traces: [
    {
      what: 'Machines have Nodes that are fenced or drained for them',
      resource: MACHINE,
      versions: CLUSTER_API_VERSIONS,
      isLeft: (machine) => annotationOf(machine, DRAIN_ANNOTATION) !== undefined,
      isGrave: true,
      remedy: `end their maintenance by removing the label ${MAINTENANCE_LABEL} while machine drain is enabled`,
    },
  ],
  rights: () => ({}),
  workloadRights: { suffix: '-drain', rules: DRAIN_WORKLOAD_RULES, onlyFor: 'capi.drain' },
  workloadLabels: [DRAIN_LABEL, MAINTENANCE_STATE_LABEL],
  conflicts: (isSet: IsSet) =>
    isSet(true, 'capi', 'drain', 'enabled') && isSet(false, 'capi', 'enabled')
      ? [{ path: ['capi', 'drain', 'enabled'], text: 'wanted false while capi.enabled is false, found true' }]
      : [],
  chart: {
    value: 'machineDrain',
    help: 'Drains and approves the Nodes of Machines whose maintenance is requested or that are being deleted, over the connections of the Cluster API bridge',
    writes: [{ on: MACHINE, annotations: [DRAIN_ANNOTATION] }],
  },
} as const satisfies Feature<DrainSettings>;
