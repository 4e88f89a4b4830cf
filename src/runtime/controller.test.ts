import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { TerminalError } from '../core/decision.ts';
import { Controller, type ControllerOptions, type PassOutcome, type Reconcile } from './controller.ts';
import { LeadershipLost } from './drain-signal.ts';
import { nextTurn } from './sleep.ts';

class Conflict extends Error {}

function setUp(reconcile: Reconcile, over: Partial<ControllerOptions> = {}) {
  const log = recordingLog();
  const outcomes: PassOutcome[] = [];
  const depths: number[] = [];
  const controller = new Controller({
    name: 'tmm',
    kind: 'Node',
    reconcile,
    log,
    metrics: {
      observe: ({ outcome }) => outcomes.push(outcome),
      depth: (_, length) => depths.push(length),
    },
    isConflict: (error) => error instanceof Conflict,
    queue: { random: () => 0 },
    ...over,
  });
  const stop = new AbortController();
  const start = (): Promise<void> => controller.start(stop.signal);
  return { controller, log, outcomes, depths, stop, start };
}

const letPass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

/** A pass that ends when its signal aborts, like a request. */
const untilAborted: Reconcile = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('Controller', () => {
  it('`Controller` reconciles what was enqueued before and after the start', async () => {
    const seen: string[] = [];
    const { controller, outcomes, start } = setUp(async (key) => {
      seen.push(key);
      return {};
    });
    controller.enqueue('a');
    void start();
    controller.enqueue('b');
    controller.enqueueAfter('c', 1000);
    await letPass();
    expect(seen).toEqual(['a', 'b']);
    await letPass(1000);
    expect([seen, outcomes]).toEqual([
      ['a', 'b', 'c'],
      ['Done', 'Done', 'Done'],
    ]);
  });

  it('`Controller` begins each pass in a turn of its own where passes compute for long', async () => {
    vi.useRealTimers();
    const seen: string[] = [];
    const reconcile: Reconcile = async (key) => {
      seen.push(key);
      setImmediate(() => seen.push('turn'));
      return {};
    };
    const { controller, start, stop } = setUp(reconcile, { workers: 4, nextTurn });
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    const running = start();
    await vi.waitFor(() => expect(seen).toHaveLength(6));
    expect(seen).toEqual(['a', 'turn', 'b', 'turn', 'c', 'turn']);
    stop.abort();
    await running;
  });

  it('`Controller` works on several keys at a time, and never on one twice', async () => {
    const running: string[] = [];
    let most = 0;
    const { controller, start } = setUp(
      async (key) => {
        expect(running).not.toContain(key);
        running.push(key);
        most = Math.max(most, running.length);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running.splice(running.indexOf(key), 1);
        return {};
      },
      { workers: 2 },
    );
    void start();
    for (let ms = 0; ms < 100; ms += 1) {
      for (const key of ['a', 'b', 'c']) controller.enqueue(key);
      await letPass(1);
    }
    expect(most).toBe(2);
  });

  it('`Controller` comes back after `requeueAfterMs`', async () => {
    const times: number[] = [];
    const { controller, outcomes, start } = setUp(async () => {
      times.push(performance.now());
      return times.length === 1 ? { requeueAfterMs: 5000 } : {};
    });
    controller.enqueue('a');
    void start();
    await letPass(20_000);
    expect([(times[1] ?? 0) - (times[0] ?? 0), times.length, outcomes]).toEqual([5000, 2, ['RequeueAfter', 'Done']]);
  });

  it('`Controller` tries a failed pass again with backoff, and logs each with its attempt and an id of its own', async () => {
    let passes = 0;
    const { controller, log, outcomes, start } = setUp(async () => {
      passes += 1;
      if (passes < 4) throw new Error(`failure ${passes}`);
      return {};
    });
    controller.enqueue('worker-1');
    void start();
    await letPass(50 + 100);
    expect(outcomes).toEqual(['Failed', 'Failed', 'Failed']);
    await letPass(200);
    expect(outcomes.at(-1)).toBe('Done');
    const lines = log.lines.filter(({ level }) => level === 'error');
    expect(lines.map(({ fields }) => fields.attempt)).toEqual([1, 2, 3]);
    expect(new Set(lines.map(({ fields }) => fields.reconcileID)).size).toBe(3);
    expect(lines[0]?.fields).toMatchObject({ controller: 'tmm', Node: 'worker-1', err: new Error('failure 1') });
  });

  it('`Controller` retries a conflict soon, however often, and logs it at debug only', async () => {
    const { controller, log, outcomes, start } = setUp(async () => {
      throw new Error('Patching Node worker-1', { cause: new Conflict() });
    });
    controller.enqueue('a');
    void start();
    await letPass(10_000);
    expect(outcomes.length).toBeGreaterThan(10);
    expect(new Set(outcomes)).toEqual(new Set(['Conflict']));
    expect(log.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  it('`Controller` logs a `TerminalError` once and waits for the next event', async () => {
    const { controller, log, outcomes, start } = setUp(async () => {
      throw new Error('Reading the kubeconfig', { cause: new TerminalError('it names a file') });
    });
    controller.enqueue('a');
    void start();
    await letPass(3_600_000);
    expect([outcomes, log.lines.length]).toEqual([['Terminal'], 1]);
    controller.enqueue('a');
    await letPass();
    expect(outcomes).toEqual(['Terminal', 'Terminal']);
  });

  it('`Controller` aborts a pass that takes too long and says so', async () => {
    const { controller, log, outcomes, start } = setUp(untilAborted, { timeoutMs: 1000 });
    controller.enqueue('a');
    void start();
    await letPass(1000);
    expect(outcomes).toEqual(['Failed']);
    expect(log.lines[0]?.fields.err).toMatchObject({
      message: 'Pass took longer than 1000 ms',
      cause: { message: 'aborted' },
    });
  });

  it('`start()` ends after the passes in flight, and leaves what is queued', async () => {
    const gate = Promise.withResolvers<object>();
    const seen: string[] = [];
    const { controller, outcomes, stop, start } = setUp((key) => {
      seen.push(key);
      return gate.promise;
    });
    let hasEnded = false;
    controller.enqueue('a');
    controller.enqueue('b');
    const life = start().then(() => {
      hasEnded = true;
    });
    await letPass();
    stop.abort();
    await letPass(1000);
    expect(hasEnded).toBe(false);
    gate.resolve({});
    await life;
    expect([seen, outcomes]).toEqual([['a'], ['Done']]);
  });

  it('`start()` aborts passes that outlive the drain, without calling them failures', async () => {
    const { controller, log, outcomes, stop, start } = setUp(untilAborted, { drainMs: 5000 });
    controller.enqueue('a');
    const life = start();
    await letPass();
    stop.abort();
    await letPass(4999);
    expect(outcomes).toEqual([]);
    await letPass(1);
    await life;
    expect([outcomes, log.lines]).toEqual([['Aborted'], []]);
  });

  it('`start()` aborts passes at once when leadership was lost', async () => {
    const { controller, outcomes, stop, start } = setUp(untilAborted);
    controller.enqueue('a');
    const life = start();
    await letPass();
    stop.abort(new LeadershipLost('gone'));
    await life;
    expect(outcomes).toEqual(['Aborted']);
  });

  it('`Controller` reports how many keys wait', async () => {
    const { controller, depths, start } = setUp(async () => ({}));
    controller.enqueue('a');
    controller.enqueue('b');
    void start();
    await letPass();
    expect(depths).toEqual([1, 2, 1, 0]);
  });
});
