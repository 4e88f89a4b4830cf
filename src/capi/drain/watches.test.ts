import { describe, expect, it } from 'vitest';
import { MemorySource } from '../../../harness/builders/bridge.ts';
import { type MachinePart, machine, workloadNode } from '../../../harness/builders/machines.ts';
import { CONTROL_PLANE_LABEL, DRAIN_ANNOTATION, DRAIN_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { MACHINES_BY_NODE } from '../indexes.ts';
import type { RecordedState } from './names.ts';
import { formatRecord } from './record.ts';
import { setupDrainWatches } from './watches.ts';

const recorded = (
  name: string,
  state: RecordedState,
  since: string,
  reason?: string,
  part: MachinePart = {},
): Machine => machine(name, { ...part, annotations: { [DRAIN_ANNOTATION]: formatRecord({ state, since, reason }) } });

function setUp() {
  const machines = new MemorySource<Machine>();
  machines.addIndex(MACHINES_BY_NODE.name, MACHINES_BY_NODE.of);
  const enqueued = new Set<string>();
  const listener = setupDrainWatches(
    machines,
    (key) => enqueued.add(key),
    () => [workloadNode('left', { [DRAIN_LABEL]: 'true' }), workloadNode('idle')],
  );
  /** The Nodes that a change has enqueued. */
  const by = (change: () => void): readonly string[] => {
    enqueued.clear();
    change();
    return [...enqueued].sort();
  };
  return { machines, listener, by };
}

const EARLY = '2026-11-21T01:00:00Z';
const LATE = '2026-11-21T02:00:00Z';

describe('`setupDrainWatches()`', () => {
  it('looks at Machines that ask or are recorded, and at no others', () => {
    const { machines, by } = setUp();
    expect(by(() => machines.put(machine('idle')))).toEqual([]);
    expect(by(() => machines.put(machine('asks', { maintenance: 'requested' })))).toEqual(['metal/shop/asks']);
    expect(by(() => machines.put(recorded('over', 'Ending', EARLY)))).toEqual(['metal/shop/over']);
    expect(by(() => machines.remove('metal/over'))).toEqual(['metal/shop/over']);
  });

  it('looks at the Node that a Machine named before, too', () => {
    const { machines, by } = setUp();
    machines.put(machine('m', { maintenance: 'requested' }));
    const moved = machine('m', { maintenance: 'requested', node: 'other' });
    expect(by(() => machines.put(moved))).toEqual(['metal/shop/m', 'metal/shop/other']);
  });

  it('wakes the first that waits for each kind of slot when one goes free', () => {
    const { machines, by } = setUp();
    machines.put(recorded('away', 'Drained', EARLY));
    machines.put(recorded('first', 'Waiting', EARLY, 'Cluster'));
    machines.put(recorded('second', 'Waiting', LATE, 'Cluster'));
    machines.put(recorded('elsewhere', 'Waiting', LATE, 'Cluster', { cluster: 'other' }));
    machines.put(recorded('last', 'Waiting', LATE, 'AllMachines'));
    expect(by(() => machines.put(machine('away')))).toEqual([
      'metal/other/elsewhere',
      'metal/shop/away',
      'metal/shop/first',
      'metal/shop/last',
    ]);
    // The Machine that goes triggers the next.
    expect(by(() => machines.put(recorded('first', 'Draining', LATE)))).toContain('metal/shop/second');
  });

  it('wakes all that wait for their control plane, also when a member goes that never took part', () => {
    const { machines, by } = setUp();
    const member = machine('leaving', { enabled: false });
    machines.put({ ...member, metadata: { ...member.metadata, labels: { [CONTROL_PLANE_LABEL]: '' } } });
    machines.put(recorded('first', 'Waiting', EARLY, 'ControlPlane'));
    machines.put(recorded('second', 'Waiting', LATE, 'ControlPlane'));
    expect(by(() => machines.remove('metal/leaving'))).toEqual(
      expect.arrayContaining(['metal/shop/first', 'metal/shop/second']),
    );
  });

  it('looks at Nodes that carry something of ours when their cluster is connected', () => {
    const { listener, by } = setUp();
    expect(by(() => listener.onStateChange('metal/shop'))).toEqual(['metal/shop/left']);
  });
});
