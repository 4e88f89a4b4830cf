import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, NODE, POD, POD_DISRUPTION_BUDGET } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM } from '../../core/storage-objects.ts';
import { trimMeta, trimNode, trimOf, trimPod, trimPodDisruptionBudget } from './trim.ts';

const META = { name: 'a', uid: 'u', resourceVersion: '1' };
const REQUIREMENT = { key: 'zone', operator: 'In', values: ['a', 'b'] };

const POD_RAW = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    ...META,
    namespace: 'ns',
    generateName: 'a-',
    generation: 3,
    creationTimestamp: '2026-01-01T00:00:00Z',
    deletionTimestamp: '2026-01-02T00:00:00Z',
    deletionGracePeriodSeconds: 30,
    labels: { app: 'db' },
    annotations: { mine: 'kept', 'kubectl.kubernetes.io/last-applied-configuration': '{"big":1}' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'r', controller: true, blockOwnerDeletion: true },
    ],
    finalizers: ['keep/me'],
    managedFields: [{ manager: 'kubelet' }],
  },
  spec: {
    nodeName: 'worker-1',
    nodeSelector: { disk: 'ssd' },
    containers: [{ name: 'c', image: 'i' }],
    tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }, {}],
    affinity: {
      podAntiAffinity: {},
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [],
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [REQUIREMENT] }, {}],
        },
      },
    },
    volumes: [
      { name: 'scratch', emptyDir: { medium: 'Memory' } },
      { name: 'data', persistentVolumeClaim: { claimName: 'data-a', readOnly: false } },
      { name: 'tmp', ephemeral: { volumeClaimTemplate: {} } },
      { name: 'config', configMap: { name: 'c' } },
    ],
  },
  status: {
    phase: 'Running',
    startTime: '2026-01-01T00:00:01Z',
    podIP: '10.0.0.1',
    containerStatuses: [{}],
    conditions: [
      { type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: '2026-01-01T00:00:02Z', reason: 'r' },
    ],
  },
};

describe('trimPod()', () => {
  it('keeps the fields that are read and no others', () => {
    expect(trimPod(POD_RAW)).toEqual({
      metadata: {
        ...META,
        namespace: 'ns',
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        deletionTimestamp: '2026-01-02T00:00:00Z',
        deletionGracePeriodSeconds: 30,
        labels: { app: 'db' },
        annotations: { mine: 'kept' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'r', controller: true }],
        finalizers: ['keep/me'],
      },
      spec: {
        nodeName: 'worker-1',
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }, {}],
        requiredNodeAffinity: { nodeSelectorTerms: [{ matchExpressions: [REQUIREMENT] }, {}] },
        volumes: [
          { name: 'scratch', emptyDir: {} },
          { name: 'data', persistentVolumeClaim: { claimName: 'data-a' } },
          { name: 'tmp', ephemeral: {} },
        ],
      },
      status: {
        phase: 'Running',
        startTime: '2026-01-01T00:00:01Z',
        conditions: [{ type: 'Ready', status: 'True', reason: 'r' }],
      },
    });
  });

  it.each(['Succeeded', 'Failed'])('keeps phase and Node alone of a Pod that is %s', (phase) => {
    expect(trimPod({ ...POD_RAW, metadata: META, status: { ...POD_RAW.status, phase } })).toEqual({
      metadata: META,
      spec: { nodeName: 'worker-1' },
      status: { phase },
    });
  });

  it('takes fields of the wrong type for absent', () => {
    const odd = {
      metadata: {
        ...META,
        labels: ['x'],
        annotations: 'x',
        generation: '3',
        finalizers: {},
        ownerReferences: [{}, null],
      },
      spec: {
        nodeName: 7,
        tolerations: 'x',
        volumes: [null, 'x', {}],
        affinity: [],
        nodeSelector: { a: 1, b: 'kept' },
      },
      status: 'x',
    };
    expect(trimPod(odd)).toEqual({
      metadata: { ...META, ownerReferences: [] },
      spec: { volumes: [], nodeSelector: { b: 'kept' } },
      status: {},
    });
  });

  it('keeps once what many Pods say alike: their Node, tolerations and conditions', () => {
    const [one, other] = [trimPod(structuredClone(POD_RAW)), trimPod(structuredClone(POD_RAW))];
    expect(one?.spec.tolerations).toBe(other?.spec.tolerations);
    expect(one?.status.conditions).toBe(other?.status.conditions);
    expect(one?.metadata.finalizers).toBe(other?.metadata.finalizers);
  });

  it('is content with metadata alone', () => {
    expect(trimPod({ metadata: META })).toEqual({ metadata: META, spec: {}, status: {} });
  });

  it('leaves no annotations where `last-applied-configuration` was the only one', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    expect(trimPod({ metadata: { ...META, annotations } })?.metadata).toEqual(META);
  });
});

it('`trimNode()` keeps taints, cordon, conditions and what can be allocated', () => {
  const raw = {
    metadata: { ...META, managedFields: [] },
    spec: {
      podCIDR: 'x',
      unschedulable: true,
      taints: [{ key: 'k', value: 'v', effect: 'NoSchedule', timeAdded: 't' }, {}],
    },
    status: {
      images: [{}],
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: 't' }],
      allocatable: { cpu: '1500m', memory: '2Gi', pods: '110', 'example.com/gpu': '0' },
    },
  };
  expect(trimNode(raw)).toEqual({
    metadata: META,
    spec: { unschedulable: true, taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: 1500, memory: 2 * 1024 ** 3, pods: 110 },
    },
  });
});

it('`trimPodDisruptionBudget()` keeps selector, policy and counts', () => {
  const raw = {
    metadata: META,
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: { app: 'db' }, matchExpressions: [REQUIREMENT] },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
    status: {
      observedGeneration: 2,
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 2,
      disruptedPods: {},
    },
  };
  expect(trimPodDisruptionBudget(raw)).toEqual({
    metadata: META,
    spec: {
      selector: { matchLabels: { app: 'db' }, matchExpressions: [REQUIREMENT] },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
    status: { observedGeneration: 2, disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 2 },
  });
});

it('`trimPodDisruptionBudget()` tells an empty selector from none', () => {
  expect(trimPodDisruptionBudget({ metadata: META, spec: { selector: {} } })?.spec).toEqual({ selector: {} });
  expect(trimPodDisruptionBudget({ metadata: META, spec: { selector: null } })?.spec).toEqual({});
});

describe('trimMeta()', () => {
  it('drops everything but metadata', () => {
    expect(trimMeta(POD_RAW)).toEqual({ metadata: trimPod(POD_RAW)?.metadata });
  });

  it.each(['name', 'uid', 'resourceVersion'])('gives undefined for an object without %s', (key) => {
    expect(trimMeta({ metadata: { ...META, [key]: undefined } })).toBeUndefined();
    expect(trimMeta({ metadata: { ...META, [key]: '' } })).toBeUndefined();
  });
});

describe('trimOf()', () => {
  const resources: readonly Resource<unknown>[] = [
    NODE,
    POD,
    NAMESPACE,
    POD_DISRUPTION_BUDGET,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
  ];

  it('throws for a resource without a trim', () => {
    expect(() => trimOf({ ...NODE, plural: 'widgets' })).toThrow('There is no trim for widgets');
  });

  it.each(resources)('gives a trim for $plural that survives any JSON', (resource) => {
    const trim = trimOf(resource);
    fc.assert(fc.property(fc.jsonValue(), (raw) => void trim(raw)));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (spec, status, labels) => {
        expect(trim({ metadata: { ...META, labels }, spec, status })).toBeDefined();
      }),
    );
  });

  it.each(resources)('gives a trim for $plural that survives a Pod with any one value replaced', (resource) => {
    const trim = trimOf(resource);
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(POD_RAW)), fc.jsonValue(), (path, value) => {
        void trim(replaced(POD_RAW, path, value));
      }),
      { numRuns: 300 },
    );
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const entries = Object.entries(value as object).map(([k, child]) => [
    k,
    k === key ? replaced(child, rest, by) : child,
  ]);
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
