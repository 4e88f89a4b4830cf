import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Input,
  RESTART_REASONS,
  type RestartReason,
  START,
  type State,
  step,
  type WatchFault,
} from './list-watch.ts';

const listing = (failures: number, continueToken?: string): State =>
  continueToken === undefined ? { at: 'listing', failures } : { at: 'listing', failures, continueToken };
const watching = (failures: number, progressed = false, resourceVersion = '7'): State => ({
  at: 'watching',
  failures,
  resourceVersion,
  progressed,
});
const waiting = (failures: number, next: State, atLeastMs = 0): State => {
  if (next.at === 'waiting') throw new Error('One wait does not follow another');
  return { at: 'waiting', failures, atLeastMs, next };
};
const fault = (reason: RestartReason, livedMs = 0, retryAfterMs?: number): Input => ({
  is: 'fault',
  fault: retryAfterMs === undefined ? { reason, message: 'm' } : { reason, message: 'm', retryAfterMs },
  livedMs,
});
const closed = (livedMs: number): Input => ({ is: 'closed', livedMs });
const page = (resourceVersion: string, continueToken?: string): Input =>
  continueToken === undefined ? { is: 'page', resourceVersion } : { is: 'page', resourceVersion, continueToken };

describe('step()', () => {
  it.each<[string, State, Input, State]>([
    ['follows the pages', START, page('5', 'p2'), listing(0, 'p2')],
    ['watches from the version of the last page', listing(3, 'p2'), page('5'), watching(3, false, '5')],
    [
      'asks for the same page again when the server was away',
      listing(0, 'p2'),
      fault('Unreachable'),
      waiting(1, listing(1, 'p2')),
    ],
    ['lists from the first page when a page is refused', listing(0, 'p2'), fault('Refused'), waiting(1, listing(1))],
    ['lists anew at once when a page expired', listing(0, 'p2'), fault('Expired'), listing(1)],
    ['waits before it lists anew again', listing(1, 'p2'), fault('Expired'), waiting(2, listing(2))],
    ['waits for a kind that is not served', START, fault('NotServed'), waiting(1, listing(1))],
    ['keeps counting failed lists', listing(4), fault('Forbidden'), waiting(5, listing(5))],
    ['gives the server the time that it asks for', START, fault('Throttled', 0, 5000), waiting(1, listing(1), 5000)],
    ['goes on from each event', watching(2), { is: 'event', resourceVersion: '8' }, watching(2, true, '8')],
    ['does not take a repeated version for progress', watching(2), { is: 'event', resourceVersion: '7' }, watching(2)],
    ['watches again when the server closes', watching(0, true, '9'), closed(400), watching(0, false, '9')],
    ['watches again after a quiet watch', watching(0), closed(300_000), watching(0)],
    ['takes a short watch without progress for a failure', watching(0), closed(999), waiting(1, watching(1))],
    ['does not take one of a second for a failure', watching(0), closed(1000), watching(0)],
    ['keeps the failures after a watch that was closed within a second', watching(3, true), closed(999), watching(3)],
    ['forgets failures after a watch that the server has closed properly', watching(3), closed(1000), watching(0)],
    [
      'keeps the failures after a watch that broke early',
      watching(3, true),
      fault('Unreachable', 9999),
      waiting(4, watching(4)),
    ],
    [
      'forgets failures after ten seconds with progress',
      watching(3, true),
      fault('Unreachable', 10_000),
      waiting(1, watching(1)),
    ],
    ['forgets failures after a minute without', watching(3), fault('Unreachable', 60_000), waiting(1, watching(1))],
    ['lists at once when the version expired', watching(0, true), fault('Expired'), listing(1)],
    ['lists at once after a line that it cannot read', watching(0, true), fault('Malformed'), listing(1)],
    ['waits when the fresh version expired again', watching(1), fault('Expired'), waiting(2, listing(2))],
    ['lists at once when it was healthy in between', watching(5), fault('Expired', 60_000), listing(1)],
    [
      'goes on from the last version after a reset',
      watching(0, true, '9'),
      fault('Unreachable'),
      waiting(1, watching(1, false, '9')),
    ],
    ['goes on from the last version after silence', watching(4), fault('TimedOut', 90_000), waiting(1, watching(1))],
    [
      'goes on from the last version after 429',
      watching(0),
      fault('Throttled', 0, 2000),
      waiting(1, watching(1), 2000),
    ],
    ['goes on from the last version after 403', watching(1), fault('Forbidden'), waiting(2, watching(2))],
    ['lists when the kind is gone', watching(0), fault('NotServed'), waiting(1, listing(1))],
    ['lists when the server refuses the request', watching(0), fault('Refused'), waiting(1, listing(1))],
    ['lists when one version failed too often', watching(10), fault('ServerError'), waiting(11, listing(11))],
    ['goes where it wanted to after a rest', waiting(1, watching(1)), { is: 'rested' }, watching(1)],
  ])('%s', (_, state, input, next) => {
    expect(step(state, input).state).toEqual(next);
  });

  it('names the fault of each restart, and nothing where all is well', () => {
    const reason = (state: State, input: Input) => step(state, input).restart?.reason;
    expect(reason(watching(0, true), closed(400))).toBe('Closed');
    expect(reason(watching(0), closed(400))).toBe('ClosedEarly');
    expect(reason(START, fault('Expired'))).toBe('Expired');
    expect(reason(START, page('5'))).toBeUndefined();
    expect(reason(watching(0), { is: 'event', resourceVersion: '8' })).toBeUndefined();
  });

  it('throws on an input that cannot happen', () => {
    expect(() => step(START, { is: 'rested' })).toThrow("Cannot take 'rested' while listing");
  });

  it('never goes on without a wait after two faults in a row', () => {
    const anyFault = fc.record({ reason: fc.constantFrom(...RESTART_REASONS), message: fc.constant('m') });
    fc.assert(
      fc.property(anyFault, anyFault, fc.nat({ max: 9999 }), (first: WatchFault, second: WatchFault, livedMs) => {
        let state: State = watching(0);
        let waits = 0;
        for (const each of [first, second]) {
          state = step(state, { is: 'fault', fault: each, livedMs }).state;
          if (state.at !== 'waiting') continue;
          waits++;
          state = step(state, { is: 'rested' }).state;
        }
        expect(waits).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
