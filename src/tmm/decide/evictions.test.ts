import { describe, expect, it } from 'vitest';
import { NOW, TestCluster } from '../../../harness/builders/cluster.ts';
import {
  budget,
  controlledBy,
  node,
  type PodPart,
  pod,
  statefulSet,
  TAINT,
} from '../../../harness/builders/objects.ts';
import type { EvictionAttempt, ProbeAnswer } from '../../core/ports.ts';
import { relatedPods } from '../model/related-pods.ts';
import { PRESETS } from '../names.ts';
import { reasonAtDeadline } from './blockers.ts';
import { type DrainPlan, planDrain } from './evictions.ts';

const here = (name: string, part: PodPart = {}) => pod(name, { node: 'a', labels: { app: 'db' }, ...part });
const basisOf = (name: string, version = '1'): string => `uid-of-shop-${name}/${version}`;
const attempt = (part: Partial<EvictionAttempt>): EvictionAttempt => ({
  outcome: 'BudgetBlocked',
  atMs: NOW,
  basis: '',
  count: 1,
  ...part,
});

const byUid = <T>(byName: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(byName).map(([name, each]) => [`uid-of-shop-${name}`, each]));

interface Given {
  readonly pods: readonly ReturnType<typeof pod>[];
  readonly budgets?: readonly ReturnType<typeof budget>[];
  readonly statefulSets?: readonly ReturnType<typeof statefulSet>[];
  readonly attempts?: Readonly<Record<string, EvictionAttempt>>;
  readonly probed?: Readonly<Record<string, ProbeAnswer>>;
  readonly isUnreachable?: boolean;
  readonly unschedulable?: Readonly<Record<string, string>>;
  readonly settings?: object;
  readonly ownPod?: string;
}

function plan({
  pods,
  budgets = [],
  statefulSets = [],
  attempts = {},
  probed,
  unschedulable = {},
  settings = {},
  ownPod,
  isUnreachable = false,
}: Given): DrainPlan {
  const cluster = new TestCluster({ nodes: [node('a', { taints: [TAINT] })], pods, budgets, statefulSets }, settings);
  const { pods: found, kept } = cluster.observe('a');
  return planDrain({
    returns: {},
    related: relatedPods(found, PRESETS.default, cluster.settings, NOW),
    kept,
    nodeName: 'a',
    isUnreachable,
    isCordoned: false,
    session: 's1',
    attempts: byUid(attempts),
    ...(probed !== undefined && { probed: byUid(probed) }),
    unschedulable,
    settings: cluster.settings,
    nowMs: NOW,
    ...(ownPod !== undefined && { ownPod }),
  });
}

const wantedOf = (given: Given) => plan(given).wanted.map(({ name }) => name);
const causesOf = (given: Given) => plan(given).blockedBy.map(({ pod: key, cause }) => `${key} ${cause}`);

describe('`planDrain()`', () => {
  it('says at once that the kubelet of the Node does not answer, where a Pod waits for it to end', () => {
    const deleting = here('x', { deletedAt: new Date(NOW + 30_000).toISOString() });
    expect(causesOf({ pods: [deleting], isUnreachable: true })).toEqual(['shop/x NodeUnreachable']);
    expect(causesOf({ pods: [deleting] })).toEqual([]);
  });

  it('evicts all Pods without a budget at once, each in a lane of its own', () => {
    const { wanted } = plan({ pods: [here('x'), here('y')] });
    expect(wanted.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(new Set(wanted.map(({ lane }) => lane)).size).toBe(2);
  });

  it('evicts as many Pods of a budget as it allows, in one lane, and names the others as blocked', () => {
    const given = { pods: [here('db-0'), here('db-1'), here('db-2')], budgets: [budget('db', { allowed: 2 })] };
    expect(plan(given).wanted.map(({ name, lane }) => [name, lane])).toEqual([
      ['db-0', 'shop/db'],
      ['db-1', 'shop/db'],
    ]);
    expect(causesOf(given)).toEqual(['shop/db-2 BudgetExhausted']);
  });

  it('does not wait for the clock to come back to where it was when the answer came', () => {
    const anHour = 3_600_000;
    const denied = attempt({ outcome: 'Denied', atMs: NOW + anHour, retryAtMs: NOW + anHour + 1000 });
    expect(wantedOf({ pods: [here('x')], attempts: { x: denied } })).toEqual(['x']);
    const vm = here('vm', { labels: { app: 'db', 'kubevirt.io': 'virt-launcher' } });
    const refused = attempt({ atMs: NOW + anHour, basis: basisOf('db') });
    expect(wantedOf({ pods: [vm], budgets: [budget('db', { allowed: 0 })], attempts: { vm: refused } })).toEqual([
      'vm',
    ]);
  });

  it('takes unready Pods first', () => {
    expect(
      wantedOf({
        pods: [here('db-0'), here('db-1', { ready: false })],
        budgets: [budget('db', { allowed: 1, desired: 0 })],
      }),
    ).toEqual(['db-1']);
  });

  it('does not try while the budget allows nothing', () => {
    const given = { pods: [here('db-0')], budgets: [budget('db', { allowed: 0 })] };
    expect(wantedOf(given)).toEqual([]);
    expect(plan(given).nextAtMs).toBeUndefined();
  });

  it('does not try again after a refusal until the budget has changed', () => {
    const refused = { 'db-0': attempt({ basis: basisOf('db') }) };
    expect(wantedOf({ pods: [here('db-0')], budgets: [budget('db')], attempts: refused })).toEqual([]);
    expect(
      wantedOf({
        pods: [here('db-0')],
        budgets: [budget('db', { meta: { resourceVersion: '2' } })],
        attempts: refused,
      }),
    ).toEqual(['db-0']);
  });

  it('counts what was accepted since the budget’s last event', () => {
    const attempts = { 'db-0': attempt({ outcome: 'Accepted', basis: basisOf('db'), retryAtMs: NOW + 60_000 }) };
    expect(wantedOf({ pods: [here('db-0'), here('db-1')], budgets: [budget('db', { allowed: 1 })], attempts })).toEqual(
      [],
    );
  });

  it('takes one refusal as the answer for the whole budget until it changes', () => {
    const attempts = { 'db-0': attempt({ basis: basisOf('db') }) };
    expect(wantedOf({ pods: [here('db-0'), here('db-1')], budgets: [budget('db', { allowed: 2 })], attempts })).toEqual(
      [],
    );
  });

  it('evicts Pods that cost the budget nothing although it is closed', () => {
    const closed = { healthy: 2, desired: 2, expected: 3, allowed: 0 };
    expect(wantedOf({ pods: [here('db-0', { ready: false })], budgets: [budget('db', closed)] })).toEqual(['db-0']);
    expect(
      wantedOf({
        pods: [here('db-0', { ready: false, phase: 'Pending' })],
        budgets: [budget('db', { ...closed, healthy: 0 })],
      }),
    ).toEqual(['db-0']);
    expect(
      wantedOf({ pods: [here('db-0', { ready: false })], budgets: [budget('db', { ...closed, healthy: 1 })] }),
    ).toEqual([]);
  });

  it('knocks at a self-moving workload’s closed budget, and again after half a minute', () => {
    const strimzi = here('db-0', { labels: { app: 'db', 'strimzi.io/cluster': 'k' } });
    const closed = [budget('db', { desired: 3 })];
    expect(wantedOf({ pods: [strimzi], budgets: closed })).toEqual(['db-0']);
    const justRefused = { 'db-0': attempt({ basis: basisOf('db') }) };
    expect(wantedOf({ pods: [strimzi], budgets: closed, attempts: justRefused })).toEqual([]);
    expect(plan({ pods: [strimzi], budgets: closed, attempts: justRefused }).nextAtMs).toBe(NOW + 30_000);
    expect(
      wantedOf({
        pods: [strimzi],
        budgets: closed,
        attempts: { 'db-0': attempt({ basis: basisOf('db'), atMs: NOW - 30_000 }) },
      }),
    ).toEqual(['db-0']);
  });

  it.each([
    ['a denied one', {}, attempt({ outcome: 'Denied', retryAtMs: NOW, detail: 'webhook says no' }), 'EvictionDenied'],
    [
      'one that a budget could not judge',
      { budgets: [budget('db')] },
      attempt({ outcome: 'BudgetPending', retryAtMs: NOW, basis: basisOf('db') }),
      'BudgetNotObserved',
    ],
    [
      'one that its controller moves',
      {
        budgets: [budget('db', { allowed: 0 })],
        pods: [here('x', { labels: { app: 'db', 'kubevirt.io': 'virt-launcher' } })],
      },
      attempt({ atMs: NOW - 60_000, basis: basisOf('db') }),
      'BudgetExhausted',
    ],
  ])('still names what was refused while it asks again: %s', (_, part, answer, cause) => {
    const given = { pods: [here('x')], attempts: { x: answer }, ...part };
    expect(wantedOf(given)).toEqual(['x']);
    expect(causesOf(given)).toEqual([`shop/x ${cause}`]);
  });

  it('does not ask without a pause where a budget refuses that the cache has not heard of', () => {
    const refused = (atMs: number) => ({ pods: [here('x')], attempts: { x: attempt({ atMs, basis: '' }) } });
    expect(wantedOf(refused(NOW - 1000))).toEqual([]);
    expect(plan(refused(NOW - 1000)).nextAtMs).toBe(NOW + 4000);
    expect(causesOf(refused(NOW - 1000))).toEqual(['shop/x BudgetExhausted']);
    expect(wantedOf(refused(NOW - 5000))).toEqual(['x']);
  });

  it('does not name a refusal by a budget that has changed since', () => {
    const refused = attempt({ basis: basisOf('db', '0') });
    const given = { pods: [here('x')], budgets: [budget('db', { allowed: 1 })], attempts: { x: refused } };
    expect(wantedOf(given)).toEqual(['x']);
    expect(causesOf(given)).toEqual([]);
  });

  it('waits as long as an answer asked for, and says why', () => {
    const denied = attempt({ outcome: 'Denied', retryAtMs: NOW + 5000, detail: 'webhook says no' });
    const given = { pods: [here('x')], attempts: { x: denied } };
    expect(wantedOf(given)).toEqual([]);
    expect(causesOf(given)).toEqual(['shop/x EvictionDenied']);
    expect(plan(given).nextAtMs).toBe(NOW + 5000);
    expect(wantedOf({ pods: [here('x')], attempts: { x: { ...denied, retryAtMs: NOW } } })).toEqual(['x']);
  });

  it('leaves terminating Pods alone, and calls them stuck half a minute after their grace period', () => {
    const terminating = (deletedAt: string) => ({ pods: [here('x', { deletedAt })] });
    expect(plan(terminating('2026-11-21T02:00:10Z'))).toMatchObject({
      wanted: [],
      blockedBy: [],
      terminating: 1,
      nextAtMs: NOW + 40_000,
    });
    expect(causesOf(terminating('2026-11-21T01:59:30Z'))).toEqual(['shop/x StuckTerminating']);
  });

  it('waits for Pods that asked for it', () => {
    expect(causesOf({ pods: [here('x', { labels: { 'cluster.x-k8s.io/drain': 'wait-completed' } })] })).toEqual([
      'shop/x WaitsForCompletion',
    ]);
  });

  it('does not evict a Pod without a controller that was bound after the verdict', () => {
    expect(causesOf({ pods: [here('x', { controller: null })] })).toEqual(['shop/x NoController']);
  });

  it('takes DaemonSet Pods after all others, and our own Pod last', () => {
    const web = here('web');
    const csi = here('csi', { controller: 'DaemonSet' });
    const own = here('own');
    const given = { settings: { daemonSetPods: 'delete' }, ownPod: 'shop/own' };
    expect(wantedOf({ pods: [web, csi, own], ...given })).toEqual(['web']);
    expect(wantedOf({ pods: [csi, own], ...given })).toEqual(['csi']);
    expect(wantedOf({ pods: [own], ...given })).toEqual(['own']);
  });

  it('keeps a StatefulSet’s majority where no budget does, whatever fails meanwhile', () => {
    const zk = statefulSet('zk', 5);
    const member = (name: string, nodeName = 'a') => here(name, { node: nodeName, meta: controlledBy(zk) });
    const mine = ['zk-0', 'zk-1', 'zk-2'].map((name) => member(name));
    const all = { pods: [...mine, member('zk-3', 'b'), member('zk-4', 'b')], statefulSets: [zk] };
    const three = { ...all, pods: mine };
    expect(wantedOf(all)).toEqual(['zk-0', 'zk-1']);
    expect(causesOf(all)).toEqual(['shop/zk-2 QuorumAtRisk']);
    expect(wantedOf(three)).toEqual([]);
    const accepted = { 'zk-0': attempt({ outcome: 'Accepted', retryAtMs: NOW + 60_000 }) };
    expect(wantedOf({ ...all, attempts: accepted })).toEqual(['zk-1']);
    expect(wantedOf({ ...three, settings: { quorum: 'off' } })).toEqual(['zk-0', 'zk-1', 'zk-2']);
  });

  it('says when a budget waits for a Pod that cannot be scheduled', () => {
    const given = {
      pods: [here('db-0')],
      budgets: [budget('db', { allowed: 0, healthy: 2 })],
      unschedulable: { 'shop/db': 'shop/db-9' },
    };
    expect(causesOf(given)).toEqual(['shop/db-0 Unschedulable']);
  });
});

describe('`reasonAtDeadline()`', () => {
  const blocked = (...causes: readonly ('Unschedulable' | 'BudgetExhausted' | 'StuckTerminating')[]) =>
    causes.map((cause) => ({ pod: 'shop/x', cause, detail: '', remedy: '' }));
  it.each([
    [blocked('BudgetExhausted', 'Unschedulable'), 'NotEnoughResources'],
    [blocked('StuckTerminating', 'BudgetExhausted'), 'TooManyExistingFailures'],
    [blocked('StuckTerminating'), 'GenericFailure'],
    [[], 'GenericFailure'],
  ] as const)('%j → %s', (blockedBy, reason) => {
    expect(reasonAtDeadline(blockedBy)).toBe(reason);
  });
});

describe('`planDrain()`, where admission is asked first', () => {
  const two = [here('vm'), here('web')];
  const wanted = (given: Given): readonly string[] => plan(given).wanted.map(({ name }) => name);
  const asked = (given: Given): readonly string[] => plan(given).questions.map(({ name }) => name);

  it('asks about every Pod that is to go, once, and evicts nothing before all is answered', () => {
    expect([asked({ pods: two, probed: {} }), wanted({ pods: two, probed: {} })]).toEqual([['vm', 'web'], []]);
    const half: Given = { pods: two, probed: { vm: 'Allowed' } };
    expect([asked(half), wanted(half)]).toEqual([['web'], []]);
    const all: Given = { pods: two, probed: { vm: 'Allowed', web: 'Unknown' } };
    expect([asked(all), wanted(all)]).toEqual([[], ['vm', 'web']]);
  });

  it('does not ask about what is leaving, waited for, or not to be evicted', () => {
    const pods = [
      here('leaving', { deletedAt: '2026-11-21T02:00:30Z' }),
      here('awaited', { labels: { 'cluster.x-k8s.io/drain': 'wait-completed' } }),
      here('bare', { controller: null }),
      here('web'),
    ];
    expect(asked({ pods, probed: {} })).toEqual(['web']);
  });

  it('sends what is denied first, and nothing else while it is refused', () => {
    const probed = { vm: 'Denied', web: 'Allowed' } as const;
    expect(wanted({ pods: two, probed })).toEqual(['vm']);
    const denied = attempt({ outcome: 'Denied', retryAtMs: NOW + 5000, isByAdmission: true });
    const refused = plan({ pods: two, probed, attempts: { vm: denied } });
    expect(refused.wanted).toEqual([]);
    expect(refused.blockedBy).toMatchObject([{ pod: 'shop/vm', cause: 'EvictionDenied' }]);
    expect(refused.nextAtMs).toBe(NOW + 5000);
  });

  it('goes on once it is accepted, and while only a budget holds it', () => {
    const probed = { vm: 'Denied', web: 'Allowed' } as const;
    expect(
      wanted({ pods: two, probed, attempts: { vm: attempt({ outcome: 'Accepted', retryAtMs: NOW + 60_000 }) } }),
    ).toEqual(['web']);
    const leaving = here('vm', { deletedAt: '2026-11-21T02:00:30Z' });
    expect(wanted({ pods: [leaving, here('web')], probed })).toEqual(['web']);
    expect(wanted({ pods: two, probed, attempts: { vm: attempt({ basis: '' }) } })).toEqual(['web']);
  });

  it.each<[EvictionAttempt['outcome'], true | undefined, readonly string[]]>([
    ['Denied', true, []],
    ['Throttled', true, []],
    ['Throttled', undefined, ['web']],
    ['Failed', true, []],
    ['Failed', undefined, ['web']],
  ])('holds the rest for a refusal that no dry run had foreseen: %s, by admission: %s', (outcome, by, expected) => {
    const refusal = attempt({ outcome, retryAtMs: NOW + 5000, ...(by && { isByAdmission: by }) });
    const probed = { vm: 'Unknown', web: 'Allowed' } as const;
    expect(wanted({ pods: two, probed, attempts: { vm: refusal } })).toEqual(expected);
  });
});
