import { describe, expect, it } from 'vitest';
import { type ClusterObjects, NOW, TestCluster } from '../../test/build/cluster.ts';
import {
  budget,
  claim,
  controlledBy,
  localVolume,
  node,
  type PodPart,
  pod,
  statefulSet,
  TAINT,
} from '../../test/build/objects.ts';
import { relatedPods } from './pods.ts';
import type { Verdict } from './rule.ts';
import { judge } from './verdict.ts';

/** The verdict on node `a` of a cluster that also has a node `b`. */
function verdictOn(objects: ClusterObjects, settings: object = {}): Verdict {
  const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] }), node('b')], ...objects }, settings);
  const [taint] = cluster.settings.taints;
  if (taint === undefined) throw new Error('The default settings have a taint');
  return judge({
    related: relatedPods(cluster.observe('a').pods, taint, cluster.settings),
    settings: cluster.settings,
    observed: cluster.observe('a'),
    started: new Date(NOW).toISOString(),
    holdsSlot: false,
  });
}

const here = (name: string, part: PodPart = {}) => pod(name, { node: 'a', labels: { app: 'db' }, ...part });
const onLocalDisk = (name: string) =>
  here(name, { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${name}` } }] } });
const disks = (...names: readonly string[]): ClusterObjects => ({
  claims: names.map((name) => claim(`data-${name}`, `pv-${name}`)),
  volumes: names.map((name) => localVolume(`pv-${name}`, 'a')),
});

const member = (replicas: number) => controlledBy(statefulSet('zk', replicas));
const inZone = (name: string, zone: string) =>
  node(name, { meta: { labels: { 'topology.kubernetes.io/zone': zone } }, ...(name === 'a' && { taints: [TAINT] }) });

interface Row {
  readonly name: string;
  readonly objects: ClusterObjects;
  readonly settings?: object;
  readonly verdict: string;
  readonly causes?: readonly string[];
}

const rows: readonly Row[] = [
  { name: 'row 1: no related Pod', objects: {}, verdict: 'proceed' },
  {
    name: 'row 1: only Pods that stay',
    objects: { pods: [here('ds', { controller: 'DaemonSet' })] },
    verdict: 'proceed',
  },
  { name: 'a Pod without a budget', objects: { pods: [here('web')] }, verdict: 'proceed' },
  { name: 'a budget that allows one', objects: { pods: [here('db-0')], budgets: [budget('db')] }, verdict: 'proceed' },
  {
    name: 'several movable Pods of a budget that allows one at a time',
    objects: { pods: [here('db-0'), here('db-1'), here('db-2')], budgets: [budget('db')] },
    verdict: 'proceed',
  },
  {
    name: 'row 5: the budget is short because a Pod fails elsewhere and may recover',
    objects: { pods: [here('db-0')], budgets: [budget('db', { healthy: 2 })] },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
  {
    name: 'row 5: short because of failures elsewhere, and not enough with all of them healthy',
    objects: { pods: [here('db-0')], budgets: [budget('db', { healthy: 2, desired: 3 })] },
    verdict: 'never TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
  {
    name: 'what is missing was on this Node: its failures are not held against it',
    objects: { pods: [here('db-0', { ready: false }), here('db-1')], budgets: [budget('db', { healthy: 2 })] },
    verdict: 'proceed',
  },
  {
    name: 'a Pod here that is being deleted counts as missing here',
    objects: {
      pods: [here('db-0', { deletedAt: '2026-11-21T02:00:30Z' }), here('db-1')],
      budgets: [budget('db', { healthy: 2 })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 5: more ready Pods pinned here than the budget can ever spare',
    objects: { pods: [onLocalDisk('db-0'), onLocalDisk('db-1')], budgets: [budget('db')], ...disks('db-0', 'db-1') },
    verdict: 'never TooManyExistingFailures',
    causes: ['BudgetTooSmallForPinnedPods', 'BudgetTooSmallForPinnedPods'],
  },
  {
    name: 'row 5: pinned Pods that the budget could spare with all Pods healthy',
    objects: {
      pods: [onLocalDisk('db-0'), onLocalDisk('db-1')],
      budgets: [budget('db', { expected: 5, healthy: 4, desired: 3 })],
      ...disks('db-0', 'db-1'),
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetTooSmallForPinnedPods', 'BudgetTooSmallForPinnedPods'],
  },
  {
    name: 'row 9: a pinned Pod whose budget allows its absence',
    objects: { pods: [onLocalDisk('db-0')], budgets: [budget('db')], ...disks('db-0') },
    verdict: 'proceed',
  },
  {
    name: 'row 7: the budget can never allow one',
    objects: { pods: [here('db-0')], budgets: [budget('db', { desired: 3 })] },
    verdict: 'never TooManyExistingFailures',
    causes: ['BudgetImpossible'],
  },
  {
    name: 'row 7: unless the workload moves its Pods itself',
    objects: {
      pods: [here('db-0', { labels: { app: 'db', 'strimzi.io/cluster': 'k' } })],
      budgets: [budget('db', { desired: 3 })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 7: an unready Pod that the budget lets go is not protected by it',
    objects: {
      pods: [here('db-0', { ready: false })],
      budgets: [budget('db', { desired: 3, healthy: 2, policy: 'AlwaysAllow' })],
    },
    verdict: 'proceed',
  },
  {
    name: 'a budget that nobody has judged yet',
    objects: { pods: [here('db-0')], budgets: [budget('db', { observed: false })] },
    verdict: 'later GenericFailure',
    causes: ['BudgetNotObserved'],
  },
  {
    name: 'row 8: two budgets on one Pod',
    objects: { pods: [here('db-0')], budgets: [budget('db'), budget('all', { matchLabels: {} })] },
    verdict: 'never GenericFailure',
    causes: ['MultipleBudgets'],
  },
  {
    name: 'row 8: two budgets do not matter to a Pending Pod',
    objects: {
      pods: [here('db-0', { phase: 'Pending', ready: false })],
      budgets: [budget('db'), budget('all', { matchLabels: {} })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 8: a budget whose synchronisation fails',
    objects: {
      pods: [here('db-0')],
      budgets: [budget('db', { syncFailed: true, allowed: 0, expected: 0, healthy: 0, desired: 0 })],
    },
    verdict: 'never GenericFailure',
    causes: ['BudgetSyncFailed'],
  },
  {
    name: 'row 8: a Pod without a controller',
    objects: { pods: [here('bare', { controller: null })] },
    verdict: 'never GenericFailure',
    causes: ['NoController'],
  },
  {
    name: 'row 8: safe-to-evict=false',
    objects: { pods: [here('web', { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } })] },
    verdict: 'never GenericFailure',
    causes: ['DoNotEvict'],
  },
  {
    name: 'row 8: do-not-disrupt for a time that has not passed',
    objects: {
      pods: [
        here('web', {
          annotations: { 'karpenter.sh/do-not-disrupt': '2h' },
          meta: { creationTimestamp: '2026-11-21T01:00:00Z' },
        }),
      ],
    },
    verdict: 'never GenericFailure',
    causes: ['DoNotEvict'],
  },
  {
    name: 'do-not-disrupt for a time that has passed',
    objects: {
      pods: [
        here('web', {
          annotations: { 'karpenter.sh/do-not-disrupt': '30m' },
          meta: { creationTimestamp: '2026-11-21T01:00:00Z' },
        }),
      ],
    },
    verdict: 'proceed',
  },
  {
    name: 'marks are ignored on request',
    objects: { pods: [here('web', { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } })] },
    settings: { honourDoNotEvict: false },
    verdict: 'proceed',
  },
  {
    name: 'emptyDir goes by default',
    objects: { pods: [here('web', { spec: { volumes: [{ name: 'tmp', emptyDir: {} }] } })] },
    verdict: 'proceed',
  },
  {
    name: 'row 8: emptyDir where it is forbidden',
    objects: { pods: [here('web', { spec: { volumes: [{ name: 'tmp', emptyDir: {} }] } })] },
    settings: { emptyDir: 'reject' },
    verdict: 'never GenericFailure',
    causes: ['EmptyDir'],
  },
  {
    name: 'row 8: a tolerating Pod where that is forbidden',
    objects: { pods: [here('web', { spec: { tolerations: [{ operator: 'Exists' }] } })] },
    settings: { toleratingPods: 'reject' },
    verdict: 'never GenericFailure',
    causes: ['ToleratesTaint'],
  },
  {
    name: 'row 4: what fails in this Node’s failure domain is not held against it',
    objects: {
      nodes: [inZone('a', 'east'), inZone('b', 'east'), inZone('c', 'west')],
      pods: [here('db-0'), pod('db-1', { node: 'b', labels: { app: 'db' }, ready: false })],
      budgets: [budget('db', { healthy: 2 })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 5: what fails in another failure domain is',
    objects: {
      nodes: [inZone('a', 'east'), inZone('b', 'east'), inZone('c', 'west')],
      pods: [here('db-0'), pod('db-1', { node: 'c', labels: { app: 'db' }, ready: false })],
      budgets: [budget('db', { healthy: 2 })],
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
  {
    name: 'row 5: a zone that holds every Node divides nothing and is no failure domain',
    objects: {
      nodes: [inZone('a', 'east'), inZone('b', 'east')],
      pods: [here('db-0'), pod('db-1', { node: 'b', labels: { app: 'db' }, ready: false })],
      budgets: [budget('db', { healthy: 2 })],
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
  {
    name: 'row 6: one of three members without a budget leaves a majority',
    objects: { pods: [here('zk-0', { meta: member(3) })], statefulSets: [statefulSet('zk', 3)] },
    verdict: 'proceed',
  },
  {
    name: 'row 6: two of three members without a budget do not',
    objects: {
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) })],
      statefulSets: [statefulSet('zk', 3)],
    },
    verdict: 'never TooManyExistingFailures',
    causes: ['QuorumAtRisk', 'QuorumAtRisk'],
  },
  {
    name: 'row 6: a member that fails elsewhere may recover',
    objects: { pods: [here('zk-0', { meta: member(3) })], statefulSets: [statefulSet('zk', 3, 2)] },
    verdict: 'later TooManyExistingFailures',
    causes: ['QuorumAtRisk'],
  },
  {
    name: 'row 6: members that are missing here cost nothing',
    objects: { pods: [here('zk-0', { ready: false, meta: member(3) })], statefulSets: [statefulSet('zk', 3, 2)] },
    verdict: 'proceed',
  },
  {
    name: 'row 6: two members have no majority to keep',
    objects: {
      pods: [here('zk-0', { meta: member(2) }), here('zk-1', { meta: member(2) })],
      statefulSets: [statefulSet('zk', 2)],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 6: quorum is not asked for on request',
    objects: {
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) })],
      statefulSets: [statefulSet('zk', 3)],
    },
    settings: { quorum: 'off' },
    verdict: 'proceed',
  },
  {
    name: 'row 6: a budget says it better',
    objects: {
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) })],
      statefulSets: [statefulSet('zk', 3)],
      budgets: [budget('db')],
    },
    verdict: 'proceed',
  },
  {
    name: 'the first row wins: a failing budget before a Pod without a controller',
    objects: {
      pods: [here('bare', { controller: null, labels: {} }), here('db-0')],
      budgets: [budget('db', { healthy: 2 })],
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
];

describe('`judge()`', () => {
  it.each(rows)('$name → $verdict', ({ objects, settings, verdict, causes = [] }) => {
    const found = verdictOn(objects, settings);
    expect('reason' in found ? `${found.is} ${found.reason}` : found.is).toBe(verdict);
    expect('blockedBy' in found ? found.blockedBy.map(({ cause }) => cause) : []).toEqual(causes);
  });

  it('names the Pod, the budget and its numbers in the message', () => {
    const found = verdictOn({ pods: [here('db-0')], budgets: [budget('db', { desired: 3 })] });
    expect('message' in found && found.message).toBe(
      'Pod shop/db-0: PodDisruptionBudget shop/db allows 0 disruptions: 3 of 3 Pods are healthy, 3 must be: it can never allow one',
    );
  });
});
