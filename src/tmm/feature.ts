/** Temporary Maintenance Mode as one value; see `core/feature.ts`. */
import type { Feature } from '../core/feature.ts';
import { annotationOf } from '../core/meta.ts';
import { NODE, type Node, POD } from '../core/objects.ts';
import { SECRET, STORED_POD_SELECTOR, STORED_POD_TYPE, secretNameOf } from '../core/stored-pods.ts';
import { explainNode } from './explain/node.ts';
import { TMM_METRICS } from './metrics.ts';
import {
  CONDITIONS,
  CORDON_ANNOTATION,
  DEFAULT_REJECTION_ANNOTATION,
  FAILURE_REASONS,
  MESSAGE_SUFFIX,
  PHASES,
  PRESETS,
  REJECTION_MARKER,
  REPORT_ANNOTATION,
} from './names.ts';
import { TMM_OPTION_ROWS } from './options.ts';
import { STORED_PODS_RULE, tmmRules } from './rbac.ts';
import { mayCordon, needsNamespaces, type TmmSettings, tmmSettingsSchema } from './settings.ts';

export const tmm = {
  name: 'tmm',
  section: ['tmm'],
  title: 'Temporary Maintenance Mode',
  enable: { flag: 'enable-tmm', default: true, help: 'Run Temporary Maintenance Mode' },
  options: TMM_OPTION_ROWS,
  settings: tmmSettingsSchema,
  controllers: ['tmm'],
  watched: [
    'nodes',
    'pods',
    'poddisruptionbudgets',
    'statefulsets',
    'replicasets',
    'daemonsets',
    'replicationcontrollers',
    'jobs',
    'persistentvolumeclaims',
    'persistentvolumes',
    'storageclasses',
    'csinodes',
    'namespaces',
    'secrets',
  ],
  metrics: TMM_METRICS,
  explained: [
    {
      resource: NODE,
      shortNames: ['no'],
      overview: {
        states: PHASES,
        by: [],
        explainer: (_, { taints }) => ({ explain: (node: Node) => explainNode(node, taints) }),
      },
    },
    { resource: POD, shortNames: ['po'] },
  ],
  traces: [
    {
      what: 'Nodes carry a report of their maintenance, whose taint is still there',
      resource: NODE,
      isLeft: (node) => annotationOf(node, REPORT_ANNOTATION) !== undefined,
      isGrave: false,
      remedy: 'remove the taints while the bridge runs, or for Machines end their maintenance',
    },
    {
      what: 'Nodes carry a cordon of ours',
      resource: NODE,
      isLeft: (node) => annotationOf(node, CORDON_ANNOTATION) !== undefined,
      isGrave: false,
      remedy: 'remove the taints while the bridge runs, or uncordon them',
    },
    {
      what: 'Pods carry a rejection of ours',
      resource: POD,
      isLeft: (pod) => annotationOf(pod, REJECTION_MARKER) !== undefined,
      isGrave: false,
      remedy: 'remove the taints of their Nodes while the bridge runs',
    },
    {
      what: 'Secrets hold Pods that are to be created again',
      resource: SECRET,
      labelSelector: STORED_POD_SELECTOR,
      isInOwnNamespace: true,
      isLeft: () => true,
      isGrave: false,
      remedy: 'end the maintenance of their Nodes while the bridge runs with tmm.unmanagedPods: recreate',
    },
  ],
  rights: (settings) => {
    const recreate = settings.unmanagedPods === 'recreate';
    return {
      cluster: tmmRules({ cordon: mayCordon(settings), namespaceSelectors: needsNamespaces(settings), recreate }),
      own: recreate ? [STORED_PODS_RULE] : [],
    };
  },
  chart: {
    value: 'tmm',
    help: 'Temporary Maintenance Mode: a taint on a Node requests its maintenance',
    writes: [
      { on: NODE, annotations: [REPORT_ANNOTATION], conditions: CONDITIONS },
      // The rejection's own keys are settings; see `rejection` below.
      { on: POD, annotations: [REJECTION_MARKER] },
    ],
    plain: { cordon: 'never' },
    variants: [
      { name: 'namespaceSelectors', section: { pods: [{ namespaceSelector: {} }] } },
      { name: 'recreate', section: { unmanagedPods: 'recreate' } },
      {
        name: 'cordon',
        section: { cordon: 'always' },
        writes: [{ on: NODE, annotations: [CORDON_ANNOTATION], spec: ['unschedulable'] }],
      },
    ],
    data: {
      taintOfPreset: Object.fromEntries(
        Object.entries(PRESETS).map(([name, { key, value, effect }]) => [name, `${key}=${value}:${effect}`]),
      ),
      // Thresholds of alerts are derived from these timeouts.
      timeouts: Object.fromEntries(
        TMM_OPTION_ROWS.flatMap((row) => (row.kind === 'duration' ? [[row.path.at(-1), row.default]] : [])),
      ),
      rejection: {
        annotation: DEFAULT_REJECTION_ANNOTATION,
        ofPreset: Object.fromEntries(
          Object.entries(PRESETS).flatMap(([name, taint]) =>
            'rejectionAnnotation' in taint ? [[name, taint.rejectionAnnotation]] : [],
          ),
        ),
        suffix: MESSAGE_SUFFIX,
        reasons: FAILURE_REASONS,
      },
      storedPod: { type: STORED_POD_TYPE, prefix: secretNameOf('') },
    },
  },
} as const satisfies Feature<TmmSettings>;
