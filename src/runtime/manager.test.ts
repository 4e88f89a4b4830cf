import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { LeadershipLost } from './drain-signal.ts';
import { type Election, Manager, type Runnable } from './manager.ts';
import { aborted, sleep } from './sleep.ts';

/** The log of events, in order. */
let story: string[];

interface Part extends Partial<Runnable> {
  readonly name: string;
  readonly phase: Runnable['phase'];
  /** How long it takes to end after the stop. */
  readonly endsAfterMs?: number;
}

function part({ endsAfterMs = 0, ...over }: Part): Runnable {
  return {
    needsLeadership: false,
    async start(stop) {
      story.push(`${over.name} starts`);
      await aborted(stop);
      if (stop.reason instanceof LeadershipLost) story.push(`${over.name} is cut off`);
      else if (endsAfterMs > 0) await sleep(endsAfterMs);
      story.push(`${over.name} ends`);
    },
    ...over,
  };
}

/** An election that is won after `winsAfterMs` and lost on the test's request. */
function election(winsAfterMs: number): Election & { lose(): void } {
  const lost = new AbortController();
  return {
    lose: () => lost.abort(),
    async run({ onStarted, onStopped }, stop) {
      if (winsAfterMs > 0) await sleep(winsAfterMs, stop);
      if (stop.aborted) return;
      story.push('lease won');
      onStarted(new AbortController().signal);
      await Promise.race([aborted(stop), aborted(lost.signal)]);
      onStopped();
      if (lost.signal.aborted) throw new LeadershipLost('lost');
      story.push('lease given back');
    },
  };
}

function setUp(parts: readonly Part[], withElection?: Election) {
  const log = recordingLog();
  const manager = new Manager({ log, ...(withElection !== undefined && { election: withElection }) });
  for (const one of parts) manager.add(part(one));
  const stop = new AbortController();
  let end: 'running' | 'stopped' | Error = 'running';
  void manager.start(stop.signal).then(
    () => {
      end = 'stopped';
    },
    (error: Error) => {
      end = error;
    },
  );
  return { manager, log, stop, end: () => end };
}

const letPass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

const whole: readonly Part[] = [
  { name: 'controller', phase: 'controllers', needsLeadership: true, endsAfterMs: 1000 },
  { name: 'recorder', phase: 'services' },
  { name: 'cache', phase: 'caches', whenReady: () => sleep(2000) },
  { name: 'probes', phase: 'servers' },
];

beforeEach(() => {
  story = [];
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('Manager', () => {
  it('`start()` goes from servers over synced caches and the Lease to controllers', async () => {
    setUp(whole, election(500));
    await letPass(1999);
    expect(story).toEqual(['probes starts', 'cache starts']);
    await letPass(1);
    expect(story.slice(2)).toEqual(['recorder starts']);
    await letPass(500);
    expect(story.slice(3)).toEqual(['lease won', 'controller starts']);
  });

  it('`start()` stops in reverse, waits for each phase, and gives the Lease back last', async () => {
    const { stop, end } = setUp(whole, election(0));
    await letPass(2000);
    story = [];
    stop.abort();
    await letPass(999);
    expect(story).toEqual([]);
    await letPass(1);
    expect(story).toEqual(['controller ends', 'recorder ends', 'cache ends', 'probes ends', 'lease given back']);
    expect(end()).toBe('stopped');
  });

  it('`start()` needs no Lease where no election is configured', async () => {
    const { stop, end } = setUp(whole);
    await letPass(2000);
    expect(story.at(-1)).toBe('controller starts');
    stop.abort();
    await letPass(1000);
    expect(end()).toBe('stopped');
  });

  it('a standby that is stopped ends without ever starting what needs leadership', async () => {
    const { stop, end } = setUp(whole, election(3_600_000));
    await letPass(10_000);
    stop.abort();
    await letPass();
    expect([story.includes('controller starts'), end()]).toEqual([false, 'stopped']);
  });

  it('a stop before the caches have synced ends at once', async () => {
    const { stop, end } = setUp(whole, election(0));
    await letPass(1000);
    stop.abort();
    await letPass();
    expect([story.at(-1), end()]).toEqual(['probes ends', 'stopped']);
  });

  it('a runnable that throws stops all others, and `start()` fails with its error', async () => {
    const broken: Part = {
      name: 'broken',
      phase: 'services',
      start: async () => {
        await sleep(3000);
        throw new Error('bug');
      },
    };
    const { end } = setUp([...whole, broken], election(0));
    await letPass(6000);
    expect(end()).toMatchObject({ message: 'Running broken', cause: { message: 'bug' } });
    expect(story.slice(-2)).toEqual(['probes ends', 'lease given back']);
  });

  it('a cache that can never be ready stops the start', async () => {
    const whenReady = () => Promise.reject(new Error('no such kind'));
    const { end } = setUp([{ name: 'cache', phase: 'caches', whenReady }, ...whole.slice(0, 1)], election(0));
    await letPass();
    expect(end()).toMatchObject({ message: 'no such kind' });
    expect(story).not.toContain('controller starts');
  });

  it('lost leadership cuts all work off at once and fails', async () => {
    const lease = election(0);
    const { end } = setUp(whole, lease);
    await letPass(2000);
    lease.lose();
    await letPass();
    expect(story).toContain('controller is cut off');
    expect(end()).toBeInstanceOf(LeadershipLost);
  });

  it('work that needs leadership and outlives the grace period keeps the Lease', async () => {
    const stuck: Part = { name: 'stuck', phase: 'controllers', needsLeadership: true, endsAfterMs: 3_600_000 };
    const { log, stop, end } = setUp([...whole, stuck], election(0));
    await letPass(2000);
    stop.abort();
    await letPass(9000);
    expect([end(), story.includes('lease given back')]).toEqual(['stopped', false]);
    expect(log.lines.find(({ level }) => level === 'warn')?.fields).toEqual({ runnables: ['stuck'] });
  });

  it('`readyz()` is red until the caches have synced and from the stop on, in between as the runnables say', async () => {
    let trouble: string | undefined;
    const { manager, stop } = setUp(
      [...whole.slice(1), { name: 'watch', phase: 'caches', readyz: () => trouble }],
      election(1e9),
    );
    const red = () =>
      manager.readyz().flatMap(({ name, check }) => (check() === undefined ? [] : [`${name}: ${check()}`]));
    await letPass(1999);
    expect(red()).toEqual(['started: waiting for caches']);
    await letPass(1);
    expect(red()).toEqual([]);
    trouble = 'stale';
    expect(red()).toEqual(['watch: stale']);
    trouble = undefined;
    stop.abort();
    expect(red()).toEqual(['started: stopping']);
  });

  it('`healthz()` collects what the runnables say', () => {
    const { manager } = setUp([{ name: 'cache', phase: 'caches', healthz: () => 'dead' }]);
    expect(manager.healthz().map(({ name, check }) => [name, check()])).toEqual([['cache', 'dead']]);
  });
});
