import { describe, expect, it } from 'vitest';
import { type ControllerSigns, controllerTrouble, type LeaseSeen } from './controller-signs.ts';

const LED: LeaseSeen = { is: 'present', lease: 'mb/mb', holder: 'pod-1', quietMs: 1000, durationMs: 15_000 };
const unanswered = (sinceMs: number) => ({ unanswered: { node: 'a', what: 'taint' as const, sinceMs } });

describe('`controllerTrouble()`', () => {
  it.each<[string, LeaseSeen, Partial<ControllerSigns>, RegExp | undefined]>([
    ['a leader at work', LED, {}, undefined],
    ['a leader at work that has a moment still', LED, unanswered(9000), undefined],
    [
      'a leader that does not answer',
      LED,
      unanswered(10_000),
      /renews its Lease mb\/mb, but nothing happens to the taint of node\/a: its tmm.taints may/,
    ],
    ['a leader that is silent', { ...LED, quietMs: 7500 }, {}, /pod-1 has not renewed the Lease mb\/mb for 7 seconds/],
    [
      'a silent Lease and reports that change',
      { ...LED, quietMs: 60_000 },
      { hasReacted: true, sinceReactionMs: 500 },
      undefined,
    ],
    [
      'reports that changed long ago',
      { ...LED, quietMs: 60_000 },
      { hasReacted: true, sinceReactionMs: 20_000 },
      /for 60 seconds/,
    ],
    ['a Lease that another takes over', { ...LED, holder: '', quietMs: 1000 }, {}, undefined],
    [
      'a Lease that nobody takes over',
      { ...LED, holder: '', quietMs: 3000 },
      {},
      /^No controller runs: nobody holds the Lease mb\/mb$/,
    ],
    ['no Lease, with a moment still', { is: 'absent', searched: 'any namespace' }, unanswered(2000), undefined],
    [
      'no Lease',
      { is: 'absent', searched: 'any namespace' },
      unanswered(3000),
      /nothing happens to the taint of node\/a, and there is no Lease of one in any namespace/,
    ],
    ['no Lease, and nobody who asks', { is: 'absent', searched: 'any namespace' }, {}, undefined],
    [
      'Leases that cannot be seen',
      { is: 'unknown', why: 'forbidden' },
      unanswered(3000),
      /^No controller seems to run: .*Its Lease cannot be seen: forbidden$/,
    ],
    ['Leases that cannot be seen, with an answer', { is: 'unknown', why: 'forbidden' }, {}, undefined],
  ])('judges %s', (_, lease, more, message) => {
    const trouble = controllerTrouble({ lease, sinceReactionMs: 60_000, hasReacted: false, ...more });
    if (message === undefined) expect(trouble).toBeUndefined();
    else expect(trouble).toMatch(message);
  });
});
