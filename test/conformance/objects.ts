/** Objects and patches, right and wrong ones, that random requests are made of. */
import fc from 'fast-check';

export interface Kind {
  readonly plural: string;
  /** `/api/v1` or `/apis/GROUP/VERSION` */
  readonly root: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly hasStatus: boolean;
  readonly isCustom?: boolean;
  /** The fields beside metadata. */
  readonly body: fc.Arbitrary<object>;
  /** What a merge patch says beside metadata. */
  readonly patch: fc.Arbitrary<object>;
  readonly status: fc.Arbitrary<object>;
}

/** The CustomResourceDefinition of `widgets.example.com`. */
export const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.random.example.com' },
  spec: {
    group: 'random.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, maximum: 5 },
                  color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                  tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
                  name: { type: 'string', pattern: '^[a-z]+$', maxLength: 4 },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
} as const;

const { constant: just, constantFrom: oneOf, record } = fc;
const sparse = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  record(fields, { requiredKeys: [] });

/** Right values mostly: a request with many faults tells only which of them is found first. */
const mostly = <T>(right: readonly T[], ...wrong: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 14, arbitrary: oneOf(...right) }, { weight: 1, arbitrary: oneOf(...wrong) });

const text = oneOf('x', 'y', '', 'two words');
const container = sparse({
  name: mostly(['app', 'side'], 'Bad_', ''),
  image: mostly(['app:1', 'app:2'], ''),
  env: fc.array(sparse({ name: mostly(['A', 'B'], '1=', ''), value: text }), { maxLength: 2 }),
  ports: fc.array(sparse({ containerPort: mostly([80, 443], 0, 70000), name: mostly(['http'], 'Bad_') }), {
    maxLength: 1,
  }),
  resources: sparse({
    requests: sparse({ cpu: mostly(['1', '100m'], '-1', 'much'), memory: oneOf('1Gi', '64Mi') }),
    limits: sparse({ cpu: oneOf('1', '2'), memory: oneOf('1Gi') }),
  }),
  imagePullPolicy: mostly(['Always', 'Never'], 'Sometimes'),
});
const good = just({ name: 'app', image: 'app:1' });
const toleration = sparse({
  key: mostly(['drain'], 'bad key'),
  operator: mostly(['Exists', 'Equal'], 'Is'),
  value: oneOf('x', ''),
  effect: mostly(['NoSchedule', 'NoExecute'], 'Never'),
  tolerationSeconds: oneOf(5),
});
const podSpec = sparse({
  containers: fc.oneof(
    { weight: 4, arbitrary: just([{ name: 'app', image: 'app:1' }]) },
    { weight: 1, arbitrary: fc.array(fc.oneof(good, container), { maxLength: 2 }) },
  ),
  nodeName: oneOf('$ns-a', 'nowhere'),
  restartPolicy: mostly(['Always', 'Never'], 'Sometimes'),
  terminationGracePeriodSeconds: mostly([0, 1, 30], -1),
  nodeSelector: sparse({ disk: mostly(['ssd'], 'bad value') }),
  tolerations: fc.array(toleration, { maxLength: 1 }),
  priorityClassName: mostly(['system-node-critical'], 'nosuch'),
  schedulingGates: just([{ name: 'example.com/gate' }]),
}).map((spec) => ({ containers: [{ name: 'app', image: 'app:1' }], serviceAccountName: 'default', ...spec }));
const selector = fc.oneof(
  { weight: 4, arbitrary: just({ matchLabels: { app: 'a' } }) },
  {
    weight: 1,
    arbitrary: oneOf({}, { matchLabels: { 'bad key': 'x' } }, { matchExpressions: [{ key: 'app', operator: 'In' }] }),
  },
);
const amount = mostly([0, 1, 2, '50%'] as (string | number)[], -1, 'half');

const none = just({});

export const KINDS: readonly Kind[] = [
  {
    plural: 'configmaps',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    isNamespaced: true,
    hasStatus: false,
    body: sparse({
      data: sparse({ a: text, b: text, 'bad key': text, n: just(1) }).filter((data) => !('n' in data)),
      immutable: oneOf(true, false),
    }),
    patch: sparse({ data: oneOf({ a: 'z' }, { a: null }, { c: '1' }, null, { a: 1 }), immutable: oneOf(true, false) }),
    status: none,
  },
  {
    plural: 'secrets',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'Secret',
    isNamespaced: true,
    hasStatus: false,
    body: sparse({
      data: sparse({ a: oneOf('eA==', 'eQ==') }),
      stringData: sparse({ a: text, b: text }),
      type: oneOf('Opaque', 'example.com/own'),
    }),
    patch: sparse({ stringData: sparse({ a: text }), data: oneOf({ a: 'eA==' }, { a: null }), type: oneOf('other') }),
    status: none,
  },
  {
    plural: 'pods',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'Pod',
    isNamespaced: true,
    hasStatus: true,
    body: podSpec.map((spec) => ({ spec })),
    patch: sparse({
      spec: oneOf(
        { activeDeadlineSeconds: 5 },
        { nodeName: 'x' },
        { schedulingGates: null },
        { terminationGracePeriodSeconds: 5 },
        { restartPolicy: 'Never' },
      ),
    }),
    status: oneOf(
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      { phase: 'Succeeded' },
      { podIP: '10.0.0.1' },
      { conditions: null },
    ),
  },
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
        template: fc.oneof(
          {
            weight: 4,
            arbitrary: just({
              metadata: { labels: { app: 'a' } },
              spec: { containers: [{ name: 'app', image: 'app:1' }] },
            }),
          },
          { weight: 1, arbitrary: podSpec.map((spec) => ({ metadata: { labels: { app: 'a' } }, spec })) },
        ),
        strategy: oneOf(
          { type: 'Recreate' },
          { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
          { type: 'Slow' },
        ),
        minReadySeconds: mostly([0, 5], -1),
      }).map((spec) => ({
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'app', image: 'app:1' }] } },
        ...spec,
      })),
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
    plural: 'poddisruptionbudgets',
    root: '/apis/policy/v1',
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    isNamespaced: true,
    hasStatus: true,
    body: record({
      spec: sparse({
        minAvailable: amount,
        selector,
        unhealthyPodEvictionPolicy: mostly(['AlwaysAllow', 'IfHealthyBudget'], 'Never'),
      }),
    }),
    patch: sparse({
      spec: oneOf(
        { maxUnavailable: 1 },
        { minAvailable: null, maxUnavailable: '10%' },
        { minAvailable: 3 },
        { selector: null },
      ),
    }),
    status: oneOf(
      { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
      { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    ),
  },
  {
    plural: 'leases',
    root: '/apis/coordination.k8s.io/v1',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    isNamespaced: true,
    hasStatus: false,
    body: sparse({
      spec: sparse({
        holderIdentity: oneOf('me', ''),
        leaseDurationSeconds: mostly([15], 0, -1),
        renewTime: mostly(['2026-01-01T00:00:00.000000Z'], 'yesterday'),
        leaseTransitions: mostly([0, 1], -1),
      }),
    }),
    patch: sparse({
      spec: oneOf(
        { holderIdentity: 'you' },
        { holderIdentity: null },
        { leaseTransitions: 2 },
        { leaseDurationSeconds: 0 },
      ),
    }),
    status: none,
  },
  {
    plural: 'events',
    root: '/apis/events.k8s.io/v1',
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    isNamespaced: true,
    hasStatus: false,
    body: record({
      eventTime: oneOf('2026-01-01T00:00:00.000000Z'),
      action: mostly(['Act'], ''),
      reason: mostly(['Because'], ''),
      type: mostly(['Normal', 'Warning'], 'Odd'),
      note: oneOf('n', ''),
      reportingController: mostly(['example.com/c', 'c'], ''),
      reportingInstance: mostly(['i'], ''),
      regarding: mostly<object>([{ kind: 'ConfigMap', name: 'a', namespace: '$ns' }], { kind: 'Node', name: 'n' }),
    }),
    patch: sparse({
      note: oneOf('other'),
      series: oneOf({ count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' }, { count: 1 }),
    }),
    status: none,
  },
  {
    plural: 'widgets',
    root: '/apis/random.example.com/v1',
    apiVersion: 'random.example.com/v1',
    kind: 'Widget',
    isNamespaced: true,
    hasStatus: true,
    isCustom: true,
    body: sparse({
      spec: sparse({
        size: mostly([1, 2] as (string | number)[], 0, 9, 'x'),
        color: mostly(['red', 'blue'], 'green'),
        tags: oneOf(['a'], [], ['a', 'b', 'c'], [1], 'a'),
        name: mostly(['abc'], 'ABC', 'abcdef'),
        other: just(1),
      }),
      status: oneOf({ phase: 'x' }),
    }),
    patch: sparse({
      spec: oneOf({ size: 3 }, { size: 0 }, { size: null }, { color: null }, { tags: ['z'] }, { other: 1 }),
    }),
    status: oneOf({ phase: 'Ready' }, { phase: 1 }, { other: 1 }),
  },
  {
    plural: 'nodes',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'Node',
    isNamespaced: false,
    hasStatus: true,
    body: sparse({
      spec: sparse({
        unschedulable: oneOf(true, false),
        taints: fc.array(
          sparse({
            key: mostly(['drain'], 'bad key', ''),
            value: oneOf('planned-downtime', ''),
            effect: mostly(['NoSchedule', 'NoExecute'], 'Odd'),
          }),
          { maxLength: 2 },
        ),
        providerID: oneOf('test:///a'),
      }),
    }),
    patch: sparse({
      spec: oneOf(
        { unschedulable: true },
        { unschedulable: null },
        { taints: [{ key: 'k', effect: 'NoSchedule' }] },
        { taints: null },
        { providerID: 'test:///b' },
      ),
    }),
    status: oneOf({ conditions: [{ type: 'Ready', status: 'True' }] }, { allocatable: { cpu: '4' } }),
  },
  {
    plural: 'namespaces',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'Namespace',
    isNamespaced: false,
    hasStatus: false,
    body: none,
    patch: none,
    status: none,
  },
];
