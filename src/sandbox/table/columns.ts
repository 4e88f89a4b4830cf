/** The columns of `kubectl get`, by collection (kubernetes `pkg/printers/internalversion/printers.go`). */
import { at, isObject, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { podCells } from './pods.ts';
import { ageOf, namesOf, selectorText } from './words.ts';

export interface TableColumn {
  readonly name: string;
  /** @default 'string' */
  readonly type?: string;
  readonly format?: string;
  /** 1 is shown with `-o wide` only. @default 0 */
  readonly priority?: number;
  readonly description?: string;
}

export interface TableKind {
  readonly columns: readonly TableColumn[];
  cells(object: JsonObject, now: number): readonly unknown[];
}

const NAME: TableColumn = { name: 'Name', format: 'name' };
const AGE: TableColumn = { name: 'Age' };
const wide = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, priority: 1 }));
const columns = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name }));
const numbers = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, type: 'integer' }));

const nameOf = ({ metadata }: JsonObject): string => textOf(objectOf(metadata).name);
const count = (object: JsonObject, ...path: readonly string[]): number => numberOf(at(object, ...path)) ?? 0;
const age = ({ metadata }: JsonObject, now: number): string => ageOf(objectOf(metadata).creationTimestamp, now);
const containersOf = (object: JsonObject) => listOf(at(object, 'spec', 'template', 'spec', 'containers'));
const images = (object: JsonObject): string[] => [
  namesOf(containersOf(object), 'name'),
  namesOf(containersOf(object), 'image'),
];
const selector = (object: JsonObject): string => selectorText(at(object, 'spec', 'selector'));

const WORKLOAD_WIDE = wide('Containers', 'Images', 'Selector');

export const OTHERS: TableKind = {
  columns: [NAME, AGE],
  // The server answers with a time here, and kubectl makes an age of it.
  cells: (object) => [nameOf(object), objectOf(object.metadata).creationTimestamp ?? null],
};

export const TABLES: Readonly<Record<string, TableKind>> = {
  pods: {
    columns: [
      NAME,
      ...columns('Ready', 'Status', 'Restarts'),
      AGE,
      ...wide('IP', 'Node', 'Nominated Node', 'Readiness Gates'),
    ],
    cells: podCells,
  },
  nodes: {
    columns: [
      NAME,
      ...columns('Status', 'Roles'),
      AGE,
      ...columns('Version'),
      ...wide('Internal-IP', 'External-IP', 'OS-Image', 'Kernel-Version', 'Container-Runtime'),
    ],
    cells: nodeCells,
  },
  namespaces: {
    columns: [NAME, ...columns('Status'), AGE],
    cells: (object, now) => [nameOf(object), textOf(at(object, 'status', 'phase')), age(object, now)],
  },
  'deployments.apps': {
    columns: [NAME, ...columns('Ready'), ...columns('Up-to-date', 'Available'), AGE, ...WORKLOAD_WIDE],
    cells: (object, now) => [
      nameOf(object),
      `${count(object, 'status', 'readyReplicas')}/${count(object, 'spec', 'replicas')}`,
      count(object, 'status', 'updatedReplicas'),
      count(object, 'status', 'availableReplicas'),
      age(object, now),
      ...images(object),
      selector(object),
    ],
  },
  'replicasets.apps': replicas('Desired', 'Current', 'Ready'),
  replicationcontrollers: replicas('Desired', 'Current', 'Ready'),
  'statefulsets.apps': {
    columns: [NAME, ...columns('Ready'), AGE, ...wide('Containers', 'Images')],
    cells: (object, now) => [
      nameOf(object),
      `${count(object, 'status', 'readyReplicas')}/${count(object, 'spec', 'replicas')}`,
      age(object, now),
      ...images(object),
    ],
  },
  'daemonsets.apps': {
    columns: [
      NAME,
      ...numbers('Desired', 'Current', 'Ready', 'Up-to-date', 'Available'),
      ...columns('Node Selector'),
      AGE,
      ...WORKLOAD_WIDE,
    ],
    cells: (object, now) => [
      nameOf(object),
      count(object, 'status', 'desiredNumberScheduled'),
      count(object, 'status', 'currentNumberScheduled'),
      count(object, 'status', 'numberReady'),
      count(object, 'status', 'updatedNumberScheduled'),
      count(object, 'status', 'numberAvailable'),
      selectorText({ matchLabels: at(object, 'spec', 'template', 'spec', 'nodeSelector') }),
      age(object, now),
      ...images(object),
      selector(object),
    ],
  },
  'poddisruptionbudgets.policy': {
    columns: [NAME, ...columns('Min Available', 'Max Unavailable'), ...numbers('Allowed Disruptions'), AGE],
    cells: (object, now) => [
      nameOf(object),
      String(at(object, 'spec', 'minAvailable') ?? 'N/A'),
      String(at(object, 'spec', 'maxUnavailable') ?? 'N/A'),
      count(object, 'status', 'disruptionsAllowed'),
      age(object, now),
    ],
  },
  events: {
    columns: [
      ...columns('Last Seen', 'Type', 'Reason', 'Object'),
      ...wide('Subobject', 'Source'),
      ...columns('Message'),
      ...wide('First Seen', 'Count'),
      { name: 'Name', format: 'name', priority: 1 },
    ],
    cells: eventCells,
  },
  'cronjobs.batch': {
    columns: [
      NAME,
      ...columns('Schedule', 'Timezone', 'Suspend'),
      ...numbers('Active'),
      ...columns('Last Schedule'),
      AGE,
      ...WORKLOAD_WIDE,
    ],
    cells: (object, now) => {
      const last = at(object, 'status', 'lastScheduleTime');
      const template = { spec: { template: at(object, 'spec', 'jobTemplate', 'spec', 'template') } };
      return [
        nameOf(object),
        textOf(at(object, 'spec', 'schedule')),
        textOf(at(object, 'spec', 'timeZone')) || '<none>',
        at(object, 'spec', 'suspend') === true ? 'True' : 'False',
        listOf(at(object, 'status', 'active')).length,
        last === undefined ? '<none>' : ageOf(last, now),
        age(object, now),
        ...images(template),
        '<none>',
      ];
    },
  },
  configmaps: {
    columns: [NAME, ...columns('Data'), AGE],
    cells: (object, now) => [
      nameOf(object),
      Object.keys(objectOf(object.data)).length + Object.keys(objectOf(object.binaryData)).length,
      age(object, now),
    ],
  },
  secrets: {
    columns: [NAME, ...columns('Type', 'Data'), AGE],
    cells: (object, now) => [
      nameOf(object),
      textOf(object.type),
      Object.keys(objectOf(object.data)).length,
      age(object, now),
    ],
  },
  'leases.coordination.k8s.io': {
    columns: [NAME, ...columns('Holder'), AGE],
    cells: (object, now) => [nameOf(object), textOf(at(object, 'spec', 'holderIdentity')), age(object, now)],
  },
  'customresourcedefinitions.apiextensions.k8s.io': {
    columns: [NAME, { name: 'Created At', type: 'date' }],
    cells: (object) => [nameOf(object), objectOf(object.metadata).creationTimestamp ?? null],
  },
  services: {
    columns: [NAME, ...columns('Type', 'Cluster-IP', 'External-IP', 'Port(s)'), AGE, ...wide('Selector')],
    cells: serviceCells,
  },
  'priorityclasses.scheduling.k8s.io': {
    columns: [NAME, ...columns('Value', 'Global-Default'), AGE, ...columns('PreemptionPolicy')],
    cells: (object, now) => [
      nameOf(object),
      object.value ?? 0,
      object.globalDefault ?? false,
      age(object, now),
      textOf(object.preemptionPolicy),
    ],
  },
};

function replicas(...names: readonly string[]): TableKind {
  return {
    columns: [NAME, ...numbers(...names), AGE, ...WORKLOAD_WIDE],
    cells: (object, now) => [
      nameOf(object),
      count(object, 'spec', 'replicas'),
      count(object, 'status', 'replicas'),
      count(object, 'status', 'readyReplicas'),
      age(object, now),
      ...images(object),
      selector(object),
    ],
  };
}

const ROLE = 'node-role.kubernetes.io/';

function nodeCells(node: JsonObject, now: number): readonly unknown[] {
  const ready = listOf(at(node, 'status', 'conditions')).find((one) => isObject(one) && one.type === 'Ready');
  const state = ready === undefined ? 'Unknown' : objectOf(ready).status === 'True' ? 'Ready' : 'NotReady';
  const cordoned = at(node, 'spec', 'unschedulable') === true ? ',SchedulingDisabled' : '';
  const roles = Object.keys(objectOf(objectOf(node.metadata).labels)).flatMap((label) =>
    label.startsWith(ROLE) ? [label.slice(ROLE.length)] : [],
  );
  const info = objectOf(at(node, 'status', 'nodeInfo'));
  const address = (type: string): string => {
    const found = listOf(at(node, 'status', 'addresses')).find((one) => objectOf(one).type === type);
    return textOf(objectOf(found).address) || '<none>';
  };
  return [
    nameOf(node),
    state + cordoned,
    roles.length === 0 ? '<none>' : roles.toSorted().join(','),
    age(node, now),
    textOf(info.kubeletVersion),
    address('InternalIP'),
    address('ExternalIP'),
    ...['osImage', 'kernelVersion', 'containerRuntimeVersion'].map((field) => textOf(info[field]) || '<unknown>'),
  ];
}

function eventCells(event: JsonObject, now: number): readonly unknown[] {
  const about = objectOf(event.involvedObject ?? event.regarding);
  const series = objectOf(event.series);
  const first = event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime;
  const last = series.lastObservedTime ?? event.lastTimestamp ?? event.deprecatedLastTimestamp ?? first;
  const { component, host } = objectOf(event.source ?? event.deprecatedSource);
  const source = [
    component ?? event.reportingComponent ?? event.reportingController,
    host ?? event.reportingInstance,
  ].filter((part) => textOf(part) !== '');
  return [
    ageOf(last, now),
    textOf(event.type),
    textOf(event.reason),
    `${textOf(about.kind).toLowerCase()}/${textOf(about.name)}`,
    textOf(about.fieldPath),
    source.join(', '),
    textOf(event.message ?? event.note).trim(),
    ageOf(first, now),
    numberOf(series.count) ?? numberOf(event.count ?? event.deprecatedCount) ?? 1,
    nameOf(event),
  ];
}

function serviceCells(service: JsonObject, now: number): readonly unknown[] {
  const spec = objectOf(service.spec);
  const ports = listOf(spec.ports).map(objectOf);
  const portText = ports.map(
    ({ port, nodePort, protocol }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`,
  );
  return [
    nameOf(service),
    textOf(spec.type),
    textOf(spec.clusterIP) || '<none>',
    spec.type === 'ExternalName' ? textOf(spec.externalName) : '<none>',
    portText.length === 0 ? '<none>' : portText.join(','),
    age(service, now),
    selectorText({ matchLabels: spec.selector }),
  ];
}
