/** Random objects of the kinds that create Pods. */
import fc from 'fast-check';
import { just, type Kind, mostly, none, oneOf, podSpec, record, selector, sparse } from './parts.ts';

const LABELLED = { app: 'a' };
const PLAIN = { containers: [{ name: 'app', image: 'app:1' }] };
const template = fc.oneof(
  { weight: 4, arbitrary: just({ metadata: { labels: LABELLED }, spec: PLAIN }) },
  { weight: 1, arbitrary: podSpec.map((spec) => ({ metadata: { labels: LABELLED }, spec })) },
);

/** With a template and its selector, unless they are given. */
const complete = (spec: object): object => ({
  selector: { matchLabels: LABELLED },
  template: { metadata: { labels: LABELLED }, spec: PLAIN },
  ...spec,
});

export const WORKLOADS: readonly Kind[] = [
  {
    plural: 'deployments',
    root: '/apis/apps/v1',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    isNamespaced: true,
    hasStatus: true,
    body: record({
      spec: sparse({
        replicas: mostly([0, 1, 2], -1),
        selector,
        template,
        strategy: oneOf(
          { type: 'Recreate' },
          { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
          { type: 'Slow' },
        ),
        minReadySeconds: mostly([0, 5], -1),
      }).map(complete),
    }),
    patch: sparse({
      spec: oneOf(
        { replicas: 5 },
        { replicas: -5 },
        { selector: { matchLabels: { app: 'b' } } },
        { paused: true },
        { template: { spec: { containers: null } } },
        { revisionHistoryLimit: 3 },
      ),
    }),
    status: oneOf({ replicas: 1, readyReplicas: 1 }, { observedGeneration: 1 }),
  },
  {
    plural: 'statefulsets',
    root: '/apis/apps/v1',
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    isNamespaced: true,
    hasStatus: true,
    body: record({
      spec: sparse({
        replicas: mostly([0, 1, 2], -1),
        serviceName: oneOf('db', ''),
        selector,
        template,
        podManagementPolicy: mostly(['Parallel', 'OrderedReady'], 'Odd'),
        updateStrategy: oneOf({ type: 'OnDelete' }, { rollingUpdate: { partition: 1 } }, {}),
        volumeClaimTemplates: oneOf(
          [],
          [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
            },
          ],
        ),
      }).map(complete),
    }),
    patch: sparse({
      spec: oneOf(
        { replicas: 3 },
        { serviceName: 'other' },
        { template: { metadata: { annotations: { restarted: 'x' } } } },
        { updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
      ),
    }),
    status: oneOf({ replicas: 1, readyReplicas: 1 }, { observedGeneration: 1 }),
  },
  {
    plural: 'daemonsets',
    root: '/apis/apps/v1',
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    isNamespaced: true,
    hasStatus: true,
    body: record({ spec: sparse({ selector, template, minReadySeconds: oneOf(0, 5) }).map(complete) }),
    patch: sparse({
      spec: oneOf(
        { template: { metadata: { annotations: { restarted: 'x' } } } },
        { updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
        { minReadySeconds: 3 },
      ),
    }),
    status: oneOf({
      currentNumberScheduled: 1,
      numberMisscheduled: 0,
      desiredNumberScheduled: 1,
      numberReady: 1,
    }),
  },
  {
    plural: 'jobs',
    root: '/apis/batch/v1',
    apiVersion: 'batch/v1',
    kind: 'Job',
    isNamespaced: true,
    hasStatus: false,
    body: record({
      spec: sparse({
        parallelism: oneOf(1, 2),
        completions: oneOf(1, 3),
        backoffLimit: oneOf(0),
        suspend: oneOf(true),
      }),
    }).map(({ spec }) => ({ spec: { ...spec, template: { spec: { ...PLAIN, restartPolicy: 'Never' } } } })),
    patch: sparse({ spec: oneOf({ parallelism: 3 }, { suspend: true }, { activeDeadlineSeconds: 9 }) }),
    status: none,
  },
];
