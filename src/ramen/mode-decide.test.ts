import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../core/timestamps.ts';
import { decideMode, type ModeAction, type ModeDecision } from './mode-decide.ts';
import { type ObservedMode, recordOf, type SeenWorkload } from './mode-observed.ts';
import { formatRecord, type ModeRecord, parseRecord, type Workload } from './mode-record.ts';
import type { ModeStatus } from './mode-status.ts';
import { MODE_FINALIZER, MODE_RECORD } from './names.ts';
import type { MaintenanceMode } from './objects.ts';
import { maintenanceModeSchema } from './settings.ts';

const AT: Workload = { kind: 'Deployment', namespace: 'rook-ceph', name: 'mirror' };
const SETTINGS = maintenanceModeSchema.parse({
  providers: [{ storageProvisioner: 'rbd', targetIDs: ['east'], scaleToZero: [AT], timeout: '1m' }],
});
const NOW = 1_000_000;

interface Given {
  readonly modes?: readonly string[];
  readonly provisioner?: string;
  readonly targetID?: string;
  readonly deleting?: boolean;
  readonly generation?: number;
  readonly held?: boolean;
  readonly record?: ModeRecord | undefined;
  readonly status?: Partial<ModeStatus>;
}

function modeOf(given: Given): MaintenanceMode {
  const { modes = ['Failover'], provisioner = 'rbd', targetID = 'east', deleting = false, generation = 1 } = given;
  const { held = false, record, status = {} } = given;
  return {
    metadata: {
      name: 'm',
      uid: 'u',
      resourceVersion: '1',
      generation,
      ...(held && { finalizers: [MODE_FINALIZER] }),
      ...(record !== undefined && { annotations: { [MODE_RECORD]: formatRecord(record) } }),
      ...(deleting && { deletionTimestamp: rfc3339(NOW) }),
    },
    spec: { storageProvisioner: provisioner, targetID, modes },
    status: { conditions: [], ...status },
  };
}

const up = (more: object = {}): SeenWorkload => ({
  at: AT,
  is: 'present',
  uid: 'w',
  resourceVersion: '5',
  replicas: 3,
  formerReplicas: undefined,
  pods: 3,
  ...more,
});
const said = (activated: 'True' | 'False', state: ModeStatus['state'], generation = 1): ModeStatus => ({
  state,
  observedGeneration: generation,
  conditions: [
    {
      type: 'FailoverActivated',
      status: activated,
      reason: 'Progressing',
      message: '',
      lastTransitionTime: rfc3339(NOW),
      observedGeneration: generation,
    },
  ],
});
const RECORD: ModeRecord = { sinceMs: NOW, generation: 1, workloads: [AT], annotated: [] };
const observe = (given: Given, workloads: readonly SeenWorkload[], more: Partial<ObservedMode> = {}): ObservedMode => ({
  mode: modeOf(given),
  workloads,
  annotated: [],
  unmatched: [],
  heldByOthers: new Set(),
  isTold: false,
  nowMs: NOW,
  ...more,
});
const short = ({ because, actions }: ModeDecision): string =>
  [
    because,
    ...actions.map((action) =>
      action.do === 'setStatus' ? `${action.status.state}:${activated(action.status)}` : action.do,
    ),
  ].join(' ');
const activated = (status: ModeStatus): string => status.conditions[0]?.status ?? '';

const HELD = { held: true, record: RECORD, status: said('False', 'Progressing') };
const DOWN = up({ replicas: 0, formerReplicas: 3, pods: 0, resourceVersion: '6' });

describe('decideMode', () => {
  it.each<[string, ObservedMode, string]>([
    ['says False before anything else', observe({}, [up()]), 'Announcing Progressing:False'],
    [
      'says False first where True was left from another generation',
      observe({ generation: 2, ...HELD, status: said('True', 'Completed') }, [DOWN]),
      'Announcing Progressing:False',
    ],
    [
      'says False first where True stands without our finalizer',
      observe({ status: said('True', 'Completed') }, [up()]),
      'Announcing Progressing:False',
    ],
    ['records before it changes anything', observe({ status: said('False', 'Progressing') }, [up()]), 'Holding hold'],
    [
      'records anew for a new generation',
      observe({ ...HELD, generation: 2, status: said('False', 'Progressing', 2) }, [up()]),
      'Holding hold',
    ],
    ['scales down', observe(HELD, [up()]), 'ScalingDown scaleDown'],
    [
      'waits for the Pods',
      observe(HELD, [up({ replicas: 0, formerReplicas: 3, pods: 1 })]),
      'WaitingForPods Progressing:False',
    ],
    ['says True when none is left', observe(HELD, [DOWN]), 'Completed Completed:True'],
    [
      'takes True back where somebody scales up',
      observe({ ...HELD, status: said('True', 'Completed') }, [up({ formerReplicas: 3 })]),
      'ScalingDown Progressing:False',
    ],
    [
      'takes True back where a Pod is there again',
      observe({ ...HELD, status: said('True', 'Completed') }, [up({ replicas: 0, formerReplicas: 3, pods: 1 })]),
      'WaitingForPods Progressing:False',
    ],
    [
      'goes on where a workload is deleted meanwhile',
      observe(HELD, [{ at: AT, is: 'absent', pods: 0 }]),
      'Completed Completed:True',
    ],
    [
      'waits for Pods of a workload that was deleted meanwhile',
      observe({ ...HELD, status: said('True', 'Completed') }, [{ at: AT, is: 'absent', pods: 1 }]),
      'WaitingForPods Progressing:False',
    ],
    [
      'scales down again, ever so slowly, what an operator scales up each time',
      observe(HELD, [up({ formerReplicas: 3 })]),
      'ScalingDown scaleDown',
    ],
    [
      'is an Error where it is scaled up again after its time',
      observe(HELD, [up({ formerReplicas: 3 })], { nowMs: NOW + 61_000 }),
      'TimedOut Error:False scaleDown',
    ],
    [
      'touches nothing where more is selected than a record holds',
      observe(
        { status: said('False', 'Progressing') },
        Array.from({ length: 101 }, (_, index) => up({ at: { ...AT, name: `mirror-${index}` } })),
      ),
      'Failed Error:False',
    ],
    [
      'is an Error where there never was one',
      observe({ ...HELD, record: { ...RECORD, workloads: [] } }, [], { unmatched: ['there is no Deployment x'] }),
      'Failed Error:False',
    ],
    [
      'is an Error where a workload is unknown',
      observe({ ...HELD, status: said('True', 'Completed') }, [{ at: AT, is: 'unknown', detail: '403' }]),
      'Failed Error:False',
    ],
    [
      'is an Error for a mode that nobody knows',
      observe({ ...HELD, modes: ['Failover', 'Relocate'] }, [up()]),
      'UnknownMode Error:False',
    ],
    [
      'is an Error after its time, and waits on',
      observe(HELD, [up({ replicas: 0, pods: 1 })], { nowMs: NOW + 61_000 }),
      'TimedOut Error:False',
    ],
    ['says not a word of another provisioner', observe({ provisioner: 'nfs' }, []), 'NotOurs'],
    ['says not a word of another target', observe({ targetID: 'west' }, []), 'NotOurs'],
    ['says not a word of an end that was never begun', observe({ deleting: true }, []), 'NotOurs'],
    [
      'says False first at the end',
      observe({ ...HELD, deleting: true, status: said('True', 'Completed') }, [DOWN]),
      'Deactivating Progressing:False',
    ],
    ['restores', observe({ ...HELD, deleting: true }, [DOWN]), 'Restoring restore'],
    [
      'restores for empty modes',
      observe({ ...HELD, modes: [], generation: 2, status: said('False', 'Progressing', 2) }, [DOWN]),
      'Restoring restore',
    ],
    [
      'restores for what is not configured any more',
      observe({ ...HELD, targetID: 'west' }, [DOWN]),
      'Restoring restore',
    ],
    [
      'leaves what another request needs',
      observe({ ...HELD, deleting: true }, [DOWN], { heldByOthers: new Set(['Deployment/rook-ceph/mirror']) }),
      'Releasing release',
    ],
    ['lets go when all is restored', observe({ ...HELD, deleting: true }, [up()]), 'Releasing release'],
    [
      'lets go where the workload is gone',
      observe({ ...HELD, deleting: true }, [{ at: AT, is: 'absent', pods: 0 }]),
      'Releasing release',
    ],
    [
      'does not let go of what is unknown',
      observe({ ...HELD, deleting: true }, [{ at: AT, is: 'unknown', detail: 'x' }]),
      'Failed Error:False',
    ],
  ])('`decideMode()` %s', (_, observed, expected) => {
    expect(short(decideMode(observed, SETTINGS))).toBe(expected);
  });

  it('`decideMode()` restores the former number, and not over what somebody changed', () => {
    const ended = { ...HELD, deleting: true };
    expect(decideMode(observe(ended, [DOWN]), SETTINGS).actions).toEqual([
      { do: 'restore', at: AT, resourceVersion: '6', replicas: 3 },
    ]);
    const changed = up({ replicas: 1, formerReplicas: 3 });
    expect(decideMode(observe(ended, [changed]), SETTINGS).actions).toEqual([
      { do: 'restore', at: AT, resourceVersion: '5' },
    ]);
  });

  it('`decideMode()` looks again at a change where a watch tells of it, at the deadline, and time and again where none does', () => {
    const again = (isTold: boolean, workload: SeenWorkload, nowMs = NOW): number | undefined =>
      decideMode(observe(HELD, [workload], { isTold, nowMs }), SETTINGS).requeueAfterMs;
    const ending = up({ replicas: 0, formerReplicas: 3, pods: 1 });
    expect([again(true, DOWN), again(false, DOWN)]).toEqual([undefined, 1000]);
    expect([again(true, ending), again(false, ending)]).toEqual([60_001, 250]);
    expect([again(true, ending, NOW + 60_001), again(false, ending, NOW + 60_001)]).toEqual([undefined, 1000]);
    // No event comes when the unknown becomes known.
    expect(again(true, { at: AT, is: 'unknown', detail: '403' })).toBe(2000);
  });

  it('`decideMode()` never writes a value over one that somebody else wrote', () => {
    const at = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c', key: 'k', value: 'ours' };
    const settings = maintenanceModeSchema.parse({ providers: [{ storageProvisioner: 'rbd', annotate: [at] }] });
    const seen = (value: string | undefined, isMarked = true) => ({
      at,
      is: 'present' as const,
      resourceVersion: '1',
      value,
      isMarked,
    });
    const run = (value: string | undefined, record: ModeRecord, isMarked = true): string =>
      short(decideMode(observe({ ...HELD, record }, [], { annotated: [seen(value, isMarked)] }), settings));
    const empty = { ...RECORD, workloads: [] };
    const noted = { ...empty, annotated: [at] };
    expect(run('theirs', empty)).toBe('Failed Error:False');
    expect(run(undefined, empty)).toBe('Holding hold');
    expect(run(undefined, noted)).toBe('ScalingDown annotate');
    expect(run('ours', noted, false)).toBe('WaitingForPods Progressing:False');
    expect(run('ours', noted)).toBe('Completed Completed:True');
  });
});

describe('the record', () => {
  it('`parseRecord()` reads what `formatRecord()` writes, and nothing else', () => {
    expect(parseRecord(formatRecord(RECORD))).toEqual(RECORD);
    const recorded = { ...AT, uid: 'u', selector: 'app=mirror' };
    const whole = { ...RECORD, workloads: Array.from({ length: 100 }, () => recorded) };
    expect(parseRecord(formatRecord(whole))).toEqual(whole);
    for (const text of ['', '{', '{}', '[]', 'null', undefined]) expect(parseRecord(text)).toBeUndefined();
  });
});

/** What happens in the world between two passes. */
type Move =
  | { readonly is: 'scale'; readonly replicas: number }
  | { readonly is: 'podsEnd' }
  | { readonly is: 'request'; readonly modes: readonly string[] }
  | { readonly is: 'delete' }
  | { readonly is: 'remove' }
  /** A pass of which only this many actions are carried out, because the process dies. */
  | { readonly is: 'pass'; readonly actions: number };

describe('a life of a MaintenanceMode', () => {
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }).map((actions): Move => ({ is: 'pass', actions })) },
    { weight: 2, arbitrary: fc.constant<Move>({ is: 'podsEnd' }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 }).map((replicas): Move => ({ is: 'scale', replicas })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<readonly string[]>([], ['Failover']).map((modes): Move => ({ is: 'request', modes })),
    },
    { weight: 1, arbitrary: fc.constant<Move>({ is: 'delete' }) },
    { weight: 1, arbitrary: fc.constant<Move>({ is: 'remove' }) },
  );

  it('`decideMode()` never says True with a Pod left, never loses the number, and always comes to an end', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const world = new World();
        for (const each of moves) world.move(each);
        // In the end the mode is deleted, and the process stays alive.
        world.move({ is: 'delete' });
        for (let pass = 0; pass < 20 && world.mode !== undefined; pass += 1) world.move({ is: 'pass', actions: 9 });
        expect(world.mode).toBeUndefined();
        if (world.exists) expect([world.replicas, world.former]).toEqual([world.asked, undefined]);
      }),
      { numRuns: 500 },
    );
  });
});

class World {
  mode: MaintenanceMode | undefined = modeOf({});
  exists = true;
  replicas = 3;
  former: number | undefined;
  pods = 3;
  /** The replicas that somebody else wants, apart from us. */
  asked = 3;

  move(move: Move): void {
    switch (move.is) {
      case 'scale':
        if (!this.exists) return;
        this.asked = move.replicas;
        this.replicas = move.replicas;
        // Setting zero replicas while they are zero already is not visible.
        if (move.replicas === 0 && this.former !== undefined) this.asked = this.former;
        this.pods = Math.max(this.pods, this.replicas);
        return;
      case 'podsEnd':
        this.pods = this.exists ? this.replicas : 0;
        return;
      case 'request':
        if (this.mode !== undefined && this.mode.metadata.deletionTimestamp === undefined) {
          this.#change({ spec: { ...this.mode.spec, modes: move.modes } });
        }
        return;
      case 'delete':
        if (this.mode === undefined) return;
        if (!this.mode.metadata.finalizers?.length) this.mode = undefined;
        else if (this.mode.metadata.deletionTimestamp === undefined) {
          this.#change({ metadata: { ...this.mode.metadata, deletionTimestamp: rfc3339(NOW) } });
        }
        return;
      case 'remove':
        this.exists = false;
        return;
      case 'pass':
        this.#pass(move.actions);
    }
  }

  #change(change: Partial<MaintenanceMode>): void {
    if (this.mode === undefined) return;
    const next = { ...this.mode, ...change };
    const generation = (this.mode.metadata.generation ?? 0) + 1;
    this.mode = { ...next, metadata: { ...next.metadata, generation } };
  }

  #pass(limit: number): void {
    if (this.mode === undefined) return;
    const seen: SeenWorkload = this.exists
      ? up({ replicas: this.replicas, formerReplicas: this.former, pods: this.pods })
      : { at: AT, is: 'absent', pods: this.pods };
    const wasThere = recordOf(this.mode) !== undefined;
    const observed: ObservedMode = {
      mode: this.mode,
      workloads: [seen],
      annotated: [],
      unmatched: this.exists || wasThere ? [] : ['there is no Deployment'],
      heldByOthers: new Set(),
      isTold: false,
      nowMs: NOW,
    };
    const { actions } = decideMode(observed, SETTINGS);
    for (const action of actions.slice(0, limit)) this.#carryOut(action);
  }

  #carryOut(action: ModeAction): void {
    if (this.mode === undefined) return;
    const { metadata } = this.mode;
    switch (action.do) {
      case 'setStatus':
        if (activated(action.status) === 'True') expect([this.exists ? this.replicas : 0, this.pods]).toEqual([0, 0]);
        this.mode = { ...this.mode, status: action.status };
        return;
      case 'hold':
        this.mode = {
          ...this.mode,
          metadata: {
            ...metadata,
            finalizers: [MODE_FINALIZER],
            annotations: { [MODE_RECORD]: formatRecord(action.record) },
          },
        };
        return;
      case 'release':
        if (metadata.deletionTimestamp !== undefined) this.mode = undefined;
        else this.mode = { ...this.mode, metadata: { ...metadata, finalizers: [], annotations: {} } };
        return;
      case 'scaleDown':
        // Every change was recorded before.
        expect(recordOf(this.mode)?.workloads).toEqual([AT]);
        this.former = action.former;
        this.replicas = 0;
        return;
      case 'restore':
        this.former = undefined;
        if (action.replicas !== undefined) this.replicas = action.replicas;
        this.pods = Math.max(this.pods, this.replicas);
        return;
      case 'annotate':
        throw new Error('Nothing is to be annotated');
    }
  }
}
