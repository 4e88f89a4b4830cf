import { describe, expect, it } from 'vitest';
import { node } from '../../harness/builders/objects.ts';
import { IN_OTHER_HANDS, kured, upgrade } from '../../harness/builders/other-tools.ts';
import { holdsOn, intentionsOn, locksOf, upgradesOf } from './other-tools.ts';

const annotated = (annotations: Readonly<Record<string, string>>) => node('b', { meta: { annotations } });

describe('a Node in the hands of another tool', () => {
  it.each(IN_OTHER_HANDS)('is known by its sign: $tool, $sign', ({ tool, sign, nodes, daemonSets, jobs }) => {
    const holds = [
      ...(nodes ? holdsOn(nodes('b')) : []),
      ...(daemonSets ? locksOf(daemonSets('b')) : []),
      ...(jobs ? upgradesOf(jobs('b')) : []),
    ];
    expect(holds).toEqual([expect.objectContaining({ nodeName: 'b', tool, sign })]);
  });

  it.each([
    ['a Node that nobody has', node('b')],
    ['a cordon, which anybody may set', node('b', { unschedulable: true })],
    [
      'a mere candidate',
      node('b', { taints: [{ key: 'DeletionCandidateOfClusterAutoscaler', effect: 'PreferNoSchedule' }] }),
    ],
    ['the key with a softer effect', node('b', { taints: [{ key: 'medik8s.io/drain', effect: 'PreferNoSchedule' }] })],
    [
      'a reboot that is only needed',
      annotated({ 'weave.works/kured-most-recent-reboot-needed': '2026-11-21T01:58:00Z' }),
    ],
    [
      'a configuration that is in place',
      annotated({
        'machineconfiguration.openshift.io/state': 'Done',
        'machineconfiguration.openshift.io/currentConfig': 'rendered-worker-1',
        'machineconfiguration.openshift.io/desiredConfig': 'rendered-worker-1',
        'machineconfiguration.openshift.io/desiredDrain': 'uncordon-rendered-worker-1',
      }),
    ],
  ])('is not seen in %s', (_, each) => {
    expect(holdsOn(each)).toEqual([]);
  });

  it('is said to be about to be taken, where a tool means to', () => {
    const taint = { key: 'DeletionCandidateOfClusterAutoscaler', value: '1763690280', effect: 'PreferNoSchedule' };
    expect(intentionsOn(node('b', { taints: [taint] }))).toEqual([
      'cluster-autoscaler may take this Node soon (taint DeletionCandidateOfClusterAutoscaler=1763690280:PreferNoSchedule)',
    ]);
    expect(intentionsOn(node('b'))).toEqual([]);
  });

  it.each([
    ['several owners', '{"maxOwners":2,"locks":[{"nodeID":"a"},{"nodeID":"b"}]}', ['a', 'b']],
    ['nobody', '{"maxOwners":2,"locks":[]}', []],
    ['no JSON', 'manual', []],
    ['another form', '{"nodeID":7}', []],
    ['no name', '{"nodeID":""}', []],
    ['more than any cluster needs', `{"nodeID":"${'b'.repeat(300_000)}"}`, []],
  ])('is read from a lock of kured with %s', (_, lock, names) => {
    expect(locksOf(kured(lock)).map(({ nodeName }) => nodeName)).toEqual(names);
  });

  it('is free again when a lock lapses, whose time is in nanoseconds', () => {
    const lock = { nodeID: 'b', created: '2026-11-21T01:00:00Z', TTL: 1_800_000_000_000 };
    expect(locksOf(kured(JSON.stringify(lock)))).toMatchObject([{ untilMs: Date.parse('2026-11-21T01:30:00Z') }]);
    expect(locksOf(kured(JSON.stringify({ ...lock, TTL: 0 })))[0]).not.toHaveProperty('untilMs');
    expect(locksOf(kured(JSON.stringify({ ...lock, created: 'soon' })))[0]).not.toHaveProperty('untilMs');
  });

  it('is free again when its upgrade has ended', () => {
    expect(upgradesOf(upgrade('b', true))).toEqual([]);
  });
});
