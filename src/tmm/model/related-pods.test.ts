import { describe, expect, it } from 'vitest';
import { NOW } from '../../../harness/builders/cluster.ts';
import { node, pod } from '../../../harness/builders/objects.ts';
import { PRESETS } from '../names.ts';
import { isPinnedTo } from '../observe/pinning.ts';
import { tmmSettingsSchema } from '../settings.ts';
import { fateOf, type PodFacts } from './related-pods.ts';

const facts = (part: Parameters<typeof pod>[1] = {}, more: Partial<PodFacts> = {}): PodFacts => ({
  pod: pod('p', { node: 'a', ...part }),
  budgets: [],
  isPinned: false,
  ...more,
});
const tolerating = { spec: { tolerations: [{ key: 'drain', operator: 'Exists' }] } };

const rows = [
  { name: 'a Pod of a ReplicaSet', facts: facts(), fate: 'related' },
  { name: 'a mirror Pod', facts: facts({ annotations: { 'kubernetes.io/config.mirror': 'x' } }), fate: 'Mirror' },
  { name: 'a finished Pod', facts: facts({ phase: 'Succeeded' }), fate: 'Finished' },
  {
    name: 'a Pod labelled drain=skip',
    facts: facts({ labels: { 'cluster.x-k8s.io/drain': 'skip' } }),
    fate: 'DrainSkipped',
  },
  ...['Skip', 'SKIP'].map((value) => ({
    name: `a Pod labelled drain=${value}`,
    facts: facts({ labels: { 'cluster.x-k8s.io/drain': value } }),
    fate: 'DrainSkipped',
  })),
  ...['s-kip', 'skipped', '-skip'].map((value) => ({
    name: `a Pod labelled drain=${value}, which Cluster API does not take`,
    facts: facts({ labels: { 'cluster.x-k8s.io/drain': value } }),
    fate: 'related',
  })),
  { name: 'a Pod of a DaemonSet', facts: facts({ controller: 'DaemonSet' }), fate: 'DaemonSet' },
  {
    name: 'a Pod of a DaemonSet that shall go',
    facts: facts({ controller: 'DaemonSet' }),
    settings: { daemonSetPods: 'delete' },
    fate: 'related',
  },
  { name: 'a tolerating Pod', facts: facts(tolerating), fate: 'Tolerates' },
  {
    name: 'a tolerating Pod that shall go',
    facts: facts(tolerating),
    settings: { toleratingPods: 'evict' },
    fate: 'related',
  },
  {
    name: 'a DaemonSet Pod that tolerates everything, though DaemonSets shall go',
    facts: facts({ controller: 'DaemonSet', spec: { tolerations: [{ operator: 'Exists' }] } }),
    settings: { daemonSetPods: 'delete' },
    fate: 'Tolerates',
  },
  {
    name: 'a Pod outside the chosen namespaces',
    facts: facts(),
    settings: { pods: [{ namespaces: ['storage'] }] },
    fate: 'NotSelected',
  },
  {
    name: 'a Pod that the second selection chooses',
    facts: facts({ labels: { tier: 'data' } }),
    settings: { pods: [{ namespaces: ['storage'] }, { selector: { matchLabels: { tier: 'data' } } }] },
    fate: 'related',
  },
  {
    name: 'a Pod in a namespace with the wanted label',
    facts: facts(
      {},
      { namespace: { metadata: { name: 'shop', uid: 'n', resourceVersion: '1', labels: { team: 'a' } } } },
    ),
    settings: { pods: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] },
    fate: 'related',
  },
  {
    name: 'a Pod in a namespace without the wanted label',
    facts: facts(),
    settings: { pods: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] },
    fate: 'NotSelected',
  },
];

describe('`fateOf()`: a Pod that is being deleted', () => {
  const deletedAt = '2026-11-21T02:00:30Z';
  it.each(['Succeeded', 'Failed', 'Running', 'Pending', 'Unknown'])(
    'is related until it is gone, in phase %s',
    (phase) => {
      const found = fateOf(
        facts({ phase, ready: false, deletedAt }),
        PRESETS.default,
        tmmSettingsSchema.parse({}),
        NOW,
      );
      expect(found.is).toBe('related');
    },
  );
  it('is passed over once it has been terminating for longer than `tmm.skipWaitForDeleteTimeout`, which is off by default', () => {
    const deleting = facts({ deletedAt });
    const endMs = Date.parse(deletedAt);
    const fate = (skipWaitForDeleteTimeout: string, nowMs: number) =>
      fateOf(deleting, PRESETS.default, tmmSettingsSchema.parse({ skipWaitForDeleteTimeout }), nowMs);
    expect(fate('5m', endMs + 299_999).is).toBe('related');
    expect(fate('5m', endMs + 300_000)).toEqual({ is: 'stays', why: 'Skipped' });
    expect(fate('0', endMs + 86_400_000).is).toBe('related');
  });
  it('stays where its owner or its kind says so, in whatever phase', () => {
    const ofDaemonSet = facts({ phase: 'Failed', controller: 'DaemonSet', deletedAt });
    expect(fateOf(ofDaemonSet, PRESETS.default, tmmSettingsSchema.parse({}), NOW)).toEqual({
      is: 'stays',
      why: 'DaemonSet',
    });
  });
});

describe('a Pod that asks to be waited for', () => {
  it.each([
    ['wait-completed', 'Label'],
    ['WaitCompleted', 'Label'],
    ['waitcompleted', 'Label'],
    ['Wait-Completed', 'Label'],
    ['waitcom-pleted', 'Label'],
    ['wait--completed', false],
    ['wait-completed-', false],
    ['completed', false],
  ])('says so by %s as in Cluster API: %s', (value, waitsForCompletion) => {
    const [taint] = [PRESETS.default];
    const waiting = facts({ labels: { 'cluster.x-k8s.io/drain': value } });
    expect(fateOf(waiting, taint, tmmSettingsSchema.parse({}), NOW)).toMatchObject({
      is: 'related',
      waitsForCompletion,
    });
  });
});

describe('`fateOf()`', () => {
  it.each(rows)('$name → $fate', ({ facts: podFacts, settings, fate }) => {
    const found = fateOf(podFacts, PRESETS.default, tmmSettingsSchema.parse(settings ?? {}), NOW);
    expect(found.is === 'stays' ? found.why : found.is).toBe(fate);
  });
});

describe('`isPinnedTo()`', () => {
  const zone = (name: string, value: string) =>
    node(name, { meta: { labels: { 'topology.kubernetes.io/zone': value } } });
  const nodes = [zone('a', 'east'), zone('b', 'east'), zone('c', 'west')];
  const inZone = (value: string) => ({
    nodeSelectorTerms: [
      { matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: [value] }] },
    ],
  });

  it.each([
    { name: 'no demand at all', home: 'a', demands: { nodeSelector: {}, affinities: [] }, pinned: false },
    {
      name: 'a volume of a zone with another Node',
      home: 'a',
      demands: { nodeSelector: {}, affinities: [inZone('east')] },
      pinned: false,
    },
    {
      name: 'a volume of a zone with this Node only',
      home: 'c',
      demands: { nodeSelector: {}, affinities: [inZone('west')] },
      pinned: true,
    },
    {
      name: 'a label that no other Node has',
      home: 'c',
      demands: { nodeSelector: { 'topology.kubernetes.io/zone': 'west' }, affinities: [] },
      pinned: true,
    },
    {
      name: 'a label that no Node has at all',
      home: 'c',
      demands: { nodeSelector: { 'topology.kubernetes.io/zone': 'north' }, affinities: [] },
      pinned: false,
    },
    {
      name: 'a field selector on the Node’s name, as DaemonSets have it',
      home: 'a',
      demands: {
        nodeSelector: {},
        affinities: [
          { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] },
        ],
      },
      pinned: true,
    },
  ])('$name → $pinned', ({ home, demands, pinned }) => {
    expect(isPinnedTo(home, demands, nodes)).toBe(pinned);
  });
});
