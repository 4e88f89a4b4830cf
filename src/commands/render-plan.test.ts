import { describe, expect, it } from 'vitest';
import type { NodePlan, Plan } from '../tmm/explain/plan.ts';
import { renderPlan } from './render-plan.ts';

const WHY = 'PodDisruptionBudget shop/db allows 0 disruptions. Widen the budget, then taint again';
const REFUSED: NodePlan = {
  node: 'a',
  verdict: 'Reject',
  reason: 'TooManyExistingFailures',
  message: 'Pod shop/db-0: PodDisruptionBudget shop/db allows 0 disruptions (and 1 more Pod)',
  pods: [
    { pod: 'shop/agent', fate: 'Stays', why: 'of a DaemonSet' },
    { pod: 'shop/db-0', fate: 'Blocks', why: WHY },
    { pod: 'shop/db-1', fate: 'Blocks', why: WHY },
    { pod: 'shop/web', fate: 'Moves', to: 'b' },
  ],
  notModelled: ['plugin NodeResourcesDRA'],
};
const free = (node: string): NodePlan => ({
  node,
  verdict: 'Proceed',
  message: '0 Pods would leave, 0 would stay',
  pods: [],
  notModelled: [],
});
const plan = (...nodes: readonly NodePlan[]): Plan => ({ nodes, batches: [['b', 'c'], ['d']] });

describe('`renderPlan()`', () => {
  it('is never cut in a pipe', () => {
    expect(renderPlan(plan(REFUSED), 'text')).toBe(
      [
        'Node a: would be rejected (TooManyExistingFailures)',
        `  ${REFUSED.message}`,
        'POD         FATE    TO  WHY',
        'shop/agent  Stays   -   of a DaemonSet',
        `shop/db-0   Blocks  -   ${WHY}`,
        `shop/db-1   Blocks  -   ${WHY}`,
        'shop/web    Moves   b   -',
        '  Not judged: plugin NodeResourcesDRA',
        '',
      ].join('\n'),
    );
  });

  it('is as wide as the terminal, and says below what has to be done, once', () => {
    const lines = renderPlan(plan(REFUSED), 'text', { columns: 50, hasColour: false }).split('\n');
    expect(lines.slice(3, 8)).toEqual([
      'shop/agent  Stays   -   of a DaemonSet',
      'shop/db-0   Blocks  -   PodDisruptionBudget shop/…',
      'shop/db-1   Blocks  -   PodDisruptionBudget shop/…',
      'shop/web    Moves   b   -',
      `  - shop/db-0, shop/db-1: ${WHY}`,
    ]);
  });

  it('colours verdict and fates', () => {
    const coloured = renderPlan(plan(REFUSED), 'text', { columns: 50, hasColour: true });
    expect(coloured).toContain('Node a: \x1b[31mwould be rejected\x1b[39m (TooManyExistingFailures)\n');
    expect(coloured).toContain('\x1b[31mBlocks\x1b[39m');
    expect(coloured).toContain('\x1b[90mStays\x1b[39m');
  });

  it('says of a Node that waits what it would be rejected for in the end', () => {
    expect(renderPlan(plan({ ...REFUSED, verdict: 'Wait' }), 'text')).toContain(
      'Node a: would have to wait, and be rejected if nothing changes (TooManyExistingFailures)\n',
    );
    expect(renderPlan(plan({ ...free('a'), verdict: 'Wait' }), 'text')).toContain('Node a: would have to wait\n');
  });

  it('names the sets of several Nodes', () => {
    expect(renderPlan(plan(free('b'), free('c'), free('d')), 'text')).toMatch(
      /\nMay go together, one set after another:\n {2}1\. b, c\n {2}2\. d\n$/,
    );
    expect(renderPlan(plan(free('b')), 'text')).not.toContain('together');
  });

  it('holds everything in JSON', () => {
    expect(JSON.parse(renderPlan(plan(REFUSED), 'json'))).toEqual(plan(REFUSED));
  });
});
