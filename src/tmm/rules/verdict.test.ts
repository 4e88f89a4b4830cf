import { describe, expect, it } from 'vitest';
import { type ClusterObjects, NOW, TestCluster } from '../../../harness/builders/cluster.ts';
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
} from '../../../harness/builders/objects.ts';
import { relatedPods } from '../model/related-pods.ts';
import type { Verdict } from './rule.ts';
import { judge } from './verdict.ts';

/** The verdict on node `a` of a cluster that also has a node `b`. */
function verdictOn(objects: ClusterObjects, settings: object = {}): Verdict {
  const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] }), node('b')], ...objects }, settings);
  const [taint] = cluster.settings.taints;
  if (taint === undefined) throw new Error('The default settings have a taint');
  return judge({
    related: relatedPods(cluster.observe('a').pods, taint, cluster.settings, NOW),
    settings: cluster.settings,
    observed: cluster.observe('a'),
    started: new Date(NOW).toISOString(),
  });
}

const here = (name: string, part: PodPart = {}) => pod(name, { node: 'a', labels: { app: 'db' }, ...part });
const web = pod('web', { node: 'a' });
const onLocalDisk = (name: string) =>
  here(name, { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${name}` } }] } });
const disks = (...names: readonly string[]): ClusterObjects => ({
  claims: names.map((name) => claim(`data-${name}`, `pv-${name}`)),
  volumes: names.map((name) => localVolume(`pv-${name}`, 'a')),
});

const zk = statefulSet('zk', 3);
const member = (replicas: number) => controlledBy(statefulSet('zk', replicas));
/** Members of a StatefulSet of three. */
const elsewhere = (...names: readonly string[]) => names.map((name) => pod(name, { node: 'b', meta: member(3) }));
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
    name: 'row 5: somebody else has just evicted the one that the budget could spare, and nobody has counted it yet',
    objects: {
      pods: [onLocalDisk('db-0'), pod('db-1', { node: 'b', labels: { app: 'db' } })],
      budgets: [budget('db', { allowed: 0 })],
      ...disks('db-0'),
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted'],
  },
  {
    name: 'row 9: a pinned Pod whose budget allows its absence',
    objects: { pods: [onLocalDisk('db-0')], budgets: [budget('db')], ...disks('db-0') },
    verdict: 'proceed',
  },
  {
    name: 'row 4: what is missing is here, but the API will not let it go: nothing is touched, and the advice is given',
    objects: {
      pods: [here('db-0', { ready: false }), here('db-1', { ready: false }), here('db-2', { ready: false }), web],
      budgets: [budget('db', { healthy: 0, allowed: 0 })],
    },
    verdict: 'later TooManyExistingFailures',
    causes: ['BudgetExhausted', 'BudgetExhausted', 'BudgetExhausted'],
  },
  {
    name: 'row 4: the same where the budget always allows unready Pods to go',
    objects: {
      pods: [here('db-0', { ready: false }), here('db-1', { ready: false }), here('db-2'), web],
      budgets: [budget('db', { healthy: 1, allowed: 0, policy: 'AlwaysAllow' })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 4: Pods that have never run go without asking the budget',
    objects: {
      pods: [here('db-0', { ready: false, phase: 'Pending' }), here('db-1', { ready: false, phase: 'Pending' })],
      budgets: [budget('db', { healthy: 1, allowed: 0 })],
    },
    verdict: 'proceed',
  },
  {
    name: 'row 7: a budget without a threshold, or over Pods without a scalable owner, expects none and never allows one',
    objects: {
      pods: [here('db-0'), web],
      budgets: [budget('db', { healthy: 2, desired: 0, expected: 0, allowed: 0 })],
    },
    verdict: 'never TooManyExistingFailures',
    causes: ['BudgetImpossible'],
  },
  {
    name: 'row 7: and unready Pods of it are held as well',
    objects: {
      pods: [here('db-0', { ready: false })],
      budgets: [budget('db', { healthy: 0, desired: 0, expected: 0, allowed: 0 })],
    },
    verdict: 'never TooManyExistingFailures',
    causes: ['BudgetImpossible'],
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
    objects: { pods: [here('zk-0', { meta: member(3) }), ...elsewhere('zk-1', 'zk-2')], statefulSets: [zk] },
    verdict: 'proceed',
  },
  {
    name: 'row 6: two of three members without a budget do not',
    objects: {
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) }), ...elsewhere('zk-2')],
      statefulSets: [zk],
    },
    verdict: 'never TooManyExistingFailures',
    causes: ['QuorumAtRisk', 'QuorumAtRisk'],
  },
  {
    name: 'row 6: a member that fails elsewhere may recover',
    objects: { pods: [here('zk-0', { meta: member(3) }), ...elsewhere('zk-1')], statefulSets: [zk] },
    verdict: 'later TooManyExistingFailures',
    causes: ['QuorumAtRisk'],
  },
  {
    name: 'row 6: members that are missing here cost nothing',
    objects: {
      pods: [here('zk-0', { ready: false, meta: member(3) }), ...elsewhere('zk-1', 'zk-2')],
      statefulSets: [zk],
    },
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
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) }), ...elsewhere('zk-2')],
      statefulSets: [zk],
    },
    settings: { quorum: 'off' },
    verdict: 'proceed',
  },
  {
    name: 'row 6: a budget says it better',
    objects: {
      pods: [here('zk-0', { meta: member(3) }), here('zk-1', { meta: member(3) }), ...elsewhere('zk-2')],
      statefulSets: [zk],
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

describe('`judge()`, where nobody knows whether all find room', () => {
  /** Pieces of 34 and 33 that no packing fits into 21 Nodes of 100, though the sums do not show it. */
  const puzzle = (extra: Partial<ClusterObjects> = {}): ClusterObjects => {
    const piece = (cpu: number) => (_: unknown, index: number) =>
      pod(`p${index}-${cpu}`, { node: 'a', spec: { scheduling: { requests: { cpu } } } });
    const spare = Array.from({ length: 21 }, (_, index) => {
      const made = node(`spare-${index}`);
      return { ...made, status: { ...made.status, allocatable: { cpu: 100, pods: 10 } } };
    });
    return {
      nodes: [node('a', { taints: [TAINT] }), ...spare],
      ...extra,
      pods: [...Array.from({ length: 30 }, piece(34)), ...Array.from({ length: 30 }, piece(33)), ...(extra.pods ?? [])],
    };
  };

  it('leaves it to the scheduler where the cluster grows (`tmm.noRoom: proceed`), certain or not', () => {
    const big = pod('big', { node: 'a', spec: { scheduling: { requests: { cpu: 1000 } } } });
    for (const objects of [puzzle(), puzzle({ pods: [big] })]) {
      expect(new TestCluster(objects, { noRoom: 'proceed' }).pass('a').because).toBe('Admitted');
    }
    expect(new TestCluster(puzzle({ pods: [big] })).pass('a').because).toBe('Rejected');
  });

  it('waits for room, and lets the Node go at the deadline of its admission', () => {
    const cluster = new TestCluster(puzzle());
    expect(cluster.pass('a').because).toBe('AdmissionPending');
    expect(cluster.report('a')).toMatchObject({ phase: 'Checking' });
    expect(cluster.report('a')?.blockedBy[0]?.cause).toBe('NoRoom');
    cluster.nowMs += cluster.settings.admissionTimeoutMs;
    expect(cluster.pass('a').because).toBe('Admitted');
    expect(cluster.report('a')?.notModelled).toEqual(['Whether another order of placing has room for all 60 Pods']);
  });

  it('does not hide what rejects the Node for certain', () => {
    const bare = here('bare', { controller: null });
    expect(verdictOn(puzzle({ pods: [bare] }))).toMatchObject({ is: 'never', reason: 'GenericFailure' });
  });
});
