/** Objects and patches, valid and invalid ones, for random requests. */
import fc from 'fast-check';
import { amount, just, type Kind, mostly, none, oneOf, podSpec, record, selector, sparse, text } from './parts.ts';
import { STORAGE_AND_NETWORK } from './storage-and-network.ts';
import { WORKLOADS } from './workloads.ts';

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
  ...WORKLOADS,
  ...STORAGE_AND_NETWORK,
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
