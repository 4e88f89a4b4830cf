/** Columns of Nodes, Namespaces, Events and other kinds without a group of their own. */
import { at, isObject, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { AGE, age, columns, flags, NAME, nameOf, numbers, type TableKind, wide } from './table-kind.ts';
import { ageOf, selectorText } from './words.ts';

export const CORE: Readonly<Record<string, TableKind>> = {
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
  services: {
    columns: [NAME, ...columns('Type', 'Cluster-IP', 'External-IP', 'Port(s)'), AGE, ...wide('Selector')],
    cells: serviceCells,
  },
  'priorityclasses.scheduling.k8s.io': {
    columns: [NAME, ...numbers('Value'), ...flags('Global-Default'), AGE, ...columns('PreemptionPolicy')],
    cells: (object, now) => [
      nameOf(object),
      object.value ?? 0,
      object.globalDefault ?? false,
      age(object, now),
      textOf(object.preemptionPolicy),
    ],
  },
  serviceaccounts: { columns: [NAME, AGE], cells: (object, now) => [nameOf(object), age(object, now)] },
  endpoints: {
    columns: [NAME, ...columns('Endpoints'), AGE],
    cells: (object, now) => [nameOf(object), endpointsText(object), age(object, now)],
  },
  resourcequotas: {
    columns: [NAME, ...columns('Request', 'Limit'), AGE],
    cells: (object, now) => {
      const isLimit = (name: string): boolean => name.startsWith('limits');
      return [nameOf(object), usage(object, (name) => !isLimit(name)), usage(object, isLimit), age(object, now)];
    },
  },
};

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

const MAX_ENDPOINTS = 3;

function endpointsText({ subsets }: JsonObject): string {
  const all = listOf(subsets)
    .map(objectOf)
    .flatMap(({ addresses, ports }) => {
      const ips = listOf(addresses).map((one) => textOf(objectOf(one).ip));
      const numbers = listOf(ports).map((one) => numberOf(objectOf(one).port));
      return numbers.length === 0 ? ips : numbers.flatMap((port) => ips.map((ip) => `${ip}:${port}`));
    });
  if (all.length === 0) return '<none>';
  const more = all.length > MAX_ENDPOINTS ? ` + ${all.length - MAX_ENDPOINTS} more...` : '';
  return all.slice(0, MAX_ENDPOINTS).join(',') + more;
}

/** The usage of the limits of a quota. */
function usage({ status }: JsonObject, isMeant: (resource: string) => boolean): string {
  const hard = objectOf(objectOf(status).hard);
  const used = objectOf(objectOf(status).used);
  const names = Object.keys(hard).filter(isMeant).toSorted();
  return names.map((name) => `${name}: ${textOf(used[name]) || '0'}/${textOf(hard[name])}`).join(', ');
}
