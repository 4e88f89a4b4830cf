import { describe, expect, it } from 'vitest';
import type { Explanation } from '../core/explanation.ts';
import { compare, NOTHING_SHOWN } from './changes.ts';
import { formatChange } from './lines.ts';

const NOW = Date.parse('2026-11-21T10:00:00.123Z');
const DRAINING: Explanation = {
  kind: 'Node',
  name: 'worker-1',
  state: 'Draining',
  outlook: 'Moving',
  isUnderWay: true,
  deadline: '2026-11-21T11:00:00Z',
  progress: { done: 2, total: 8 },
  summary: '2 of 8 Pods gone',
  waitsFor: 'Pods that are leaving',
  details: [],
};
const IDLE: Explanation = {
  kind: 'Node',
  name: 'worker-1',
  state: 'Idle',
  outlook: 'Idle',
  isUnderWay: false,
  summary: 'No taint asks for maintenance',
  details: [],
};
const isUnderWay = (each: Explanation): boolean => each.isUnderWay;

describe('`compare()`', () => {
  it('tells of what comes, changes and ends, and of nothing else', () => {
    const other = { ...DRAINING, name: 'worker-0' };
    const first = compare(NOTHING_SHOWN, [DRAINING, other, { ...IDLE, name: 'worker-2' }], isUnderWay);
    expect(first.changes).toEqual([
      { type: 'ADDED', object: other },
      { type: 'ADDED', object: DRAINING },
    ]);
    expect(compare(first.shown, [{ ...DRAINING }, other], isUnderWay).changes).toEqual([]);
    const further = { ...DRAINING, progress: { done: 3, total: 8 } };
    const second = compare(first.shown, [further, other], isUnderWay);
    expect(second.changes).toEqual([{ type: 'MODIFIED', object: further }]);
    expect(compare(second.shown, [IDLE], isUnderWay).changes).toEqual([
      { type: 'DELETED', object: other },
      { type: 'DELETED', object: IDLE },
    ]);
  });
});

describe('`formatChange()`', () => {
  it('is a line whose first words are time, object, state and progress', () => {
    const line = formatChange({ type: 'MODIFIED', object: DRAINING }, 'text', NOW);
    expect(line.split(/\s+/, 4)).toEqual(['2026-11-21T10:00:00Z', 'node/worker-1', 'Draining', '2/8']);
    expect(line).toMatch(/ {2}Pods that are leaving\n$/);
    expect(formatChange({ type: 'MODIFIED', object: DRAINING }, 'wide', NOW)).toMatch(
      / - {2}2026-11-21T11:00:00Z {2}Pods that are leaving {2}2 of 8 Pods gone\n$/,
    );
  });

  it('tells an object that is gone from one whose maintenance has ended', () => {
    expect(formatChange({ type: 'DELETED', object: DRAINING }, 'text', NOW)).toMatch(/worker-1 +Deleted /);
    expect(formatChange({ type: 'DELETED', object: IDLE }, 'text', NOW)).toMatch(/worker-1 +Idle +- +-\n$/);
  });

  it('is a document for programs', () => {
    const json = formatChange({ type: 'ADDED', object: IDLE }, 'json', NOW);
    expect(JSON.parse(json)).toEqual({ time: '2026-11-21T10:00:00Z', type: 'ADDED', object: IDLE });
    expect(json.trimEnd()).not.toContain('\n');
    expect(formatChange({ type: 'ADDED', object: IDLE }, 'yaml', NOW)).toMatch(
      /^---\ntime: .*\ntype: ADDED\nobject:\n/,
    );
  });
});
