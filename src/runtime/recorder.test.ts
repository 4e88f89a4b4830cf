import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import type { RecordEvent } from '../core/action.ts';
import { NODE } from '../core/objects.ts';
import { type DropReason, EventRecorder, type RecordedEvent } from './recorder.ts';

function event(over: Partial<RecordEvent> = {}): RecordEvent {
  const regarding = { resource: NODE, name: 'worker-1', uid: 'u1' };
  return { do: 'recordEvent', regarding, type: 'Normal', reason: 'Drained', action: 'Drain', note: 'Done', ...over };
}

/** A recorder with a sink that answers as scripted: an error's message says whether it is transient. */
function setUp(answer: (recorded: RecordedEvent, call: number) => Promise<void>) {
  const sent: RecordedEvent[] = [];
  const dropped: DropReason[] = [];
  let calls = 0;
  const sink = {
    send: async (recorded: RecordedEvent): Promise<void> => {
      calls += 1;
      await answer(recorded, calls);
      sent.push(recorded);
    },
    isTransient: (error: unknown): boolean => error instanceof Error && error.message === 'transient',
  };
  const recorder = new EventRecorder({
    controller: 'test',
    sink,
    clock: { now: () => Date.now() },
    log: recordingLog(),
    onDropped: (reason) => dropped.push(reason),
  });
  return { recorder, sent, dropped, calls: () => calls };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('EventRecorder', () => {
  it('`record()` sends events in their order, each with an id of its own', async () => {
    const { recorder, sent } = setUp(async () => undefined);
    recorder.record(event({ note: 'one' }));
    recorder.record(event({ note: 'two' }));
    await recorder.flush(1000);
    expect(sent.map((recorded) => recorded.event.note)).toEqual(['one', 'two']);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  });

  it('`record()` says the same again within another scope, such as a later session of one Node', async () => {
    const { recorder, sent } = setUp(async () => undefined);
    for (const scope of ['first', 'first', 'second']) recorder.record(event({ scope }));
    await recorder.flush(1000);
    expect(sent.map((recorded) => recorded.event.scope)).toEqual(['first', 'second']);
  });

  it('`record()` does not repeat itself within an hour about one object', async () => {
    const { recorder, sent } = setUp(async () => undefined);
    recorder.record(event());
    recorder.record(event());
    recorder.record(event({ regarding: { resource: NODE, name: 'worker-1', uid: 'another' } }));
    await recorder.flush(1000);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(3_600_000);
    recorder.record(event());
    await recorder.flush(1000);
    expect(sent).toHaveLength(3);
  });

  it('`record()` drops the oldest of more than a thousand events that wait', async () => {
    const gate = Promise.withResolvers<void>();
    const { recorder, sent, dropped } = setUp(() => gate.promise);
    for (let at = 0; at <= 1003; at += 1) recorder.record(event({ note: `event ${at}` }));
    gate.resolve();
    await recorder.flush(1000);
    expect(dropped).toEqual(['Overflow', 'Overflow', 'Overflow']);
    expect(sent.slice(0, 2).map((recorded) => recorded.event.note)).toEqual(['event 0', 'event 4']);
  });

  it('`record()` tries a transient failure twice more, with the same id', async () => {
    const ids: string[] = [];
    const { recorder, sent } = setUp(async ({ id }, call) => {
      ids.push(id);
      if (call < 3) throw new Error('transient');
    });
    recorder.record(event());
    await vi.advanceTimersByTimeAsync(10_000);
    expect([sent.length, ids.length, new Set(ids).size]).toEqual([1, 3, 1]);
  });

  it('`record()` gives up after that, and lets the same event be recorded anew', async () => {
    const { recorder, sent, dropped, calls } = setUp(async (_, call) => {
      if (call <= 3) throw new Error('transient');
    });
    recorder.record(event());
    await vi.advanceTimersByTimeAsync(10_000);
    expect([calls(), dropped]).toEqual([3, ['Failed']]);
    recorder.record(event());
    await recorder.flush(1000);
    expect(sent).toHaveLength(1);
  });

  it('`record()` does not repeat a failure that is not transient', async () => {
    const { recorder, dropped, calls } = setUp(async () => {
      throw new Error('forbidden');
    });
    recorder.record(event());
    await vi.advanceTimersByTimeAsync(10_000);
    expect([calls(), dropped]).toEqual([1, ['Failed']]);
  });

  it('`flush()` waits for its timeout at most', async () => {
    const { recorder } = setUp(() => new Promise(() => undefined));
    recorder.record(event());
    let isOver = false;
    void recorder.flush(500).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(499);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isOver).toBe(true);
  });

  it('`start()` flushes what was recorded before the stop', async () => {
    const gate = Promise.withResolvers<void>();
    const { recorder, sent } = setUp(() => gate.promise);
    const stop = new AbortController();
    const life = recorder.start(stop.signal);
    recorder.record(event());
    stop.abort();
    gate.resolve();
    await life;
    expect(sent).toHaveLength(1);
  });
});
