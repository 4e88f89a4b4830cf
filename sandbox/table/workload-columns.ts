/** Columns of workloads and PodDisruptionBudgets. */
import { at, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { podCells } from './pods.ts';
import {
  AGE,
  age,
  columns,
  count,
  flags,
  images,
  NAME,
  nameOf,
  numbers,
  selector,
  type TableKind,
  wide,
} from './table-kind.ts';
import { ageOf, durationText, selectorText } from './words.ts';

const WORKLOAD_WIDE = wide('Containers', 'Images', 'Selector');

export const WORKLOADS: Readonly<Record<string, TableKind>> = {
  pods: {
    columns: [
      NAME,
      ...columns('Ready', 'Status', 'Restarts'),
      AGE,
      ...wide('IP', 'Node', 'Nominated Node', 'Readiness Gates'),
    ],
    cells: podCells,
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
  'cronjobs.batch': {
    columns: [
      NAME,
      ...columns('Schedule', 'Timezone'),
      ...flags('Suspend'),
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
  'jobs.batch': {
    columns: [NAME, ...columns('Status', 'Completions', 'Duration'), AGE, ...WORKLOAD_WIDE],
    cells: (object, now) => [
      nameOf(object),
      jobState(object),
      completionsOf(object),
      jobDuration(object, now),
      age(object, now),
      ...images(object),
      selector(object),
    ],
  },
  'controllerrevisions.apps': {
    columns: [NAME, ...columns('Controller', 'Revision'), AGE],
    cells: (object, now) => [nameOf(object), controllerText(object), count(object, 'revision'), age(object, now)],
  },
};

/** The columns of `GET …/scale`. */
export const SCALE: TableKind = {
  columns: [NAME, ...numbers('Desired', 'Available'), AGE],
  cells: (object, now) => [
    nameOf(object),
    count(object, 'spec', 'replicas'),
    count(object, 'status', 'replicas'),
    age(object, now),
  ],
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

/** Conditions of a Job: the first that is true is shown. */
const JOB_STATES = ['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

function jobState(job: JsonObject): string {
  const conditions = listOf(at(job, 'status', 'conditions')).map(objectOf);
  const isSo = (type: string): boolean => conditions.some((one) => one.type === type && one.status === 'True');
  const found = JOB_STATES.find(isSo);
  if (found !== undefined) return found;
  return objectOf(job.metadata).deletionTimestamp === undefined ? 'Running' : 'Terminating';
}

function completionsOf(job: JsonObject): string {
  const succeeded = count(job, 'status', 'succeeded');
  const completions = numberOf(at(job, 'spec', 'completions'));
  if (completions !== undefined) return `${succeeded}/${completions}`;
  const parallelism = count(job, 'spec', 'parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: JsonObject, now: number): string {
  const started = Date.parse(textOf(at(job, 'status', 'startTime')));
  if (Number.isNaN(started)) return '';
  const completed = Date.parse(textOf(at(job, 'status', 'completionTime')));
  return durationText((Number.isNaN(completed) ? now : completed) - started);
}

/** `statefulset.apps/db`. */
function controllerText({ metadata }: JsonObject): string {
  const owner = listOf(objectOf(metadata).ownerReferences)
    .map(objectOf)
    .find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const [group = '', version] = textOf(owner.apiVersion).split('/');
  const kind = textOf(owner.kind).toLowerCase();
  return `${version === undefined ? kind : `${kind}.${group}`}/${textOf(owner.name)}`;
}
