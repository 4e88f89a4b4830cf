import { describe, expect, it } from 'vitest';
import type { Node } from '../../core/objects.ts';
import type { Seen } from '../../core/ports.ts';
import { formatRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import { REPORT_ANNOTATION } from '../../tmm/names.ts';
import type { RollEvent } from './events.ts';
import { RollMembers } from './members.ts';
import type { RollWrites, Written } from './node-writes.ts';
import { Roller } from './roller.ts';
import type { StartWork } from './work.ts';

const TAINT = { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' };
const SINCE = '2026-11-28T00:00:00Z';

function recordOf(place: number, of: number): RollRecord {
  return { id: 'r', runner: 'p', place, of, state: 'Pending', since: SINCE };
}

function nodeOf(name: string, record: RollRecord, phase?: 'InMaintenance'): Node {
  const pods = { total: 0, gone: 0, staying: 0 };
  const report = { session: 's', phase, started: SINCE, since: SINCE, message: 'A message', pods, blockedBy: [] };
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      annotations: {
        [ROLL_ANNOTATION]: formatRecord(record),
        ...(phase !== undefined && { [REPORT_ANNOTATION]: JSON.stringify(report) }),
      },
    },
    spec: { taints: phase === undefined ? [] : [TAINT] },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        ...(phase === undefined ? [] : [{ type: 'Drained', status: 'True' }]),
      ],
    },
  } as unknown as Node;
}

/** Nodes that are drained as soon as they are asked, and a server that carries out each write at once. */
function rollOver(count: number, startWork: StartWork) {
  const found = Array.from({ length: count }, (_, place) => {
    const name = `node-${place}`;
    return { name, uid: `uid-${name}`, record: recordOf(place, count) };
  });
  const nodes = new Map(found.map(({ name, record }) => [name, nodeOf(name, record)]));
  const events: RollEvent[] = [];
  let looks = 0;
  let told: (name: string) => void = () => {};
  const write = async (name: string, _: string, record: RollRecord): Promise<Written> => {
    const isAsked = record.state !== 'Done';
    const node = nodeOf(name, record, isAsked ? 'InMaintenance' : undefined);
    nodes.set(name, node);
    told(name);
    return { is: 'Written', node };
  };
  const writes = { enter: write, mark: write, release: write } as unknown as RollWrites;
  const members = new RollMembers(found, 0);
  const roller = new Roller(members, {
    taint: TAINT,
    taints: [TAINT],
    maxUnavailable: 3,
    onRejection: 'stop',
    watch: {
      get: (name): Seen<Node> => {
        looks += 1;
        const object = nodes.get(name);
        return object === undefined ? { is: 'absent' } : { is: 'present', object };
      },
      wrote: () => {},
      onChange: (listener) => {
        told = listener;
      },
    },
    writes,
    startWork,
    addressOf: async () => '',
    presenter: { event: (event) => void events.push(event), update: () => {}, ask: () => {}, close: () => {} },
    now: () => 0,
    interrupted: new AbortController().signal,
    late: new AbortController().signal,
    abandon: new AbortController().signal,
  });
  return { roller, members, events, looks: () => looks };
}

const atOnce: StartWork = () => ({ ended: Promise.resolve({ code: 0, how: 'ended with code 0' }), stop: () => {} });

async function rolledOver(count: number): Promise<{ readonly looks: number; readonly events: readonly RollEvent[] }> {
  const { roller, members, events, looks } = rollOver(count, atOnce);
  expect((await roller.run()).stop).toBeUndefined();
  expect(members.counts()).toMatchObject({ total: count, done: count, pending: 0, underWay: 0 });
  return { looks: looks(), events };
}

describe('`Roller`', () => {
  it('looks at the Nodes under way and the next ones, however many Nodes the roll has', async () => {
    const [few, many] = [await rolledOver(40), await rolledOver(400)];
    expect(many.looks / 400).toBeLessThan(1.5 * (few.looks / 40));
    expect(many.events.filter(({ type }) => type === 'Done')).toHaveLength(400);
  });

  it('ends the commands under way, and begins nothing more, when it fails itself', async () => {
    const stopped: string[] = [];
    const { roller, members } = rollOver(9, ({ name }) => {
      if (name === 'node-1') throw new RangeError('a bug');
      return { ended: new Promise(() => {}), stop: () => void stopped.push(name) };
    });
    await expect(roller.run()).rejects.toThrow('a bug');
    expect(stopped).toContain('node-0');
    expect(members.counts()).toMatchObject({ done: 0, pending: 6 });
  });
});
