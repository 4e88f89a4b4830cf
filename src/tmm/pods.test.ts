import { describe, expect, it } from 'vitest';
import { node, pod } from '../../test/build/objects.ts';
import { PRESETS } from './names.ts';
import { isPinnedTo } from './pinning.ts';
import { fateOf, type PodFacts } from './pods.ts';
import { tmmSettingsSchema } from './settings.ts';

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

describe('`fateOf()`', () => {
  it.each(rows)('$name → $fate', ({ facts: podFacts, settings, fate }) => {
    const found = fateOf(podFacts, PRESETS.default, tmmSettingsSchema.parse(settings ?? {}));
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
