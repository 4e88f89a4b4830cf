/** The Metal3 integration as one value; see `core/feature.ts`. */
import type { Feature, IsSet } from '../core/feature.ts';
import { MAINTENANCE_LABEL, SKIP_REMEDIATION_ANNOTATION, SKIP_REMEDIATION_OWNER } from '../core/machine-keys.ts';
import {
  BARE_METAL_HOST,
  BARE_METAL_HOST_VERSIONS,
  type BareMetalHost,
  CLUSTER,
  CLUSTER_API_VERSIONS,
  MACHINE,
} from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import { explainHost } from './explain.ts';
import { METAL3_METRICS } from './metrics.ts';
import { POWER_ANNOTATION, REBOOT_ANNOTATION, STATES } from './names.ts';
import { METAL3_OPTION_ROWS } from './options.ts';
import { GATE_RULES, METAL3_RULES } from './rbac.ts';
import { type Metal3Settings, metal3SettingsSchema } from './settings.ts';
import { declareIndexes } from './watches.ts';

export const metal3 = {
  name: 'metal3',
  section: ['metal3'],
  title: 'Metal3',
  enable: {
    flag: 'enable-metal3-maintenance',
    default: false,
    help: 'Power off the BareMetalHosts of Machines whose maintenance is approved, until it ends',
  },
  options: METAL3_OPTION_ROWS,
  settings: metal3SettingsSchema,
  controllers: ['metal3', 'metal3-hosts'],
  watched: ['machines', 'clusters', 'baremetalhosts'],
  metrics: METAL3_METRICS,
  explained: [
    {
      resource: BARE_METAL_HOST,
      versions: BARE_METAL_HOST_VERSIONS,
      shortNames: ['bmh', 'bmhost'],
      overview: {
        states: [...STATES, 'ConsumerUnknown', 'MachineUnseen'],
        by: [
          { resource: MACHINE, versions: CLUSTER_API_VERSIONS },
          { resource: CLUSTER, versions: CLUSTER_API_VERSIONS },
        ],
        explainer: (sourceOf, settings) => {
          const [hosts, machines, clusters] = [sourceOf(BARE_METAL_HOST), sourceOf(MACHINE), sourceOf(CLUSTER)];
          declareIndexes({ hosts, machines });
          return {
            explain: (host: BareMetalHost, nowMs) => explainHost(host, { hosts, machines, clusters }, settings, nowMs),
          };
        },
      },
    },
  ],
  traces: [
    {
      what: 'BareMetalHosts carry our reboot annotation, which keeps them off',
      resource: BARE_METAL_HOST,
      versions: BARE_METAL_HOST_VERSIONS,
      isLeft: (host) => annotationOf(host, REBOOT_ANNOTATION) !== undefined,
      isGrave: true,
      remedy: `remove the label ${MAINTENANCE_LABEL} from their Machines while the bridge runs`,
    },
  ],
  rights: () => ({ watched: METAL3_RULES }),
  workloadRights: {
    suffix: '-gates',
    rules: GATE_RULES,
    onlyFor: 'metal3.requireDrained and metal3.waitForVolumeDetach',
  },
  switchesMachinesOff: true,
  // The gates' questions to a Node use the connections of the Cluster API bridge.
  conflicts: (isSet: IsSet) =>
    isSet(true, 'metal3', 'enabled') && isSet(false, 'capi', 'enabled')
      ? (['requireDrained', 'waitForVolumeDetach'] as const)
          .filter((gate) => isSet(true, 'metal3', gate))
          .map((gate) => ({ path: ['metal3', gate], text: 'wanted false while capi.enabled is false, found true' }))
      : [],
  chart: {
    value: 'metal3',
    help: 'Powers off the BareMetalHosts of Machines whose maintenance is approved, until it ends',
    writes: [
      { on: MACHINE, annotations: [SKIP_REMEDIATION_ANNOTATION, SKIP_REMEDIATION_OWNER] },
      { on: BARE_METAL_HOST, annotations: [REBOOT_ANNOTATION, POWER_ANNOTATION] },
    ],
  },
} as const satisfies Feature<Metal3Settings>;
