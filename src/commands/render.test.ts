import { describe, expect, it } from 'vitest';
import type { Explanation } from '../core/explanation.ts';
import { renderStatus, renderWhy } from './render.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const HELD: Explanation = {
  kind: 'Machine',
  name: 'metal/m',
  state: 'DeletionWaiting',
  isUnderWay: true,
  since: '2026-11-21T09:30:00Z',
  summary: 'The deletion is held before the drain',
  waitsFor: 'a label',
  release: 'kubectl label node m approve=true',
  details: ['Node: m'],
};
const QUIET: Explanation = {
  kind: 'Node',
  name: 'n',
  state: 'Idle',
  isUnderWay: false,
  summary: 'Nobody asks for maintenance',
  details: [],
};

describe('`renderStatus()`', () => {
  it('is a table, sorted by kind and name', () => {
    expect(renderStatus([QUIET, HELD, { ...HELD, name: 'metal/a' }], 'text', NOW)).toBe(
      [
        'OBJECT           STATE            SINCE  WAITS FOR',
        'machine/metal/a  DeletionWaiting  30m    a label',
        'machine/metal/m  DeletionWaiting  30m    a label',
        'node/n           Idle             -      -',
        '',
      ].join('\n'),
    );
  });

  it('says so where there is nothing to show', () => {
    expect(renderStatus([], 'text', NOW)).toBe('Nothing is under way.\n');
    expect(JSON.parse(renderStatus([], 'json', NOW))).toEqual({ items: [] });
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
        '  Command:   kubectl label node m approve=true',
        '  - Node: m',
        '',
      ].join('\n'),
    );
    expect(renderWhy(QUIET, 'text', NOW)).toBe('Node n: Idle\n  Nobody asks for maintenance.\n');
  });

  it('gives the same as JSON', () => {
    expect(JSON.parse(renderWhy(HELD, 'json', NOW))).toEqual(HELD);
  });
});
