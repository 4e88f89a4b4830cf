import { describe, expect, it } from 'vitest';
import { cluster, type MachinePart, machine, workloadNode } from '../../harness/builders/machines.ts';
import type { Cluster } from '../core/machine-objects.ts';
import { decide } from './decide.ts';
import type { CapiDecision, Memory } from './desired.ts';
import type { NodeSeen } from './observed.ts';
import { type CapiSettings, capiSettingsSchema } from './settings.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const OURS = 'runtime-extensions-maintenance-controller';
const DELETED = '2026-11-21T10:00:00Z';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Given {
  readonly machine?: MachinePart;
  readonly cluster?: Cluster;
  /** Labels of the Node without our prefix, or why the Node is not available. */
  readonly node?: Readonly<Record<string, string>> | 'none' | 'unknown' | 'absent' | 'taken';
  readonly ownsNode?: boolean;
  readonly hasPredecessor?: boolean;
  readonly settings?: object;
  readonly memory?: Memory;
  /** Milliseconds since the deletion was requested. */
  readonly afterMs?: number;
}

function nodeSeen(node: NonNullable<Given['node']>): NodeSeen {
  if (node === 'taken') return { is: 'taken', by: 'metal/younger' };
  if (typeof node === 'string') return { is: node as 'none' | 'unknown' | 'absent' };
  const labels = Object.entries(node).map(([key, value]) => [key.includes('/') ? key : `${P}/${key}`, value]);
  return { is: 'present', object: workloadNode('m', Object.fromEntries(labels)) };
}

function decideOn({ node = {}, settings = {}, memory = {}, afterMs = MINUTE, ...given }: Given): CapiDecision {
  return decide(
    {
      machine: machine('m', given.machine),
      cluster: given.cluster,
      node: nodeSeen(node),
      ownsNode: given.ownsNode ?? true,
      hasPredecessor: given.hasPredecessor ?? false,
      connection: undefined,
      nowMs: Date.parse(DELETED) + afterMs,
    },
    { settings: capiSettingsSchema.parse(settings) as CapiSettings, memory },
  );
}

/** The writes, in order, and the Events: `Node +machine-deleted`, `Machine -hook`, `(MaintenanceApproved)`. */
function written({ steps }: CapiDecision): readonly string[] {
  return steps.flatMap(({ in: where, actions }) =>
    actions.flatMap((action) => {
      if (action.do === 'recordEvent') return [`(${action.reason})`];
      if (action.do !== 'patchMeta') throw new Error(`Unexpected ${action.do}`);
      const what = where === 'workload' ? 'Node' : 'Machine';
      return Object.entries({ ...action.labels, ...action.annotations }).map(([key, value]) => {
        const name = key === HOOK ? 'hook' : key.replace(/^.*\//, '');
        if (value === null) return `${what} -${name}`;
        const isPlain = value === 'true' || value === OURS || name === 'hook-timer';
        return `${what} +${name}${isPlain ? '' : `=${value}`}`;
      });
    }),
  );
}

const APPROVES_DELETION = { 'approve-deletion': 'true' };
const APPROVES_MAINTENANCE = { 'approve-maintenance': 'true' };
const TOLD_OF_DELETION = { 'machine-deleted': 'true' };
const TOLD_OF_MAINTENANCE = { 'machine-maintenance': 'true' };
const deleting = (part: MachinePart = {}): MachinePart => ({ hook: true, deletedAt: DELETED, ...part });
const TIMER = 'maintenance-bridge.io/hook-timer';
/** The Node was labelled when the deletion began. */
const TIMED: MachinePart = { annotations: { [TIMER]: DELETED } };
const IGNORE = { staleApprovals: 'ignore' };
const STALE_DELETION = { 'maintenance-bridge.io/stale-approve-deletion': 'true' };
const ALREADY_TOLD: Memory = { toldAtMs: Date.parse(DELETED) };

interface Row extends Given {
  readonly name: string;
  readonly because: CapiDecision['because'];
  readonly written: readonly string[];
}

const rows: readonly Row[] = [
  // The hook
  { name: 'puts the hook on an enabled Machine', because: 'Guarded', written: ['Machine +hook'] },
  {
    name: 'puts the hook on before there is a Node',
    machine: { node: null },
    node: 'none',
    because: 'NodePending',
    written: ['Machine +hook'],
  },
  {
    name: 'puts the hook on while nothing is known of the Node',
    node: 'unknown',
    because: 'NodeUnknown',
    written: ['Machine +hook'],
  },
  {
    name: 'puts the hook on while there is no Node of that name',
    node: 'absent',
    because: 'NodeGone',
    written: ['Machine +hook'],
  },
  { name: 'writes nothing that is so already', machine: { hook: true }, because: 'Guarded', written: [] },
  {
    name: 'leaves an existing value of the hook as it is',
    machine: { hook: 'somebody-else' },
    because: 'Guarded',
    written: [],
  },
  {
    name: 'takes the hook off when the Node approves, even before a deletion',
    machine: { hook: true },
    node: APPROVES_DELETION,
    because: 'DeletionApproved',
    written: ['Machine -hook', '(StaleApproval)'],
  },
  {
    name: 'takes the hook off whatever its value when the Node approves',
    machine: { hook: 'somebody-else' },
    node: APPROVES_DELETION,
    because: 'DeletionApproved',
    written: ['Machine -hook', '(StaleApproval)'],
  },
  {
    name: 'takes only exactly "true" for an approval',
    machine: { hook: true },
    node: { 'approve-deletion': 'yes', 'approve-maintenance': 'True' },
    because: 'Guarded',
    written: [],
  },
  {
    name: 'puts the hook back when the approval is withdrawn before a deletion',
    node: { 'approve-deletion': 'false' },
    because: 'Guarded',
    written: ['Machine +hook'],
  },
  // Deletion
  {
    name: 'tells the Node of the deletion and holds it',
    machine: deleting(),
    because: 'DeletionWaiting',
    written: ['Node +machine-deleted', '(MaintenanceHookWaiting)'],
  },
  {
    name: 'goes on holding the deletion without a word',
    machine: deleting(),
    node: TOLD_OF_DELETION,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: [],
  },
  {
    name: 'says once an hour that the deletion is held',
    machine: deleting(),
    node: TOLD_OF_DELETION,
    memory: ALREADY_TOLD,
    afterMs: HOUR,
    because: 'DeletionWaiting',
    written: ['(MaintenanceHookWaiting)'],
  },
  {
    name: 'lets the deletion go when the Node approves',
    machine: deleting(),
    node: { ...TOLD_OF_DELETION, ...APPROVES_DELETION },
    because: 'DeletionApproved',
    written: ['Machine -hook', 'Machine +hook-released=DeletionApproved', '(DeletionApproved)'],
  },
  {
    name: 'tells the Node before it lets the deletion go',
    machine: deleting(),
    node: APPROVES_DELETION,
    because: 'DeletionApproved',
    written: [
      'Node +machine-deleted',
      'Machine -hook',
      'Machine +hook-released=DeletionApproved',
      '(DeletionApproved)',
      '(StaleApproval)',
    ],
  },
  {
    name: 'never puts a hook on a Machine that is being deleted',
    machine: { deletedAt: DELETED },
    node: TOLD_OF_DELETION,
    because: 'Released',
    written: [],
  },
  {
    name: 'tells the Node of a deletion that is not held',
    machine: { deletedAt: DELETED },
    because: 'Released',
    written: ['Node +machine-deleted'],
  },
  {
    name: 'corrects another value of machine-deleted',
    machine: deleting(),
    node: { 'machine-deleted': 'false' },
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: ['Node +machine-deleted'],
  },
  {
    name: 'removes machine-deleted that is not true',
    machine: { hook: true },
    node: TOLD_OF_DELETION,
    because: 'Guarded',
    written: ['Node -machine-deleted'],
  },
  {
    name: 'holds the deletion while nothing is known of the Node',
    machine: deleting(),
    node: 'unknown',
    because: 'NodeUnknown',
    written: ['(MaintenanceHookWaiting)'],
  },
  {
    name: 'lets the deletion go when the Node is gone',
    machine: deleting(),
    node: 'absent',
    because: 'NodeGone',
    written: ['Machine -hook', 'Machine +hook-released=NodeGone', '(NodeGone)'],
  },
  {
    name: 'keeps the hook when the Node is gone and nothing is being deleted',
    machine: { hook: true },
    node: 'absent',
    because: 'NodeGone',
    written: [],
  },
  {
    name: 'keeps the hook of a deletion without a Node, which Cluster API does not look at',
    machine: deleting({ node: null }),
    node: 'none',
    because: 'NodePending',
    written: [],
  },
  ...(['none', 'unknown', 'absent'] as const).map(
    (node): Row => ({
      name: `has nothing more to do for a released deletion whose Node is ${node}`,
      machine: { deletedAt: DELETED },
      node,
      because: 'Released',
      written: [],
    }),
  ),
  // Time
  {
    name: 'counts capi.hookTimeout from when the Node is told, however long ago the deletion began',
    machine: deleting(),
    settings: { hookTimeout: '1h' },
    memory: ALREADY_TOLD,
    afterMs: 30 * MINUTE,
    because: 'DeletionWaiting',
    written: ['Node +machine-deleted', 'Machine +hook-timer'],
  },
  {
    name: 'counts capi.hookTimeout from when the Node cannot be told',
    machine: deleting(),
    node: 'unknown',
    settings: { hookTimeout: '1h' },
    memory: ALREADY_TOLD,
    afterMs: 2 * HOUR,
    because: 'NodeUnknown',
    written: ['Machine +hook-timer', '(MaintenanceHookWaiting)'],
  },
  {
    name: 'starts no timer without capi.hookTimeout',
    machine: deleting(),
    node: TOLD_OF_DELETION,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: [],
  },
  {
    name: 'writes a timer anew that nobody can read',
    machine: deleting({ annotations: { [TIMER]: 'soon' } }),
    node: TOLD_OF_DELETION,
    settings: { hookTimeout: '1h' },
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: ['Machine +hook-timer'],
  },
  {
    name: 'starts no timer while the Cluster is paused',
    machine: deleting(),
    cluster: cluster('shop', { paused: true }),
    settings: { hookTimeout: '1h' },
    afterMs: 3 * HOUR,
    because: 'Paused',
    written: [],
  },
  {
    name: 'lets the deletion go after capi.hookTimeout',
    machine: deleting(TIMED),
    node: TOLD_OF_DELETION,
    settings: { hookTimeout: '1h' },
    afterMs: HOUR,
    because: 'HookTimedOut',
    written: ['Machine -hook', 'Machine +hook-released=HookTimedOut', 'Machine -hook-timer', '(HookTimedOut)'],
  },
  {
    name: 'lets the deletion go after capi.hookTimeout although nothing is known of the Node',
    machine: deleting(TIMED),
    node: 'unknown',
    settings: { hookTimeout: '1h' },
    afterMs: HOUR,
    because: 'HookTimedOut',
    written: ['Machine -hook', 'Machine +hook-released=HookTimedOut', 'Machine -hook-timer', '(HookTimedOut)'],
  },
  {
    name: 'holds the deletion a moment before capi.hookTimeout',
    machine: deleting(TIMED),
    node: TOLD_OF_DELETION,
    memory: ALREADY_TOLD,
    settings: { hookTimeout: '1h' },
    afterMs: HOUR - 1,
    because: 'DeletionWaiting',
    written: [],
  },
  // Maintenance
  {
    name: 'tells the Node of a requested maintenance',
    machine: { hook: true, maintenance: 'requested' },
    because: 'MaintenanceRequested',
    written: ['Node +machine-maintenance', '(MaintenanceRequested)'],
  },
  {
    name: 'waits for the Node to approve the maintenance',
    machine: { hook: true, maintenance: 'requested' },
    node: TOLD_OF_MAINTENANCE,
    because: 'MaintenanceRequested',
    written: [],
  },
  {
    name: 'approves the maintenance when the Node does',
    machine: { hook: true, maintenance: 'requested' },
    node: { ...TOLD_OF_MAINTENANCE, ...APPROVES_MAINTENANCE },
    because: 'MaintenanceApproved',
    written: ['Machine +maintenance=approved', '(MaintenanceApproved)'],
  },
  {
    name: 'puts hook and approval on the Machine in one patch, before the Node is told',
    machine: { maintenance: 'requested' },
    node: APPROVES_MAINTENANCE,
    because: 'MaintenanceApproved',
    written: [
      'Machine +maintenance=approved',
      'Machine +hook',
      'Node +machine-maintenance',
      '(MaintenanceRequested)',
      '(MaintenanceApproved)',
      '(StaleApproval)',
    ],
  },
  {
    name: 'leaves an approved maintenance as it is when the Node’s approval goes',
    machine: { hook: true, maintenance: 'approved' },
    node: TOLD_OF_MAINTENANCE,
    because: 'MaintenanceApproved',
    written: [],
  },
  {
    name: 'takes the Node’s label back when the user ends the maintenance',
    machine: { hook: true },
    node: { ...TOLD_OF_MAINTENANCE, ...APPROVES_MAINTENANCE },
    because: 'Guarded',
    written: ['Node -machine-maintenance', '(MaintenanceEnded)'],
  },
  {
    name: 'asks nobody for a maintenance in words that it does not know',
    machine: { hook: true, maintenance: 'Requested' },
    node: APPROVES_MAINTENANCE,
    because: 'Guarded',
    written: [],
  },
  {
    name: 'approves a maintenance of a Machine that is being deleted, too',
    machine: deleting({ maintenance: 'requested' }),
    node: { ...TOLD_OF_DELETION, ...TOLD_OF_MAINTENANCE, ...APPROVES_MAINTENANCE },
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: ['Machine +maintenance=approved', '(MaintenanceApproved)'],
  },
  {
    name: 'tells nothing of a maintenance to a Node that it cannot see',
    machine: { hook: true, maintenance: 'requested' },
    node: 'unknown',
    because: 'NodeUnknown',
    written: [],
  },
  // Taking part
  ...[false, 'True', 'false', ''].map(
    (enabled): Row => ({
      name: `does nothing for a Machine whose label enabled is ${JSON.stringify(enabled)}`,
      machine: { enabled, maintenance: 'requested' },
      node: APPROVES_MAINTENANCE,
      because: 'NotEnabled',
      written: [],
    }),
  ),
  {
    name: 'takes everything back when the Machine is disabled, the Node’s labels first',
    machine: deleting({ enabled: false, maintenance: 'approved' }),
    node: { ...TOLD_OF_DELETION, ...TOLD_OF_MAINTENANCE, ...APPROVES_MAINTENANCE },
    because: 'NotEnabled',
    written: [
      'Node -machine-deleted',
      'Node -machine-maintenance',
      'Machine -hook',
      'Machine +hook-released=Disabled',
      '(MaintenanceEnded)',
      '(Disabled)',
    ],
  },
  {
    name: 'takes the hook of a disabled Machine off although its Node cannot be seen',
    machine: { hook: true, enabled: false },
    node: 'unknown',
    because: 'NotEnabled',
    written: ['Machine -hook'],
  },
  {
    name: 'leaves a Node without the required label out',
    machine: deleting({ maintenance: 'requested' }),
    node: { ...TOLD_OF_DELETION, ...APPROVES_MAINTENANCE },
    settings: { requireNodeLabel: 'cloud.sap/maintenance-state' },
    because: 'NotSelected',
    written: ['Node -machine-deleted', 'Machine -hook', 'Machine +hook-released=NotSelected', '(NotSelected)'],
  },
  {
    name: 'takes a Node with the required label in, whatever its value',
    node: { 'cloud.sap/maintenance-state': '' },
    settings: { requireNodeLabel: 'cloud.sap/maintenance-state' },
    because: 'Guarded',
    written: ['Machine +hook'],
  },
  {
    name: 'puts the hook on while it cannot see whether the Node has the required label',
    node: 'unknown',
    settings: { requireNodeLabel: 'cloud.sap/maintenance-state' },
    because: 'NodeUnknown',
    written: ['Machine +hook'],
  },
  {
    name: 'writes nothing on a Node that another Machine speaks for',
    machine: deleting({ maintenance: 'requested' }),
    ownsNode: false,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: [],
  },
  // Two Machines of one Node
  {
    name: 'lets the older of two Machines go whose Node is the younger one’s',
    machine: deleting(),
    node: 'taken',
    ownsNode: false,
    because: 'NodeGone',
    written: ['Machine -hook', 'Machine +hook-released=NodeGone', '(NodeGone)'],
  },
  {
    name: 'keeps the hook of the older one while it is not deleted',
    machine: { hook: true, maintenance: 'requested' },
    node: 'taken',
    ownsNode: false,
    because: 'NodeGone',
    written: [],
  },
  {
    name: 'keeps the younger one’s hook in spite of an approval for the older one',
    machine: { hook: true },
    node: APPROVES_DELETION,
    hasPredecessor: true,
    because: 'Guarded',
    written: [],
  },
  {
    name: 'lets the younger one go by an approval that it has asked for itself',
    machine: deleting(),
    node: { ...TOLD_OF_DELETION, ...APPROVES_DELETION },
    hasPredecessor: true,
    because: 'DeletionApproved',
    written: ['Machine -hook', 'Machine +hook-released=DeletionApproved', '(DeletionApproved)'],
  },
  // Approvals that existed before the question
  {
    name: 'keeps the hook in spite of an approval that nobody asked for, where it is told so',
    machine: { hook: true },
    node: APPROVES_DELETION,
    settings: IGNORE,
    because: 'Guarded',
    written: [],
  },
  {
    name: 'remembers a stale approval of a deletion before it asks the Node',
    machine: deleting(),
    node: APPROVES_DELETION,
    settings: IGNORE,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: ['Machine +stale-approve-deletion', 'Node +machine-deleted', '(StaleApproval)'],
  },
  {
    name: 'waits until a stale approval is taken back',
    machine: deleting({ annotations: STALE_DELETION }),
    node: { ...TOLD_OF_DELETION, ...APPROVES_DELETION },
    settings: IGNORE,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: [],
  },
  {
    name: 'forgets a stale approval that was taken back',
    machine: deleting({ annotations: STALE_DELETION }),
    node: { ...TOLD_OF_DELETION, 'approve-deletion': 'false' },
    settings: IGNORE,
    memory: ALREADY_TOLD,
    because: 'DeletionWaiting',
    written: ['Machine -stale-approve-deletion'],
  },
  {
    name: 'lets the deletion go by an approval that was given after the question',
    machine: deleting(),
    node: { ...TOLD_OF_DELETION, ...APPROVES_DELETION },
    settings: IGNORE,
    because: 'DeletionApproved',
    written: ['Machine -hook', 'Machine +hook-released=DeletionApproved', '(DeletionApproved)'],
  },
  {
    name: 'does not take a maintenance for approved that was approved before it was requested, where it is told so',
    machine: { hook: true, maintenance: 'requested' },
    node: APPROVES_MAINTENANCE,
    settings: IGNORE,
    because: 'MaintenanceRequested',
    written: [
      'Machine +stale-approve-maintenance',
      'Node +machine-maintenance',
      '(MaintenanceRequested)',
      '(StaleApproval)',
    ],
  },
  {
    name: 'takes it for approved otherwise, and says so',
    machine: { hook: true, maintenance: 'requested' },
    node: APPROVES_MAINTENANCE,
    because: 'MaintenanceApproved',
    written: [
      'Node +machine-maintenance',
      'Machine +maintenance=approved',
      '(MaintenanceRequested)',
      '(MaintenanceApproved)',
      '(StaleApproval)',
    ],
  },
  {
    name: 'forgets a stale approval when nobody asks any more',
    machine: { hook: true, annotations: { 'maintenance-bridge.io/stale-approve-maintenance': 'true' } },
    node: APPROVES_MAINTENANCE,
    settings: IGNORE,
    because: 'Guarded',
    written: ['Machine -stale-approve-maintenance'],
  },
  // Hands off
  ...[
    { machine: deleting({ annotations: { 'cluster.x-k8s.io/paused': '' } }) },
    { machine: deleting(), cluster: cluster('shop', { paused: true }) },
    { machine: deleting({ enabled: false }), cluster: cluster('shop', { paused: true }) },
  ].map(
    (given, index): Row => ({
      ...given,
      name: `does nothing at all while paused (${index + 1})`,
      node: { ...TOLD_OF_MAINTENANCE, ...APPROVES_DELETION },
      because: 'Paused',
      written: [],
    }),
  ),
  {
    name: 'does nothing at all while the Cluster is being deleted',
    machine: deleting(),
    cluster: cluster('shop', { deletedAt: DELETED }),
    node: APPROVES_DELETION,
    because: 'ClusterDeleting',
    written: [],
  },
  {
    name: 'works under a Cluster that is neither paused nor being deleted',
    cluster: cluster('shop', { paused: false }),
    because: 'Guarded',
    written: ['Machine +hook'],
  },
  // Templates
  {
    name: 'does not fight a template for the hook, and says so',
    machine: { hook: true, forcedKeys: [HOOK] },
    node: APPROVES_DELETION,
    because: 'DeletionApproved',
    written: ['(KeyForcedByTemplate)'],
  },
  {
    name: 'takes a hook from a template off once the deletion has begun, when it is not put back',
    machine: deleting({ forcedKeys: [HOOK] }),
    node: { ...TOLD_OF_DELETION, ...APPROVES_DELETION },
    because: 'DeletionApproved',
    written: ['Machine -hook', 'Machine +hook-released=DeletionApproved', '(DeletionApproved)'],
  },
  {
    name: 'does not fight a template for the maintenance label, and says so',
    machine: { hook: true, maintenance: 'requested', forcedKeys: [`${P}/maintenance`] },
    node: { ...TOLD_OF_MAINTENANCE, ...APPROVES_MAINTENANCE },
    because: 'MaintenanceRequested',
    written: ['(KeyForcedByTemplate)'],
  },
  {
    name: 'has nothing against a template that wants what it wants',
    machine: { hook: true, maintenance: 'requested', forcedKeys: [`${P}/maintenance`, HOOK] },
    node: TOLD_OF_MAINTENANCE,
    because: 'MaintenanceRequested',
    written: [],
  },
];

describe('`decide()`', () => {
  it.each(rows)('$name', ({ name: _, because, written: expected, ...given }) => {
    const decision = decideOn(given);
    expect(written(decision)).toEqual(expected);
    expect(decision.because).toBe(because);
  });

  it('guards every write on the Machine with its resourceVersion and UID, and one on the Node with its UID', () => {
    const { steps } = decideOn({ machine: { maintenance: 'requested', resourceVersion: '77' } });
    expect(steps[0]?.actions[0]).toMatchObject({ resourceVersion: '77', target: { uid: 'uid-of-metal-m' } });
    expect(steps[1]?.actions[0]).toMatchObject({ target: { uid: 'uid-of-node-m' } });
    expect(steps[1]?.actions[0]).not.toHaveProperty('resourceVersion');
  });

  it('guards a write on a Node with its resourceVersion where another label of the Node led to it', () => {
    const { steps } = decideOn({ machine: deleting(), node: { key: 'x' }, settings: { requireNodeLabel: `${P}/key` } });
    expect(steps[0]?.actions[0]).toMatchObject({ resourceVersion: '1' });
  });

  it('comes back when the timeout is over, or after an hour to say that it still waits', () => {
    const held = { machine: deleting(), node: TOLD_OF_DELETION, memory: ALREADY_TOLD, afterMs: 10 * MINUTE };
    expect(decideOn(held)).toMatchObject({ heldSinceMs: Date.parse(DELETED), requeueAfterMs: 50 * MINUTE });
    expect(decideOn({ ...held, settings: { hookTimeout: '30m' } }).requeueAfterMs).toBe(30 * MINUTE);
    const timed = { ...held, machine: deleting(TIMED) };
    expect(decideOn({ ...timed, settings: { hookTimeout: '30m' } }).requeueAfterMs).toBe(20 * MINUTE);
    expect(decideOn({ machine: { hook: true } })).not.toHaveProperty('requeueAfterMs');
  });

  it('says once more what it waits for when the Node can be seen, having said that it could not', () => {
    const unseen = decideOn({ machine: deleting(), node: 'unknown' });
    expect(written(unseen)).toEqual(['(MaintenanceHookWaiting)']);
    const stillUnseen = decideOn({ machine: deleting(), node: 'unknown', memory: unseen.memory, afterMs: MINUTE });
    expect(written(stillUnseen)).toEqual([]);
    const given = { machine: deleting(), node: TOLD_OF_DELETION, afterMs: 2 * MINUTE };
    const seen = decideOn({ ...given, memory: stillUnseen.memory });
    expect(seen.steps[0]?.actions[0]).toMatchObject({
      note: `The deletion has been held for 2m and waits for label ${P}/approve-deletion=true on Node m of cluster metal/shop`,
    });
    expect(written(decideOn({ ...given, memory: seen.memory }))).toEqual([]);
    // While the connection is away, what was reported stays true; the outage itself is reported on the cluster.
    expect(written(decideOn({ ...given, node: 'unknown', memory: seen.memory }))).toEqual([]);
  });

  it('says for how long and for what the deletion is held', () => {
    const { steps } = decideOn({ machine: deleting(), node: TOLD_OF_DELETION, afterMs: 90_000 });
    expect(steps[0]?.actions[0]).toMatchObject({
      note: `The deletion has been held for 1m30s and waits for label ${P}/approve-deletion=true on Node m of cluster metal/shop`,
    });
  });
});
