/** `fieldSelector` of a request: `a=b`, `a==b`, `a!=b`, joined by commas, over the few fields that a kind supports. */
import { badRequest } from '../errors.ts';
import { at, type JsonObject } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';

/** Whether an object satisfies the selector. */
export type FieldFilter = (object: JsonObject) => boolean;

const REFERENCE = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** Beside `metadata.name` and `metadata.namespace`, by collection, in the version that is stored. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  nodes: ['spec.unschedulable'],
  namespaces: ['status.phase'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  events: [...REFERENCE.map((field) => `involvedObject.${field}`), 'reason', 'reportingComponent', 'source', 'type'],
  replicationcontrollers: ['status.replicas'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
};

/** `events.k8s.io` names of the fields of a core Event. */
const EVENT_ALIASES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(REFERENCE.map((field) => [`regarding.${field}`, `involvedObject.${field}`])),
  reportingController: 'reportingComponent',
};

/** Fields whose name is not their path. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  source: ['source', 'component'],
  'status.successful': ['status', 'succeeded'],
};

/** What an absent value reads as. */
const ABSENT: Readonly<Record<string, string>> = {
  'spec.unschedulable': 'false',
  'spec.hostNetwork': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

/** @throws ApiError 400 if it cannot be parsed or names another field */
export function parseFieldSelector(text: string, resource: Resource): FieldFilter {
  const filters = text
    .split(/(?<!\\),/)
    .filter((part) => part !== '')
    .map((part): FieldFilter => {
      const found = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
      if (found === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const [, given = '', operator, escaped = ''] = found;
      const field = fieldOf(given, resource);
      const value = escaped.replaceAll(/\\([\\,=])/g, '$1');
      return (object) => (textAt(object, field) === value) === (operator !== '!=');
    });
  return (object) => filters.every((filter) => filter(object));
}

function fieldOf(given: string, resource: Resource): string {
  const isEvent = resource.group === 'events.k8s.io';
  const field = isEvent && Object.hasOwn(EVENT_ALIASES, given) ? (EVENT_ALIASES[given] ?? given) : given;
  const known = resource.custom?.selectableFields ?? FIELDS[resource.collection];
  if (field === 'metadata.name' || field === 'metadata.namespace' || known?.includes(field) === true) return field;
  throw badRequest(
    known === undefined
      ? `${JSON.stringify(given)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${given}`,
  );
}

function textAt(object: JsonObject, field: string): string {
  const found = at(object, ...(PATHS[field] ?? field.split('.')));
  return found === undefined || found === null ? (ABSENT[field] ?? '') : String(found);
}
