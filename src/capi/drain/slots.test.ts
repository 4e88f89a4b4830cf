import { describe, expect, it } from 'vitest';
import { lister } from '../../../harness/builders/cluster.ts';
import { type MachinePart, machine } from '../../../harness/builders/machines.ts';
import { CONTROL_PLANE_LABEL, DEPLOYMENT_LABEL, DRAIN_ANNOTATION, POOL_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { MACHINES_BY_CLUSTER } from '../indexes.ts';
import type { RecordedState } from './names.ts';
import { formatRecord } from './record.ts';
import { MACHINES_BY_GROUP, MACHINES_IN_DRAIN, type SlotLimits, slotToWaitFor } from './slots.ts';

interface Part extends MachinePart {
  readonly state?: RecordedState;
  readonly reason?: string;
  readonly since?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
}

function made(
  name: string,
  { state, reason, since = '2026-11-21T01:00:00Z', labels = {}, ready, ...part }: Part = {},
): Machine {
  const annotations = state === undefined ? {} : { [DRAIN_ANNOTATION]: formatRecord({ state, since, reason }) };
  const whole = machine(name, { ...part, annotations });
  return {
    ...whole,
    metadata: { ...whole.metadata, labels: { ...whole.metadata.labels, ...labels } },
    status: { ...whole.status, ...(ready !== undefined && { nodeReady: ready }) },
  };
}

const LIMITS: SlotLimits = { maxUnavailable: 1, maxConcurrentMachines: 0, maxConcurrentNodes: 10, nodesOf: () => 20 };
const control = { labels: { [CONTROL_PLANE_LABEL]: '' } };
const pool = { labels: { [POOL_LABEL]: 'workers' } };
const workers = { labels: { [DEPLOYMENT_LABEL]: 'workers' } };

function waitOf(
  asking: Machine,
  others: readonly Machine[],
  limits: Partial<SlotLimits> = {},
  reserved: readonly Machine[] = [],
) {
  const machines = lister([asking, ...others], [MACHINES_IN_DRAIN, MACHINES_BY_GROUP, MACHINES_BY_CLUSTER]);
  const readers = { machines, reserved: new Map(reserved.map((each) => [each.metadata.name, each])) };
  const found = slotToWaitFor(asking, readers, { ...LIMITS, ...limits });
  return found.is === 'known' ? (found.value ?? 'goes') : 'unknown';
}

describe('`slotToWaitFor()`', () => {
  it.each<[string, Machine, readonly Machine[], Partial<SlotLimits>, string]>([
    ['nobody is away', made('a'), [], {}, 'goes'],
    ['the cluster has a slot', made('a'), [made('b', { state: 'Draining' })], { maxConcurrentNodes: 2 }, 'goes'],
    ['the cluster has none', made('a'), [made('b', { state: 'Drained' })], { maxConcurrentNodes: 1 }, 'Cluster'],
    ['one comes back', made('a'), [made('b', { state: 'Ending' })], { maxConcurrentNodes: 1 }, 'Cluster'],
    ['one was rejected', made('a'), [made('b', { state: 'Rejected' })], { maxConcurrentNodes: 1 }, 'goes'],
    [
      'a percentage of its Nodes',
      made('a'),
      [made('b', { state: 'Drained' })],
      { maxConcurrentNodes: '5%' },
      'Cluster',
    ],
    [
      'another cluster',
      made('a'),
      [made('b', { state: 'Drained', cluster: 'other' })],
      { maxConcurrentNodes: 1 },
      'goes',
    ],
    [
      'of its MachineDeployment',
      made('a', workers),
      [made('b', { ...workers, state: 'Drained' })],
      {},
      'MachineDeployment',
    ],
    [
      'of a MachineDeployment of that name elsewhere',
      made('a', workers),
      [made('b', { ...workers, state: 'Drained', cluster: 'other' })],
      {},
      'goes',
    ],
    [
      'in all',
      made('a'),
      [made('b', { state: 'Drained', cluster: 'other' })],
      { maxConcurrentMachines: 1 },
      'AllMachines',
    ],
    ['of the control plane', made('a', control), [made('b', { ...control, state: 'Drained' })], {}, 'ControlPlane'],
    [
      'the control plane of another cluster',
      made('a', control),
      [made('b', { ...control, state: 'Drained', cluster: 'other' })],
      {},
      'goes',
    ],
    [
      'a sick member of the control plane',
      made('a', control),
      [made('b', { ...control, ready: false })],
      {},
      'ControlPlane',
    ],
    [
      'a member that is deleted, though another is sick: whoever deletes it knows',
      made('a', { ...control, deletedAt: '2026-11-21T01:00:00Z' }),
      [made('b', { ...control, ready: false })],
      {},
      'goes',
    ],
    [
      'a member that is deleted, and another was before it: Cluster API lets the oldest deletion go first',
      made('a', { ...control, deletedAt: '2026-11-21T02:00:00Z' }),
      [made('b', { ...control, deletedAt: '2026-11-21T01:00:00Z' })],
      {},
      'ControlPlane',
    ],
    [
      'a member whose deletion is the oldest',
      made('b', { ...control, deletedAt: '2026-11-21T01:00:00Z' }),
      [made('a', { ...control, deletedAt: '2026-11-21T02:00:00Z' })],
      {},
      'goes',
    ],
    [
      'of members that are deleted in the same second, the later name',
      made('b', { ...control, deletedAt: '2026-11-21T01:00:00Z' }),
      [made('a', { ...control, deletedAt: '2026-11-21T01:00:00Z' })],
      {},
      'ControlPlane',
    ],
    [
      'of members that are deleted in the same second, the earlier name',
      made('a', { ...control, deletedAt: '2026-11-21T01:00:00Z' }),
      [made('b', { ...control, deletedAt: '2026-11-21T01:00:00Z' })],
      {},
      'goes',
    ],
    [
      'a member whose maintenance is asked for beside one that is deleted, and takes no part',
      made('a', control),
      [made('b', { ...control, enabled: false, deletedAt: '2026-11-21T01:00:00Z' })],
      {},
      'ControlPlane',
    ],
    [
      'a member beside a worker that is away',
      made('a', control),
      [made('b', { ...workers, state: 'Drained' })],
      {},
      'goes',
    ],
    [
      'a worker beside a member that is away',
      made('a', workers),
      [made('b', { ...control, state: 'Drained' })],
      {},
      'goes',
    ],
    ['of its MachinePool', made('a', pool), [made('b', { ...pool, state: 'Drained' })], {}, 'MachineDeployment'],
    [
      'of a MachinePool that is called as a MachineDeployment',
      made('a', pool),
      [made('b', { ...workers, state: 'Drained' })],
      {},
      'goes',
    ],
    [
      'a percentage of its MachinePool',
      made('a', pool),
      ['b', 'c', 'd'].map((name) => made(name, { ...pool, ...(name === 'b' && { state: 'Drained' }) })),
      { maxUnavailable: '50%' },
      'goes',
    ],
    [
      'one that a health check has deleted: it counts as any other',
      made('a', { ...workers, ready: false, deletedAt: '2026-11-21T01:00:00Z' }),
      [made('b', { ...workers, state: 'Draining' })],
      {},
      'MachineDeployment',
    ],
    [
      'a member that is switched off',
      made('a', control),
      [made('b', { ...control, maintenance: 'approved' })],
      { maxConcurrentNodes: 9 },
      'ControlPlane',
    ],
    [
      'one that somebody else has approved',
      made('a'),
      [made('b', { maintenance: 'approved' })],
      { maxConcurrentNodes: 1 },
      'Cluster',
    ],
    [
      'one that asked before',
      made('b', { state: 'Waiting', reason: 'Cluster', since: '2026-11-21T01:30:00Z' }),
      [made('c', { state: 'Waiting', reason: 'Cluster', since: '2026-11-21T01:00:00Z' })],
      { maxConcurrentNodes: 1 },
      'Cluster',
    ],
    [
      'one that asked before and waits for something else',
      made('b', { state: 'Waiting', reason: 'Cluster', since: '2026-11-21T01:30:00Z' }),
      [made('c', { state: 'Waiting', reason: 'ControlPlane', since: '2026-11-21T01:00:00Z' })],
      { maxConcurrentNodes: 1 },
      'goes',
    ],
  ])('%s', (_, asking, others, limits, expected) => {
    expect(waitOf(asking, others, limits)).toBe(expected);
  });

  it('counts those that were let go a moment ago', () => {
    expect(waitOf(made('a'), [], { maxConcurrentNodes: 1 }, [made('b')])).toBe('Cluster');
  });
});
