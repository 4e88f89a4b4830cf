import { describe, expect, it } from 'vitest';
import type { Explanation } from '../core/explanation.ts';
import { renderStatus, renderWhy, statusTable } from './render.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const HELD: Explanation = {
  kind: 'Machine',
  name: 'metal/m',
  state: 'DeletionWaiting',
  outlook: 'Waiting',
  isUnderWay: true,
  since: '2026-11-21T09:30:00Z',
  summary: 'The deletion is held before the drain',
  waitsFor: 'a label',
  release: 'kubectl label node m approve=true',
  details: ['Node: m'],
};
const DRAINING: Explanation = {
  kind: 'Node',
  name: 'd',
  state: 'Draining',
  outlook: 'Moving',
  isUnderWay: true,
  since: '2026-11-21T09:59:51.500Z',
  deadline: '2026-11-21T10:59:51.500Z',
  progress: { done: 2, total: 8 },
  summary: '2 of 8 Pods gone',
  waitsFor: 'Pods that are leaving',
  details: [],
};
const QUIET: Explanation = {
  kind: 'Node',
  name: 'n',
  state: 'Idle',
  outlook: 'Idle',
  isUnderWay: false,
  summary: 'No taint asks for maintenance',
  details: [],
};

const COLOUR = new RegExp(`${'\x1b'}\\[\\d+m`, 'g');

describe('`renderStatus()`', () => {
  it('is a table, sorted by kind and name', () => {
    expect(renderStatus([QUIET, DRAINING, HELD, { ...HELD, name: 'metal/a' }], 'text', NOW)).toBe(
      [
        'OBJECT           STATE            PROGRESS  SINCE  LEFT  WAITS FOR',
        'machine/metal/a  DeletionWaiting  -         30m    -     a label',
        'machine/metal/m  DeletionWaiting  -         30m    -     a label',
        'node/d           Draining         2/8       8s     59m   Pods that are leaving',
        'node/n           Idle             -         -      -     -',
        '',
      ].join('\n'),
    );
  });

  it('shows reason, summary and command with `wide`', () => {
    const rejected = { ...HELD, reason: 'NotEnoughResources' };
    const [head, row] = renderStatus([rejected], 'wide', NOW, { columns: 40, hasColour: false }).split('\n');
    expect(head).toMatch(/^OBJECT +STATE +PROGRESS +SINCE +LEFT +REASON +WAITS FOR +SUMMARY +COMMAND$/);
    expect(row).toMatch(/NotEnoughResources +a label +The deletion is held before the drain +kubectl label node m/);
  });

  it('is as wide as the terminal, and cuts what somebody is waited for last', () => {
    const lines = renderStatus([DRAINING, HELD], 'text', NOW, { columns: 78, hasColour: false }).split('\n');
    expect(lines[2]).toBe('node/d           Draining         2/8       8s     59m   Pods that are leaving');
    expect(renderStatus([DRAINING, HELD], 'text', NOW, { columns: 70, hasColour: false }).split('\n')[2]).toBe(
      'node/d           Draining         2/8       8s     59m   Pods that ar…',
    );
    for (const columns of [1, 5, 20, 40, 60]) {
      const narrow = renderStatus([DRAINING, HELD], 'text', NOW, { columns, hasColour: false }).split('\n');
      expect(Math.max(...narrow.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    }
  });

  it('leaves out, where it would be cut, what nobody has', () => {
    const lines = renderStatus([HELD], 'text', NOW, { columns: 50, hasColour: false }).split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'OBJECT           STATE            SINCE  WAITS FOR',
      'machine/metal/m  DeletionWaiting  30m    a label',
    ]);
  });

  it('colours states by their outlook, without moving a column', () => {
    const coloured = renderStatus([DRAINING, HELD], 'text', NOW, { columns: 60, hasColour: true });
    expect(coloured).toContain('\x1b[36mDraining\x1b[39m');
    expect(coloured).toContain('\x1b[33mDeletionWaiting\x1b[39m');
    expect(coloured.replaceAll(COLOUR, '')).toBe(
      renderStatus([DRAINING, HELD], 'text', NOW, { columns: 60, hasColour: false }),
    );
  });

  it('shortens long ages, and shows a deadline that has passed as nothing left', () => {
    const old = { ...DRAINING, since: '2026-11-01T00:00:00Z', deadline: '2026-11-21T09:00:00Z' };
    expect(renderStatus([old], 'text', NOW)).toMatch(/2\/8 +20d +0s /);
  });

  it('draws progress where it is asked to', () => {
    const draw = (done: number, total: number): string =>
      statusTable([{ ...DRAINING, progress: { done, total } }], 'text', NOW, { hasColour: false }, { withBars: true });
    expect(draw(2, 8)).toContain('███░░░░░░░░░ 2/8');
    expect(draw(7, 8)).toContain('██████████░░ 7/8');
    expect(draw(0, 0)).toContain('████████████ 0/0');
  });

  it('says so where there is nothing to show', () => {
    expect(renderStatus([], 'text', NOW)).toBe('Nothing is under way.\n');
    expect(JSON.parse(renderStatus([], 'json', NOW))).toEqual({ items: [] });
    expect(renderStatus([], 'yaml', NOW)).toBe('items: []\n');
  });
});

describe('`renderWhy()`', () => {
  it('is a page with the command to copy', () => {
    expect(renderWhy(HELD, 'text', NOW)).toBe(
      [
        'Machine metal/m: DeletionWaiting',
        '  The deletion is held before the drain.',
        '  Since:     2026-11-21T09:30:00Z (30m ago)',
        '  Waits for: a label',
        '  To go on:  kubectl label node m approve=true',
        '  - Node: m',
        '',
      ].join('\n'),
    );
    expect(renderWhy(QUIET, 'text', NOW)).toBe('Node n: Idle\n  No taint asks for maintenance.\n');
  });

  it('shows what has to be run before the command', () => {
    const page = renderWhy({ ...HELD, preparation: 'get a kubeconfig' }, 'text', NOW);
    expect(page).toContain('  First:     get a kubeconfig\n  To go on:  kubectl label node m approve=true\n');
  });

  it('does not offer for a way on what ends the maintenance', () => {
    const release = 'kubectl taint node d drain-';
    expect(renderWhy({ ...DRAINING, release }, 'text', NOW)).toContain(`\n  To end it: ${release}\n`);
    expect(renderWhy({ ...HELD, outlook: 'Ready', release }, 'text', NOW)).toContain(`\n  To end it: ${release}\n`);
  });

  it('shows reason and deadline where there are any', () => {
    const page = renderWhy({ ...DRAINING, reason: 'GenericFailure' }, 'wide', NOW);
    expect(page).toContain('  Reason:    GenericFailure\n');
    expect(page).toContain('  Until:     2026-11-21T10:59:51.500Z (59m left)\n');
  });

  it('gives the same as JSON', () => {
    expect(JSON.parse(renderWhy(HELD, 'json', NOW))).toEqual(HELD);
  });
});
