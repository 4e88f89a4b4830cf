import { describe, expect, it } from 'vitest';
import { type ClusterObjects, TestCluster } from '../../../harness/builders/cluster.ts';
import {
  type ControllerPart,
  controlledBy,
  node,
  type PodPart,
  pod,
  replicaSet,
  statefulSet,
  TAINT,
} from '../../../harness/builders/objects.ts';
import type { PodController } from '../../core/objects.ts';

const tainted = (name: string) => node(name, { taints: [TAINT] });

/** The phase of the session once Node `a` was drained and its taint removed, with `then` as the content of the caches. */
function exitOf(before: ClusterObjects, then: ClusterObjects, settings: object = {}): string | undefined {
  const cluster = new TestCluster({ nodes: [tainted('a'), node('b')], ...before }, settings);
  expect(cluster.pass('a').because).toBe('Admitted');
  cluster.pods = cluster.pods.filter(({ spec }) => spec.nodeName !== 'a');
  expect(cluster.pass('a').because).toBe('Drained');
  Object.assign(cluster, then);
  cluster.untaint('a');
  cluster.pass('a');
  return cluster.report('a')?.message;
}

const waitingFor = (what: string): string => `Waiting for Pods to be ready again: ${what}`;

interface Kind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly store: 'statefulSets' | 'replicaSets' | 'replicationControllers' | 'jobs';
}

const KINDS: readonly Kind[] = [
  { kind: 'StatefulSet', apiVersion: 'apps/v1', store: 'statefulSets' },
  { kind: 'ReplicaSet', apiVersion: 'apps/v1', store: 'replicaSets' },
  { kind: 'ReplicationController', apiVersion: 'v1', store: 'replicationControllers' },
  { kind: 'Job', apiVersion: 'batch/v1', store: 'jobs' },
];

describe.each(KINDS)('what is missing of a $kind', ({ kind, apiVersion, store }) => {
  const owner = (replicas: number, part: ControllerPart = {}) => statefulSet('x', replicas, part);
  const member = (name: string, nodeName: string, part: PodPart = {}) =>
    pod(name, { node: nodeName, meta: controlledBy(owner(2), kind, apiVersion), ...part });
  const kept = (...controllers: readonly PodController[]): ClusterObjects => ({ [store]: controllers });
  const two = { pods: [member('x-0', 'a'), member('x-1', 'b')], ...kept(owner(2)) };
  const missing = waitingFor(`1 of ${kind} shop/x`);

  it.each<readonly [string, ClusterObjects, string | undefined]>([
    ['is one member whose replacement cannot be created', {}, missing],
    [
      'is one whose replacement is not ready',
      { pods: [member('x-1', 'b'), member('x-2', 'b', { ready: false })] },
      missing,
    ],
    [
      'is one whose replacement is ready and on its way out',
      { pods: [member('x-1', 'b'), member('x-2', 'b', { deletedAt: '2026-11-21T02:01:00Z' })] },
      missing,
    ],
    ['is nothing once its replacement is ready', { pods: [member('x-1', 'b'), member('x-2', 'b')] }, undefined],
    ['is nothing when it was scaled down', kept(owner(1)), undefined],
    [
      'is nothing when it was scaled to zero, or suspended, or has finished',
      { pods: [], ...kept(owner(0)) },
      undefined,
    ],
    ['is nothing when it was deleted', { pods: [], ...kept() }, undefined],
    ['is nothing when it is being deleted', kept(owner(2, { meta: { deletionTimestamp: 'now' } })), undefined],
    ['is nothing when a namesake has taken its place', kept(owner(2, { meta: { uid: 'another' } })), undefined],
    ['is one when it was scaled up meanwhile', kept(owner(3)), missing],
  ])('%s', (_, then, message) => {
    expect(exitOf(two, then)).toBe(message);
  });

  it('is what was ready before, and no more', () => {
    const before = { ...two, pods: [member('x-0', 'a'), member('x-1', 'b', { ready: false })] };
    expect(exitOf(before, { pods: [member('x-2', 'b')] })).toBeUndefined();
  });

  it('is no more than the session took, whoever fails elsewhere', () => {
    expect(exitOf(two, { pods: [] })).toBe(missing);
  });
});

describe('what is missing of a Deployment', () => {
  const deployment = statefulSet('web', 2);
  const ofDeployment = controlledBy(deployment, 'Deployment');
  const revision = (name: string, replicas: number, part: ControllerPart = {}) =>
    replicaSet(name, replicas, { ...part, meta: ofDeployment });
  const member = (name: string, nodeName: string, of: PodController) =>
    pod(name, { node: nodeName, meta: controlledBy(of, 'ReplicaSet') });
  const old = revision('web-1', 2);
  const two = { pods: [member('x', 'a', old), member('y', 'b', old)], replicaSets: [old] };

  it.each<readonly [string, ClusterObjects, string | undefined]>([
    [
      'is asked of whichever ReplicaSet it has now',
      {
        pods: [member('y', 'b', old), member('z', 'b', revision('web-2', 1))],
        replicaSets: [revision('web-1', 1), revision('web-2', 1)],
      },
      undefined,
    ],
    [
      'is told by its own name',
      { replicaSets: [revision('web-1', 0), revision('web-2', 2)] },
      waitingFor('1 of Deployment shop/web'),
    ],
    ['is nothing when it was scaled down', { replicaSets: [revision('web-1', 1), revision('web-2', 0)] }, undefined],
    ['is nothing when it was deleted', { pods: [], replicaSets: [] }, undefined],
  ])('%s', (_, then, message) => {
    expect(exitOf(two, then)).toBe(message);
  });
});

describe('what is missing of a DaemonSet', () => {
  const logs = (spec: PodController['spec'] = {}): PodController => ({ ...statefulSet('logs', 0), spec });
  const on = (nodeName: string) => pod(`logs-${nodeName}`, { node: nodeName, meta: controlledBy(logs(), 'DaemonSet') });
  const before = { pods: [on('a'), on('b')], daemonSets: [logs()] };
  const settings = { daemonSetPods: 'delete' };

  it.each<readonly [string, ClusterObjects, string | undefined]>([
    ['is its Pod on the Node', {}, waitingFor('1 of DaemonSet shop/logs')],
    ['is nothing when that is back, whoever fails elsewhere', { pods: [on('a')] }, undefined],
    [
      'is nothing when its template does not want the Node any more',
      { daemonSets: [logs({ template: { nodeSelector: { no: 'where' } } })] },
      undefined,
    ],
    ['is nothing when it was deleted', { daemonSets: [] }, undefined],
  ])('%s', (_, then, message) => {
    expect(exitOf(before, then, settings)).toBe(message);
  });
});

describe('what is missing of an owner whose kind is not watched', () => {
  const owner = statefulSet('x', 2);
  const member = (name: string, nodeName: string) =>
    pod(name, { node: nodeName, meta: controlledBy(owner, 'StatefulSet', 'apps.kruise.io/v1beta1') });
  const two = { pods: [member('x-0', 'a'), member('x-1', 'b')] };

  it('is known by its members, and told by its group', () => {
    expect(exitOf(two, {})).toBe(waitingFor('1 of StatefulSet.apps.kruise.io shop/x'));
    expect(exitOf(two, { pods: [member('x-1', 'b'), member('x-0', 'b')] })).toBeUndefined();
  });

  it('is kept beyond the deadline only while there are Pods of it', () => {
    for (const pods of [[member('x-1', 'b')], []]) {
      const cluster = new TestCluster({ nodes: [tainted('a'), node('b')], ...two });
      cluster.pass('a');
      cluster.pods = pods;
      cluster.pass('a');
      cluster.untaint('a');
      cluster.pass('a');
      cluster.nowMs += cluster.settings.exitTimeoutMs;
      expect(cluster.pass('a').because).toBe(pods.length === 0 ? 'Ended' : 'Exiting');
    }
  });
});

describe('a controller with `minReadySeconds`', () => {
  const zk = (available: number) => statefulSet('zk', 3, { spec: { replicas: 3, minReadySeconds: 20 }, available });
  const member = (name: string, nodeName: string) => pod(name, { node: nodeName, meta: controlledBy(zk(3)) });
  const three = { pods: [member('zk-0', 'a'), member('zk-1', 'b'), member('zk-2', 'b')], statefulSets: [zk(3)] };
  const replaced = [member('zk-0', 'b'), member('zk-1', 'b'), member('zk-2', 'b')];

  it('misses a member until it is available, not only ready', () => {
    expect(exitOf(three, { pods: replaced, statefulSets: [zk(2)] })).toBe(waitingFor('1 of StatefulSet shop/zk'));
    expect(exitOf(three, { pods: replaced, statefulSets: [zk(3)] })).toBeUndefined();
  });

  it('is asked through its ReplicaSets, where it is a Deployment', () => {
    const web = controlledBy(statefulSet('web', 3), 'Deployment');
    const of = (available: number) =>
      replicaSet('web-1', 3, { meta: web, spec: { replicas: 3, minReadySeconds: 20 }, available });
    const on = (name: string, nodeName: string) =>
      pod(name, { node: nodeName, meta: controlledBy(of(3), 'ReplicaSet') });
    const before = { pods: [on('x', 'a'), on('y', 'b'), on('z', 'b')], replicaSets: [of(3)] };
    const then = { pods: [on('x2', 'b'), on('y', 'b'), on('z', 'b')] };
    expect(exitOf(before, { ...then, replicaSets: [of(2)] })).toBe(waitingFor('1 of Deployment shop/web'));
    expect(exitOf(before, { ...then, replicaSets: [of(3)] })).toBeUndefined();
  });

  it('is not believed where its status is older than its Pods', () => {
    expect(exitOf(three, { statefulSets: [zk(3)] })).toBe(waitingFor('1 of StatefulSet shop/zk'));
  });

  it('keeps a majority available, not only ready', () => {
    const cluster = new TestCluster({ nodes: [tainted('a'), node('b')], ...three, statefulSets: [zk(2)] });
    expect(cluster.pass('a')).toMatchObject({ because: 'AdmissionPending', blockedBy: [{ cause: 'QuorumAtRisk' }] });
  });
});
