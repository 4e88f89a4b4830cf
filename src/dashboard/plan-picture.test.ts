import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodePlan, PodPlan } from '../tmm/explain/plan.ts';
import { planPage } from './plan-picture.ts';

const AT = '2026-01-01T00:00:00Z';
const node = (pods: readonly PodPlan[], more: Partial<NodePlan> = {}): NodePlan => ({
  ...{ node: 'worker-1', verdict: 'Proceed', message: 'May go', pods, notModelled: [] },
  ...more,
});

describe('`planPage()`', () => {
  it('draws each Pod to where it goes, and says the same in a table', () => {
    const pods: PodPlan[] = [
      { pod: 'shop/web-1', fate: 'Moves', to: 'worker-2' },
      { pod: 'shop/db-0', fate: 'Waits', why: 'it can run on this Node only' },
    ];
    const page = planPage({ nodes: [node(pods)], batches: [['worker-1']] }, AT);
    expect(page.match(/class="way (\w+)"/g)).toEqual(['class="way Moves"', 'class="way Waits"']);
    expect(page).toContain('<tr><td>shop/web-1</td><td class="fate">moves</td><td>worker-2</td><td></td></tr>');
    expect(page).toContain('may go');
  });

  it('leaves out a picture that nobody could read, and keeps the table', () => {
    const pods = Array.from({ length: 301 }, (_, index): PodPlan => ({ pod: `shop/web-${index}`, fate: 'Goes' }));
    const page = planPage({ nodes: [node(pods)], batches: [] }, AT);
    expect(page).not.toContain('<svg');
    expect(page.match(/<td class="fate">/g)).toHaveLength(301);
  });

  it('makes no markup of any text', () => {
    const hostile = fc.oneof(fc.string(), fc.constantFrom('<script>', '"><img onerror=x>', "'", '</style>', '&lt;'));
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, why, message) => {
        const tags = (page: string): number => page.match(/</g)?.length ?? 0;
        const calm = planPage({ nodes: [node([{ pod: 'a', fate: 'Moves', to: 'b', why: 'c' }])], batches: [] }, AT);
        const found = planPage(
          { nodes: [node([{ pod: name, fate: 'Moves', to: name, why }], { message, node: name })], batches: [] },
          AT,
        );
        expect(tags(found)).toBe(tags(calm));
      }),
    );
  });
});
