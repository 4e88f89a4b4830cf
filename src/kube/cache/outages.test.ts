import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { RestartReason } from './list-watch.ts';
import { Outages } from './outages.ts';

const PODS = { resource: 'pods' };
const NODES = { resource: 'nodes' };

function setUp() {
  const log = recordingLog();
  const clock = { nowMs: 1000, now: () => clock.nowMs };
  const outages = new Outages({ log, clock });
  const fail = (watcher: typeof PODS, reason: RestartReason): void =>
    outages.failed(watcher, { reason, message: `${reason} happened` }, 1);
  /** The log lines that an operator sees at the level `info`. */
  const seen = (): readonly string[] =>
    log.lines.flatMap(({ level, message, fields: { resource, reason, durationMs } }) =>
      level === 'debug' ? [] : [[level, message, resource, reason, durationMs].filter(Boolean).join(' ')],
    );
  return { outages, clock, fail, seen };
}

describe('`Outages`', () => {
  it('warns once of what all watches share, and tells once when the last has recovered, and how long it took', () => {
    const { outages, clock, fail, seen } = setUp();
    fail(PODS, 'Unreachable');
    fail(NODES, 'Unreachable');
    clock.nowMs = 5000;
    fail(PODS, 'Unreachable');
    outages.recovered(PODS, 6000);
    expect(seen()).toEqual(['warn Watch failed, trying again pods Unreachable']);
    clock.nowMs = 60_000;
    outages.recovered(NODES, 8000);
    expect(seen().slice(1)).toEqual(['info Watch recovered pods Unreachable 7000']);
  });

  it('warns of each reason within an outage, and of the same one again in the next', () => {
    const { outages, fail, seen } = setUp();
    fail(PODS, 'Unreachable');
    fail(NODES, 'Unreachable');
    fail(PODS, 'ServerError');
    fail(NODES, 'ServerError');
    fail(NODES, 'Unreachable');
    outages.recovered(PODS, 2000);
    outages.recovered(NODES, 3000);
    fail(NODES, 'Unreachable');
    expect(seen()).toEqual([
      'warn Watch failed, trying again pods Unreachable',
      'warn Watch failed, trying again pods ServerError',
      'info Watch recovered pods Unreachable 2000',
      'warn Watch failed, trying again nodes Unreachable',
    ]);
  });

  it.each(['Forbidden', 'NotServed', 'Refused', 'Malformed', 'Expired'] as const)(
    'tells of %s for each kind',
    (reason) => {
      const { outages, fail, seen } = setUp();
      fail(PODS, reason);
      fail(NODES, reason);
      fail(NODES, reason);
      outages.recovered(PODS, 2000);
      outages.recovered(NODES, 3000);
      expect(seen()).toEqual([
        `warn Watch failed, trying again pods ${reason}`,
        `warn Watch failed, trying again nodes ${reason}`,
        `info Watch recovered pods ${reason} 1000`,
        `info Watch recovered nodes ${reason} 2000`,
      ]);
    },
  );

  it('ends an outage when what is left is a matter of one kind', () => {
    const { outages, fail, seen } = setUp();
    fail(PODS, 'Unreachable');
    fail(NODES, 'Unreachable');
    outages.recovered(PODS, 4000);
    fail(NODES, 'Forbidden');
    expect(seen()).toEqual([
      'warn Watch failed, trying again pods Unreachable',
      'warn Watch failed, trying again nodes Forbidden',
      'info Watch recovered pods Unreachable 3000',
    ]);
  });

  it('takes the end of a watch for no recovery, and does not wait for it', () => {
    const { outages, fail, seen } = setUp();
    fail(PODS, 'Unreachable');
    outages.forget(PODS);
    fail(NODES, 'Unreachable');
    outages.recovered(PODS, 2000);
    outages.recovered(NODES, 3000);
    expect(seen()).toEqual([
      'warn Watch failed, trying again pods Unreachable',
      'warn Watch failed, trying again nodes Unreachable',
      'info Watch recovered nodes Unreachable 2000',
    ]);
  });
});
