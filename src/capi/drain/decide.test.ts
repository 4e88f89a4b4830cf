import { describe, expect, it } from 'vitest';
import { cluster, type MachinePart, machine, workloadNode } from '../../../harness/builders/machines.ts';
import type { Action } from '../../core/action.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  DRAIN_ANNOTATION,
  DRAIN_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
} from '../../core/machine-keys.ts';
import { type DrainDecision, decideDrain } from './decide.ts';
import type { RecordedState } from './names.ts';
import type { DrainObserved, DrainSession, NodeInDrain } from './observed.ts';
import { formatRecord } from './record.ts';

const NOW = Date.parse('2026-11-21T02:00:00Z');
const DELETED = '2026-11-21T01:59:00Z';
const LONG_AGO = '2026-11-21T01:00:00Z';

const recorded = (state: RecordedState, part: { since?: string; reason?: string; message?: string } = {}) => ({
  [DRAIN_ANNOTATION]: formatRecord({ state, since: LONG_AGO, ...part }),
});

interface Case {
  readonly machine?: MachinePart | null;
  readonly record?: RecordedState;
  readonly labels?: Readonly<Record<string, string>>;
  readonly inDrain?: Partial<NodeInDrain> | null;
  readonly session?: Partial<DrainSession>;
  readonly more?: Partial<DrainObserved>;
}

const session = (part: Partial<DrainSession>): DrainSession => ({
  phase: 'Draining',
  isEmpty: part.phase === 'InMaintenance',
  isOverdue: false,
  message: 'a sentence',
  ...part,
});

function observedOf({ machine: part = {}, record, labels = {}, inDrain = {}, session: told, more = {} }: Case) {
  const annotations = { ...part?.annotations, ...(record !== undefined && recorded(record)) };
  const whole: DrainObserved = {
    nodeName: 'm',
    ...(part !== null && { machine: machine('m', { hook: true, ...part, annotations }) }),
    cluster: { is: 'present', object: cluster('shop') },
    node: { is: 'present', object: workloadNode('m', labels) },
    isSelected: true,
    ...(inDrain !== null && {
      inDrain: { isFenced: false, approved: [], ...inDrain, ...(told !== undefined && { session: session(told) }) },
    }),
    wait: { is: 'known', value: undefined },
    nowMs: NOW,
    ...more,
  };
  return whole;
}

/** The writes, in words: `record Draining`, `fence`, `approve …`, and Events by their reason. */
function written({ steps }: DrainDecision): readonly string[] {
  return steps.flatMap(({ in: where, actions }) => actions.map((action) => wordOf(where, action)));
}

function wordOf(where: string, action: Action): string {
  switch (action.do) {
    case 'recordEvent':
      return action.reason;
    case 'setTaint':
      return action.isSet ? 'fence' : 'unfence';
    case 'patchMeta': {
      if (where === 'management') {
        const text = action.annotations?.[DRAIN_ANNOTATION];
        const { state, reason } = JSON.parse(text ?? '{}') as { state?: string; reason?: string };
        return text === null ? 'forget' : `record ${[state, reason].filter(Boolean).join(' ')}`;
      }
      const labels = Object.entries(action.labels ?? {}).map(([key, value]) => `${value === null ? '-' : '+'}${key}`);
      return labels.map((text) => text.replace(/^(.)[^/]*\//, '$1')).join(' ');
    }
    default:
      return action.do;
  }
}

const requested: MachinePart = { maintenance: 'requested' };
const approved: MachinePart = { maintenance: 'approved' };
const deleted: MachinePart = { deletedAt: DELETED };
const told = { [MACHINE_MAINTENANCE_LABEL]: 'true', [MACHINE_DELETED_LABEL]: 'true', [DRAIN_LABEL]: 'true' };
const drained: Partial<DrainSession> = { phase: 'InMaintenance' };
const fenced: Partial<NodeInDrain> = { isFenced: true };

describe('`decideDrain()`', () => {
  it.each<[string, Case, string, readonly string[]]>([
    ['nobody asks', {}, 'Idle', []],
    ['a Machine that does not take part', { machine: { ...requested, enabled: false } }, 'Idle', []],
    ['a Node that does not take part', { machine: requested, more: { isSelected: false } }, 'Idle', []],
    ['maintenance is requested', { machine: requested }, 'Draining', ['record Draining', 'fence', 'DrainStarted']],
    ['the deletion is asked for', { machine: deleted }, 'Draining', ['record Draining', 'fence', 'DrainStarted']],
    ['a deletion that our hook does not hold', { machine: { ...deleted, hook: false } }, 'Released', []],
    [
      'the Machine is paused',
      { machine: { ...requested, annotations: { 'cluster.x-k8s.io/paused': '' } } },
      'Paused',
      [],
    ],
    [
      'the Cluster is being deleted',
      { machine: requested, more: { cluster: { is: 'present', object: cluster('shop', { deletedAt: DELETED }) } } },
      'Paused',
      [],
    ],
    ['the Node cannot be seen', { machine: requested, more: { node: { is: 'unknown' } } }, 'Unseen', []],
    [
      'the cluster goes away in the middle',
      { machine: requested, record: 'Draining', more: { node: { is: 'unknown' }, blindness: 'it is Unreachable' } },
      'Unseen',
      ['DrainUnseen'],
    ],
    ['there is no Node any more', { record: 'Draining', more: { node: { is: 'absent' } } }, 'Idle', ['forget']],
    [
      'something has to come first',
      { machine: requested, more: { wait: { is: 'known', value: 'ControlPlane' } } },
      'Waiting',
      ['record Waiting ControlPlane', 'DrainWaiting'],
    ],
    ['killed before the fence', { machine: requested, record: 'Draining' }, 'Draining', ['fence']],
    ['the caches are not filled yet', { machine: requested, record: 'Draining', inDrain: null }, 'Unseen', []],
    ['under way', { machine: requested, record: 'Draining', inDrain: fenced, session: {} }, 'Draining', []],
    [
      'empty: approved is what was asked for on the Node',
      { machine: requested, record: 'Draining', inDrain: fenced, session: drained, labels: told },
      'Drained',
      ['record Drained', '+approve-maintenance', 'NodeDrained'],
    ],
    [
      'empty, and deleted',
      { machine: deleted, record: 'Drained', inDrain: fenced, session: drained, labels: told },
      'Drained',
      ['+approve-deletion', 'NodeDrained'],
    ],
    [
      'deleted while it was requested: the deletion alone is approved',
      { machine: { ...requested, ...deleted }, record: 'Drained', inDrain: fenced, session: drained, labels: told },
      'Drained',
      ['+approve-deletion', 'NodeDrained'],
    ],
    [
      'deleted while it is approved: somebody may be at the machine',
      { machine: { ...approved, ...deleted }, record: 'Drained', inDrain: fenced, session: drained, labels: told },
      'MaintenanceFirst',
      ['DeletionHeldByMaintenance'],
    ],
    ['approved by somebody else: the machine may be off', { machine: approved }, 'Idle', []],
    [
      'approved by somebody else, and deleted',
      { machine: { ...approved, ...deleted } },
      'MaintenanceFirst',
      ['DeletionHeldByMaintenance'],
    ],
    [
      'empty, and the Node was not asked yet',
      { machine: requested, record: 'Drained', inDrain: fenced, session: drained, labels: { [DRAIN_LABEL]: 'true' } },
      'Drained',
      [],
    ],
    [
      'empty, and somebody else has approved',
      {
        machine: requested,
        record: 'Drained',
        inDrain: fenced,
        session: drained,
        labels: { ...told, [APPROVE_MAINTENANCE_LABEL]: 'true' },
      },
      'Drained',
      [],
    ],
    [
      'a Pod has come to the empty Node',
      { machine: requested, record: 'Drained', inDrain: fenced, session: { ...drained, isEmpty: false }, labels: told },
      'Drained',
      [],
    ],
    [
      'rejected',
      {
        machine: requested,
        record: 'Draining',
        inDrain: fenced,
        session: { phase: 'Rejected', reason: 'NotEnoughResources' },
      },
      'Rejected',
      ['record Rejected NotEnoughResources', 'MaintenanceRejected', 'unfence'],
    ],
    [
      'killed before the fence went',
      { machine: requested, record: 'Rejected', inDrain: fenced },
      'Rejected',
      ['unfence'],
    ],
    [
      'rejected after some had left: they are awaited',
      {
        machine: requested,
        record: 'Rejected',
        session: { phase: 'Exiting' },
        more: { outlook: { is: 'open' } },
      },
      'Rejected',
      [],
    ],
    ['rejected, and nothing has changed', { machine: requested, record: 'Rejected' }, 'Rejected', []],
    [
      'rejected, and it may go now',
      { machine: requested, record: 'Rejected', more: { outlook: { is: 'open' } } },
      'Draining',
      ['record Draining', 'fence', 'DrainStarted'],
    ],
    [
      'rejected, it may go now, and has to wait for others',
      {
        machine: requested,
        record: 'Rejected',
        more: { outlook: { is: 'open' }, wait: { is: 'known', value: 'Cluster' } },
      },
      'Rejected',
      [],
    ],
    [
      'rejected, and now for another reason',
      {
        machine: requested,
        record: 'Rejected',
        more: { outlook: { is: 'refused', reason: 'TooManyExistingFailures', message: 'a budget' } },
      },
      'Rejected',
      ['record Rejected TooManyExistingFailures', 'MaintenanceRejected'],
    ],
    ['the request has gone while it waited', { record: 'Waiting' }, 'Idle', ['forget']],
    [
      'the request has gone',
      {
        record: 'Drained',
        inDrain: { isFenced: true, approved: ['maintenance'] },
        session: drained,
        labels: { ...told, [APPROVE_MAINTENANCE_LABEL]: 'true' },
      },
      'Ending',
      ['record Ending', '-approve-maintenance', 'unfence'],
    ],
    ['what was displaced is awaited', { record: 'Ending', session: { phase: 'Exiting' }, labels: told }, 'Ending', []],
    [
      'what was displaced is late: others may go',
      { record: 'Ending', session: { phase: 'Exiting', isOverdue: true }, labels: told },
      'Ending',
      ['forget'],
    ],
    ['all is back', { record: 'Ending', labels: told }, 'Ending', ['-machine-drain', 'forget']],
    [
      'asked to go again before all was back: the slot is its own still',
      { machine: requested, record: 'Ending', session: { phase: 'Exiting' }, labels: told },
      'Draining',
      ['record Draining', 'fence', 'DrainStarted'],
    ],
    [
      'no Machine names the Node any more',
      { machine: null, inDrain: { isFenced: true, approved: ['deletion'] }, labels: told },
      'Ending',
      ['-approve-deletion', 'unfence'],
    ],
  ])('%s', (_, each, because, actions) => {
    const decision = decideDrain(observedOf(each));
    expect([decision.because, written(decision)]).toEqual([because, actions]);
  });

  it('never approves what somebody else has to: the deletion of a Machine in approved maintenance', () => {
    for (const record of ['Draining', 'Drained', 'Ending'] as const) {
      const decision = decideDrain(
        observedOf({
          machine: { ...approved, ...deleted },
          record,
          inDrain: fenced,
          session: drained,
          labels: told,
        }),
      );
      expect(JSON.stringify(decision.steps)).not.toContain(APPROVE_DELETION_LABEL);
    }
  });

  it('judges a rejected Node no sooner than after half a minute', () => {
    const since = new Date(NOW - 10_000).toISOString();
    const observed = observedOf({ machine: { ...requested, annotations: recorded('Rejected', { since }) } });
    const decision = decideDrain({ ...observed, outlook: { is: 'open' } });
    expect(decision).toMatchObject({ because: 'Rejected', steps: [], requeueAfterMs: 20_000 });
  });

  it('waits for the window, and keeps its place whatever it waits for', () => {
    const observed = observedOf({
      machine: { ...requested, annotations: recorded('Waiting', { reason: 'Cluster' }) },
      more: { wait: { is: 'known', value: 'Window' }, opensAtMs: NOW + 60_000 },
    });
    const decision = decideDrain(observed);
    expect(decision).toMatchObject({ because: 'Waiting', requeueAfterMs: 60_000, needsCaches: false });
    expect(JSON.stringify(decision.steps)).toContain(LONG_AGO);
  });
});
